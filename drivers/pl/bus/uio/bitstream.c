/* SPDX-License-Identifier: MIT */
/*
 * A .bit file has fields that begin with a 16-bit length, and after them the very words of a .bin. The words
 * (Xilinx UG470, table 5-19 …) begin with a pattern for the bus width and the sync word; a write to IDCODE
 * names the part.
 */
#include "pl/bus/uio/bitstream.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYNC 0xAA995566U
#define WRITE_IDCODE 0x30018001U
#define IDCODE 0x03727093U	/* XC7Z020, UG585 */
#define IDCODE_MASK 0x0FFFFFFFU /* without the revision */
#define PART "7z020"

/* Words at the beginning that must contain sync word and IDCODE. */
#define BEGINNING 1024

#define LARGEST (64U << 20) /* bytes of a file; the XC7Z020's has 4 MB */

static const uint8_t magic[] = {0x00, 0x09, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0x00, 0x00, 0x01};

struct bitstream_reader {
	const uint8_t *at;
	size_t left;
};

static uint32_t big_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t little_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static bool skip(struct bitstream_reader *r, size_t count)
{
	if (r->left < count)
		return false;
	r->at += count;
	r->left -= count;
	return true;
}

/* A field of text: letter, 16-bit length, characters with a zero behind. Control characters become '?'. */
static bool read_field(struct bitstream_reader *r, char letter, char *text, size_t size)
{
	const uint8_t *field = r->at;

	if (!skip(r, 3) || field[0] != (uint8_t)letter)
		return false;
	size_t length = (size_t)field[1] << 8 | field[2];
	if (length == 0 || !skip(r, length) || field[3 + length - 1] != 0)
		return false;
	snprintf(text, size, "%s", (const char *)field + 3);
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
	return true;
}

static int read_header(struct bitstream_reader *r, struct bitstream *out, struct error *e)
{
	skip(r, sizeof(magic));
	if (!read_field(r, 'a', out->design, sizeof(out->design)) ||
		!read_field(r, 'b', out->part, sizeof(out->part)) ||
		!read_field(r, 'c', out->date, sizeof(out->date)) ||
		!read_field(r, 'd', out->time, sizeof(out->time)))
		return error_set(e, -EBADMSG, "its header is damaged");
	const uint8_t *field = r->at;
	if (!skip(r, 5) || field[0] != 'e')
		return error_set(e, -EBADMSG, "its header is damaged");
	uint32_t length = big_endian(field + 1);
	if (length != r->left)
		return error_set(e, -EBADMSG, "its header announces %u bytes, but %zu follow; copy it again",
			(unsigned)length, r->left);
	if (strncmp(out->part, PART, strlen(PART)) != 0)
		return error_set(e, -EINVAL, "it is for the part %s; this program supports the XC7Z020 only",
			out->part);
	return 0;
}

/* Checks the word after the write to IDCODE, in the byte order in which a sync word is found first. */
static int check_words(const uint8_t *data, size_t size, bool *swapped, struct error *e)
{
	size_t count = size / 4 < BEGINNING ? size / 4 : BEGINNING, i = 0;

	while (i < count && big_endian(data + 4 * i) != SYNC && little_endian(data + 4 * i) != SYNC)
		i++;
	if (size % 4 || i == count)
		return error_set(e, -EBADMSG, "it is no bitstream: no sync word where one must be");
	*swapped = little_endian(data + 4 * i) == SYNC;
	for (; i + 1 < count; i++) {
		const uint8_t *at = data + 4 * i;
		uint32_t code = *swapped ? little_endian(at + 4) : big_endian(at + 4);

		if ((*swapped ? little_endian(at) : big_endian(at)) != WRITE_IDCODE)
			continue;
		if ((code & IDCODE_MASK) == IDCODE)
			return 0;
		return error_set(e, -EINVAL,
			"it is for a part with the code 0x%08x; this program supports the XC7Z020 (0x%08x) "
			"only",
			(unsigned)code, IDCODE);
	}
	return error_set(e, -EBADMSG, "it does not name its part");
}

int bitstream_parse(const uint8_t *bytes, size_t size, struct bitstream *out, struct error *e)
{
	struct bitstream_reader r = {bytes, size};
	bool swapped = false;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (size >= sizeof(magic) && !memcmp(bytes, magic, sizeof(magic)))
		rc = read_header(&r, out, e);
	if (!rc)
		rc = check_words(r.at, r.left, &swapped, e);
	if (rc)
		return rc;
	out->data = malloc(r.left);
	if (!out->data)
		return error_set(e, -ENOMEM, "no memory for %zu bytes", r.left);
	out->size = r.left;
	for (size_t i = 0; i < r.left; i++)
		out->data[i] = r.at[swapped ? i : i ^ 3];
	return 0;
}

int bitstream_load(const char *path, struct bitstream *out, struct error *e)
{
	struct error why = {0};
	uint8_t *bytes;
	size_t size;
	int rc = file_read(AT_FDCWD, path, LARGEST, &bytes, &size, &why);

	if (rc)
		return error_set(e, rc, "bitstream %s: it %s", path, why.text);
	rc = bitstream_parse(bytes, size, out, &why);
	free(bytes);
	return rc ? error_set(e, rc, "bitstream %s: %s", path, why.text) : 0;
}

/* FNV-1a (Fowler, Noll, Vo), of words instead of bytes. */
uint64_t bitstream_hash(const struct bitstream *bitstream)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bitstream->size; i += 4)
		hash = (hash ^ little_endian(bitstream->data + i)) * UINT64_C(0x100000001b3);
	return hash;
}

void bitstream_finish(struct bitstream *bitstream)
{
	free(bitstream->data);
	memset(bitstream, 0, sizeof(*bitstream));
}
