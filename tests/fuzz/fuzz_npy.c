/* SPDX-License-Identifier: MIT */
/* What parses lies within the file, and is the same again when written and parsed. */
#include "fuzz.h"

#include "base/error.h"
#include "nn/format/npy.h"

#include <stdlib.h>
#include <string.h>

static void again(const struct npy *npy, const uint8_t *values, size_t width)
{
	size_t bytes = (size_t)npy_count(npy) * width;
	void *copy = malloc(bytes + 1);
	const uint8_t *second_values = NULL;
	struct npy second;
	struct error e;
	char *file = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&file, &size);

	promise(copy && memory);
	npy_copy(copy, values, npy_count(npy), width);
	promise(npy_write(memory, npy, copy) == 0);
	fclose(memory);
	promise(npy_parse((const uint8_t *)file, size, &second, &second_values, &e) == 0);
	promise(npy_compare(&second, npy, &e) == 0);
	promise(memcmp(second_values, values, bytes) == 0);
	free(file);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *values = NULL;
	struct npy npy;
	struct error e = {0};

	if (npy_parse(data, size, &npy, &values, &e)) {
		promise(e.code < 0 && e.text[0]);
		return 0;
	}
	size_t width = strtoul(npy.type + 1, NULL, 10);
	promise(values >= data && npy_count(&npy) * width == (size_t)(data + size - values));
	if (width == 1 || width == 4)
		again(&npy, values, width);
	return 0;
}
