/* SPDX-License-Identifier: MIT */
#include "nn/network_names.h"

#include "nn/limits.h"

#include <stdint.h>
#include <string.h>

bool name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t length = strspn(name, allowed);

	return length > 0 && length <= NAME_LIMIT && name[length] == '\0' && name[0] != '.';
}

/* Bytes of the UTF-8 character at `text`; 0 when it is none: overlong, a surrogate, over U+10FFFF, cut off.
 */
static size_t character(const unsigned char *text, size_t length, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t size = text[0] < 0x80		 ? 1
		      : (text[0] & 0xe0) == 0xc0 ? 2
		      : (text[0] & 0xf0) == 0xe0 ? 3
		      : (text[0] & 0xf8) == 0xf0 ? 4
						 : 0;

	if (size == 0 || size > length)
		return 0;
	*code = size == 1 ? text[0] : text[0] & (0x7fU >> size);
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return size;
}

const char *label_fault(const char *text, size_t length)
{
	const unsigned char *byte = (const unsigned char *)text;
	uint32_t code = 0;

	if (length == 0)
		return "is empty";
	if (length > LABEL_LIMIT)
		return "is longer than 255 bytes";
	for (size_t at = 0, size; at < length; at += size) {
		size = character(byte + at, length - at, &code);
		if (size == 0)
			return "is not valid UTF-8";
		if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			return "holds a control character";
	}
	if (text[0] == ' ' || text[length - 1] == ' ')
		return "begins or ends with a space";
	return NULL;
}
