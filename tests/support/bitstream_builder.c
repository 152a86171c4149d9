/* SPDX-License-Identifier: MIT */
#include "support/bitstream_builder.h"

#include <string.h>

static size_t put_field(uint8_t *at, char letter, const char *text)
{
	size_t length = strlen(text) + 1;

	at[0] = (uint8_t)letter;
	at[1] = (uint8_t)(length >> 8);
	at[2] = (uint8_t)length;
	memcpy(at + 3, text, length);
	return 3 + length;
}

size_t bitstream_build_bin(uint8_t *at, uint32_t code)
{
	const uint32_t words[BITSTREAM_WORDS] = {0xFFFFFFFF, 0xFFFFFFFF, 0x000000BB, 0x11220044, 0xFFFFFFFF,
		0xAA995566, 0x20000000, 0x30018001, code, 0x30008001, 7, 0x12345678};

	for (int i = 0; i < BITSTREAM_WORDS; i++)
		for (int j = 0; j < 4; j++)
			at[4 * i + j] = (uint8_t)(words[i] >> (24 - 8 * j));
	return 4 * BITSTREAM_WORDS;
}

size_t bitstream_build_bit(uint8_t *at, const char *part, uint32_t code)
{
	static const uint8_t magic[] = {0, 9, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0, 0, 1};
	size_t used = sizeof(magic);

	memcpy(at, magic, used);
	used += put_field(at + used, 'a', "overlay;UserID=0XFFFFFFFF;Version=2022.2");
	used += put_field(at + used, 'b', part);
	used += put_field(at + used, 'c', "2026/11/21");
	used += put_field(at + used, 'd', "10:46:08");
	memcpy(at + used, "e\0\0\0", 4);
	at[used + 4] = 4 * BITSTREAM_WORDS;
	return used + 5 + bitstream_build_bin(at + used + 5, code);
}
