/* SPDX-License-Identifier: MIT */
/* A whole folder in one string: files one after the other, each behind a line "=== NAME". */
#ifndef FUZZ_PACK_H
#define FUZZ_PACK_H

#include "fuzz.h"

#include "base/error.h"
#include "nn/format/parse.h"
#include "nn/reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pack {
	const uint8_t *data;
	size_t size;
};

static inline bool pack_find(const struct pack *pack, const char *name, const uint8_t **begin, size_t *size)
{
	char line[300];
	int length = snprintf(line, sizeof(line), "\n=== %s\n", name);
	const uint8_t *end = pack->data + pack->size;
	const uint8_t *found = memmem(pack->data, pack->size, line, (size_t)length);

	if (!found)
		return false;
	*begin = found + length;
	const uint8_t *next = memmem(*begin, (size_t)(end - *begin), "\n=== ", 5);
	*size = (size_t)((next ? next : end) - *begin);
	return true;
}

static inline int pack_read(
	void *context, const char *name, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	const uint8_t *begin = NULL;

	if (!pack_find(context, name, &begin, size))
		return error_set(e, -ENOENT, "is missing");
	if (*size > limit)
		return error_set(e, -EFBIG, "is too long");
	*data = malloc(*size ? *size : 1); /* exactly: a byte read past the end is found */
	if (!*data)
		return error_set(e, -ENOMEM, "no memory");
	memcpy(*data, begin, *size);
	return 0;
}

static inline bool pack_has(void *context, const char *name)
{
	const uint8_t *begin = NULL;
	size_t size = 0;

	return pack_find(context, name, &begin, &size);
}

/* Runs a network that is not large in the reference. */
static inline void network_try(const struct network *network)
{
	const struct layer *last = &network->layers[network->layer_count - 1];
	size_t size = shape_size(network->layers[0].in);
	uint64_t operations = 0;

	for (int i = 0; i < network->layer_count; i++) {
		const struct layer *l = &network->layers[i];
		operations += shape_size(l->out) * (size_t)l->kernel_height * (size_t)l->kernel_width *
			      (size_t)(l->in.channels / l->groups);
		if (operations > 1000000 || shape_size(l->in) > 1000000)
			return;
	}
	uint8_t *in = malloc(size);
	int32_t *out = calloc(shape_size(last->out), sizeof(*out));
	promise(in && out);
	memset(in, (1 << network->layers[0].input_bits) - 1, size);
	promise(reference_run(network, 0, network->layer_count, in, out) == 0);
	free(in);
	free(out);
}

/* What `parse` makes of the files must pass the check, and run without a fault. */
static inline void pack_try(const uint8_t *data, size_t size, network_parser *parse)
{
	struct pack pack = {data, size};
	const struct network_files files = {.read = pack_read, .exists = pack_has, .context = &pack};
	struct network *network = NULL;
	struct error e = {0};

	if (parse(&files, &network, &e)) {
		promise(e.code < 0 && e.text[0] && !network);
		return;
	}
	promise(network_check(network, &e) == 0);
	network_try(network);
	network_destroy(network);
}

#endif
