/* SPDX-License-Identifier: MIT */
/* One byte: the number of classes; labels.txt up to a zero byte; then groups.txt. */
#include "fuzz.h"

#include "base/error.h"
#include "nn/format/labels.h"
#include "nn/network_names.h"

#include <stdlib.h>
#include <string.h>

/* Exactly as long as the text: a byte read past its end is found. */
static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);

	promise(text);
	if (size)
		memcpy(text, data, size);
	return text;
}

static void check(const struct network *network)
{
	int members = 0;

	for (int i = 0; i < network->class_count; i++)
		promise(!label_fault(network->labels[i], strlen(network->labels[i])));
	for (int g = 0; g < network->group_count; g++) {
		promise(network->groups[g].class_count > 0);
		for (int i = 0; i < network->groups[g].class_count; i++)
			promise((unsigned)network->groups[g].classes[i] < (unsigned)network->class_count);
		members += network->groups[g].class_count;
	}
	promise(members <= network->class_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct network *network = calloc(1, sizeof(*network));
	struct error e = {0};

	promise(network);
	if (size > 0) {
		const uint8_t *end = memchr(data + 1, 0, size - 1);
		size_t length = end ? (size_t)(end - data) - 1 : size - 1;
		char *labels = copy(data + 1, length);
		char *groups = copy(data + 1 + length, size - 1 - length);
		size_t skip = end != NULL;

		network->class_count = data[0];
		if (labels_parse(network, "labels.txt", labels, length, &e) == 0 &&
			groups_parse(network, "groups.txt", groups + skip, size - 1 - length - skip, &e) == 0)
			check(network);
		free(labels);
		free(groups);
	}
	network_destroy(network);
	return 0;
}
