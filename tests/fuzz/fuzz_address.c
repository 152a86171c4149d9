/* SPDX-License-Identifier: MIT */
/* A source's name, as messages show it: no password, and no end in the middle of a letter. */
#include "fuzz.h"

#include "source/address.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[ADDRESS_TEXT_BYTES];
	char *name = calloc(size + 1, 1);

	promise(name);
	memcpy(name, data, size);
	const char *shown = address_show(name, text);
	promise(address_is(name) || shown == name);
	promise(address_is(name) || !address_is_stream(name));
	if (address_is(name)) {
		promise(strlen(shown) < sizeof(text));
		promise(!strpbrk(shown, "@?#="));
	}
	free(name);
	return 0;
}
