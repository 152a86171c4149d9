/* SPDX-License-Identifier: MIT */
/*
 * The importer on any bytes. An input is the network and the number of a file that is spoiled (2 bytes:
 * network · 4096 + layer · 256 + PE · 2 + kind), how many bytes longer or shorter than needed it is (2 bytes,
 * signed), classes.txt up to a zero byte (none where that is empty), and a pattern that fills all files:
 * weights as they are, thresholds 16 bits each. When the pattern is empty, files hold zeros.
 */
#include "base/error.h"
#include "fuzz.h"
#include "nn/format/parse.h"
#include "nn/import/bnn_pynq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Words of the files of layer 0, which tell the networks apart. */
static const size_t words[][2] = {{416, 32}, {416, 64}, {36, 4}, {36, 8}, {72, 16}};

struct input {
	unsigned network, spoiled;
	int longer;
	const uint8_t *classes, *pattern;
	size_t classes_size, pattern_size;
};

static struct input input_of(const uint8_t *data, size_t size)
{
	struct input input = {.spoiled = UINT32_MAX};

	if (size < 4)
		return input;
	input.network = data[0] / 16u % (sizeof(words) / sizeof(*words));
	input.spoiled = (data[0] & 15u) << 8 | data[1];
	input.longer = (int16_t)(data[2] << 8 | data[3]);
	const uint8_t *end = memchr(data + 4, 0, size - 4);
	input.classes = data + 4;
	input.classes_size = end ? (size_t)(end - input.classes) : size - 4;
	input.pattern = input.classes + input.classes_size + (end != NULL);
	input.pattern_size = (size_t)(data + size - input.pattern);
	return input;
}

static bool has(void *context, const char *name)
{
	const struct input *input = context;

	return strcmp(name, "classes.txt") == 0 && input->classes_size > 0;
}

/* But for layer 0, files are as long as the importer allows at most, which is the length that it needs. */
static int give(void *context, const char *name, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	const struct input *input = context;
	unsigned layer = 0, pe = 0;
	char kind = 0;

	*size = limit;
	if (strcmp(name, "classes.txt") == 0) {
		*size = input->classes_size;
	} else {
		promise(sscanf(name, "%u-%u-%c", &layer, &pe, &kind) == 3);
		if (layer == 0)
			*size = words[input->network][kind == 't'] * 8;
		long long wanted = (long long)*size;
		if (input->spoiled == layer * 256 + pe * 2 + (kind == 't'))
			wanted += input->longer;
		*size = wanted < 0 ? 0 : (size_t)wanted;
	}
	if (*size > limit)
		return error_set(e, -EFBIG, "is too long");
	*data = calloc(*size ? *size : 1, 1); /* exactly: a byte read past the end is found */
	promise(*data);
	if (!kind)
		memcpy(*data, input->classes, *size);
	else if (input->pattern_size)
		for (size_t i = 0; i < *size; i++)
			if (kind == 'w' || i % 8 < 2)
				(*data)[i] = input->pattern[(i + layer + pe) % input->pattern_size];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = input_of(data, size);
	const struct network_files files = {.read = give, .exists = has, .context = &input};
	struct network *network = NULL;
	struct error e = {0};

	if (import_bnn_pynq_files(&files, &network, &e)) {
		promise(e.code < 0 && e.text[0] && !network);
		return 0;
	}
	promise(network_check(network, &e) == 0 && network->layer_count == (input.network < 2 ? 5 : 12));
	network_destroy(network);
	return 0;
}
