/* SPDX-License-Identifier: MIT */
/* A pickled .npy file of any bytes: the numbers that are found lie in the file or what was decoded of it. */
#include "base/error.h"
#include "fuzz.h"
#include "nn/import/pickle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"conv0/W", "conv0/T", "bytes"};
	uint8_t *file = malloc(size ? size : 1); /* exactly: a byte read past the end is found */
	struct pickle *pickle = NULL;
	struct error e = {0};
	unsigned sum = 0;

	promise(file);
	if (size)
		memcpy(file, data, size);
	int rc = pickle_open(file, size, &pickle, &e);
	promise((rc == 0) == (pickle != NULL) && (rc == 0 || (e.code == rc && e.text[0])));
	for (size_t n = 0; pickle && n < sizeof(names) / sizeof(*names); n++) {
		struct npy npy = {0};
		const uint8_t *values = NULL;

		if ((rc = pickle_find(pickle, names[n], &npy, &values, &e))) {
			promise(rc == e.code && e.text[0]);
			continue;
		}
		for (uint64_t i = 0; i < npy_count(&npy) * npy_width(&npy); i++)
			sum += values[i];
	}
	promise(sum != UINT32_MAX);
	pickle_close(pickle);
	free(file);
	return 0;
}
