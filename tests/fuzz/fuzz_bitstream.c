/* SPDX-License-Identifier: MIT */
/* What is read of a bitstream is a multiple of 32 bits, at least 96, contains the sync word, and reads the
 * same again. */
#include "fuzz.h"

#include "base/error.h"
#include "pl/bus/uio/bitstream.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bitstream first, second;
	struct error e = {0};

	if (bitstream_parse(data, size, &first, &e)) {
		promise(e.code < 0 && e.text[0] && !first.data);
		return 0;
	}
	promise(first.size >= 12 && first.size <= size && first.size % 4 == 0);
	promise(memmem(first.data, first.size, "\x66\x55\x99\xaa", 4));
	promise(bitstream_parse(first.data, first.size, &second, &e) == 0);
	promise(second.size == first.size && !memcmp(second.data, first.data, first.size));
	bitstream_finish(&first);
	bitstream_finish(&second);
	return 0;
}
