/* SPDX-License-Identifier: MIT */
#include "support/clip_builder.h"

#include <string.h>
#include <unistd.h>

static void put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		_exit(1);
}

/* An element's id and size, as eight bytes. */
static void put_element(int fd, uint32_t id, uint64_t size)
{
	uint8_t bytes[12] = {[4] = 1};
	int at = id > 0xffffff ? 0 : 3; /* ids of four bytes or of one */

	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(id >> (24 - 8 * i));
	for (int i = 1; i < 8; i++)
		bytes[4 + i] = (uint8_t)(size >> (56 - 8 * i));
	put(fd, bytes + at, sizeof(bytes) - (size_t)at);
}

void clip_put_head(int fd)
{
	put_element(fd, 0x1a45dfa3, 4);
	put(fd, "none", 4);
	put_element(fd, 0x18538067, (UINT64_C(1) << 56) - 1);
	put_element(fd, 0x1549a966, 3);
	put(fd, "any", 3);
}

void clip_put(int fd, uint32_t time, const char *text, uint8_t duration, const void *picture, size_t size)
{
	const uint8_t stamp[] = {
		(uint8_t)(time >> 24), (uint8_t)(time >> 16), (uint8_t)(time >> 8), (uint8_t)time};
	size_t length = text ? strlen(text) : 0, group = text ? 9 + 4 + length + 9 + 1 : 0;

	put_element(fd, 0x1f43b675, 9 + 4 + (text ? 9 + group : 0) + 9 + 4 + size);
	put_element(fd, 0xe7, 4);
	put(fd, stamp, 4);
	if (text) {
		put_element(fd, 0xa0, group);
		put_element(fd, 0xa1, 4 + length);
		put(fd, "\x82\0\0\0", 4);
		put(fd, text, length);
		put_element(fd, 0x9b, 1);
		put(fd, &duration, 1);
	}
	put_element(fd, 0xa3, 4 + size);
	put(fd, "\x81\0\0\x80", 4);
	if (picture)
		put(fd, picture, size);
	else if (lseek(fd, (off_t)size, SEEK_CUR) < 0 || ftruncate(fd, lseek(fd, 0, SEEK_CUR)))
		_exit(1);
}
