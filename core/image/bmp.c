/* SPDX-License-Identifier: MIT */
/*
 * BMP of Windows and OS/2: 1 to 32 bits a pixel, palettes, masks, run lengths, from below or from above
 * (Microsoft's BITMAPINFOHEADER … BITMAPV5HEADER). What a run-length picture leaves out is white, as are
 * transparent pixels.
 */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_HEADER = 14, /* bytes */
	CORE_HEADER = 12, /* of OS/2: sides of 16 bits, palette of 3 bytes a colour */
	INFO_HEADER = 40,
	MASKS_HEADER = 52, /* from here on the masks of red, green and blue are in the header … */
	ALPHA_HEADER = 56, /* … and alpha's, too */
	OS2_HEADER = 64,   /* has compressions of its own */
};

enum compression {
	PLAIN = 0,
	RUNS_8 = 1,
	RUNS_4 = 2,
	MASKS = 3,
	ALPHA_MASKS = 6,
};

struct bmp {
	const uint8_t *data;
	size_t size;
	uint32_t header; /* bytes */
	uint32_t width, height;
	bool from_above;
	unsigned int bits; /* a pixel */
	uint32_t compression;
	uint32_t masks[4];	 /* of blue, green, red, alpha */
	size_t palette, colours; /* its place in the file, and their number */
	size_t colour_size;	 /* bytes */
	size_t pixels;		 /* their place in the file */
	struct error *e;
};

static int broken(const struct bmp *bmp, const char *what)
{
	return error_set(bmp->e, -EBADMSG, "broken BMP: %s", what);
}

/* Little-endian; behind the end there are zeros. */
static uint32_t number(const struct bmp *bmp, size_t at, size_t bytes)
{
	uint32_t value = 0;

	for (size_t i = 0; i < bytes && at + i < bmp->size; i++)
		value |= (uint32_t)bmp->data[at + i] << 8 * i;
	return value;
}

static void sides_take(struct bmp *bmp)
{
	if (bmp->header == CORE_HEADER) {
		bmp->width = number(bmp, FILE_HEADER + 4, 2);
		bmp->height = number(bmp, FILE_HEADER + 6, 2);
		bmp->bits = number(bmp, FILE_HEADER + 10, 2);
		return;
	}
	bmp->width = number(bmp, FILE_HEADER + 4, 4);
	bmp->height = number(bmp, FILE_HEADER + 8, 4);
	bmp->from_above = bmp->height >> 31; /* a negative height */
	if (bmp->from_above)
		bmp->height = 0 - bmp->height;
	bmp->bits = number(bmp, FILE_HEADER + 14, 2);
	bmp->compression = number(bmp, FILE_HEADER + 16, 4);
}

/* Returns the masks' bytes between header and palette. */
static size_t masks_take(struct bmp *bmp)
{
	static const uint32_t usual[2][4] = {{0x1f, 0x3e0, 0x7c00, 0}, {0xff, 0xff00, 0xff0000, 0}};
	bool given = bmp->compression == MASKS || bmp->compression == ALPHA_MASKS;
	bool alpha = bmp->compression == ALPHA_MASKS || bmp->header >= ALPHA_HEADER;

	memcpy(bmp->masks, usual[bmp->bits == 32], sizeof(bmp->masks));
	if (!given)
		return 0;
	for (size_t i = 0; i < 3; i++)
		bmp->masks[2 - i] = number(bmp, FILE_HEADER + INFO_HEADER + 4 * i, 4);
	bmp->masks[3] = alpha ? number(bmp, FILE_HEADER + INFO_HEADER + 12, 4) : 0;
	if (bmp->header >= MASKS_HEADER)
		return 0;
	return alpha ? 16 : 12;
}

static void palette_find(struct bmp *bmp, size_t masks)
{
	uint32_t used = bmp->header >= INFO_HEADER ? number(bmp, FILE_HEADER + 32, 4) : 0;

	bmp->colour_size = bmp->header == CORE_HEADER ? 3 : 4;
	bmp->palette = FILE_HEADER + bmp->header + masks;
	bmp->colours = bmp->bits > 8 ? 0 : used && used < 1U << bmp->bits ? used : 1U << bmp->bits;
}

static int kind_check(const struct bmp *bmp)
{
	bool runs = bmp->compression == RUNS_8 || bmp->compression == RUNS_4;
	bool masks = bmp->compression == MASKS || bmp->compression == ALPHA_MASKS;
	unsigned int b = bmp->bits;

	if (b != 1 && b != 4 && b != 8 && b != 16 && b != 24 && b != 32)
		return error_set(bmp->e, -EBADMSG, "broken BMP: it has %u bits a pixel", b);
	if ((bmp->compression != PLAIN && !runs && !masks) || (masks && bmp->header == OS2_HEADER))
		return error_set(bmp->e, -EBADMSG,
			"it is a BMP of compression %u, which is not read; save it as PNG", bmp->compression);
	if ((masks && b != 16 && b != 32) || (bmp->compression == RUNS_8 && b != 8) ||
		(bmp->compression == RUNS_4 && b != 4) || (runs && bmp->from_above))
		return broken(bmp, "its bits and its compression do not go together");
	return 0;
}

static int header_take(struct bmp *bmp)
{
	bmp->header = number(bmp, FILE_HEADER, 4);
	bmp->pixels = number(bmp, 10, 4);
	if (bmp->size < FILE_HEADER + (size_t)bmp->header)
		return broken(bmp, "it ends early");
	sides_take(bmp);
	int status = kind_check(bmp);
	if (status < 0)
		return status;
	palette_find(bmp, masks_take(bmp));
	if (bmp->pixels > bmp->size)
		return broken(bmp, "it ends early");
	return 0;
}

/* A colour of the palette; one outside it is black. */
static void colour_set(const struct bmp *bmp, size_t index, uint8_t *to)
{
	bool known = index < bmp->colours;

	for (size_t c = 0; c < 3; c++)
		to[c] = known ? (uint8_t)number(bmp, bmp->palette + index * bmp->colour_size + c, 1) : 0;
	to[3] = 255;
}

/* The bits of a mask as 0 … 255, rounded; of no mask `absent`. */
static uint8_t masked(uint32_t pixel, uint32_t mask, uint8_t absent)
{
	if (mask == 0)
		return absent;
	int shift = __builtin_ctz(mask);
	uint64_t most = mask >> shift;
	return (uint8_t)(((uint64_t)((pixel & mask) >> shift) * 255 + most / 2) / most);
}

static void row_convert(const struct bmp *bmp, const uint8_t *row, uint8_t *to)
{
	for (size_t x = 0; x < bmp->width; x++, to += 4) {
		if (bmp->bits <= 8) {
			size_t bit = x * bmp->bits;
			unsigned int byte = row[bit / 8];
			colour_set(bmp, byte >> (8 - bmp->bits - bit % 8) & ((1U << bmp->bits) - 1), to);
		} else if (bmp->bits == 24) {
			memcpy(to, row + x * 3, 3);
			to[3] = 255;
		} else {
			const uint8_t *at = row + x * (bmp->bits / 8);
			uint32_t pixel = at[0] | (uint32_t)at[1] << 8;
			if (bmp->bits == 32)
				pixel |= (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
			for (size_t c = 0; c < 4; c++)
				to[c] = masked(pixel, bmp->masks[c], c == 3 ? 255 : 0);
		}
	}
}

static uint8_t *row_of(const struct bmp *bmp, size_t y, const struct picture *out)
{
	return out->data + (bmp->from_above ? y : bmp->height - 1 - y) * bmp->width * 4;
}

/* Many programs write masks of alpha and zeros in it: such a picture is opaque. */
static void alpha_settle(const struct bmp *bmp, struct picture *out)
{
	size_t count = (size_t)bmp->width * bmp->height;
	bool some = false;

	for (size_t i = 0; i < count && !some; i++)
		some = out->data[i * 4 + 3] != 0;
	for (size_t i = 0; i < count && !some; i++)
		out->data[i * 4 + 3] = 255;
	pixels_lay_on_white(out->data, count);
}

static int rows_take(const struct bmp *bmp, struct picture *out)
{
	size_t stride = ((size_t)bmp->width * bmp->bits + 31) / 32 * 4;

	if (bmp->size - bmp->pixels < stride * bmp->height)
		return broken(bmp, "it ends early");
	for (size_t y = 0; y < bmp->height; y++)
		row_convert(bmp, bmp->data + bmp->pixels + y * stride, row_of(bmp, y, out));
	alpha_settle(bmp, out);
	return 0;
}

/* Where the runs draw next; what lies outside is not drawn. */
struct bmp_pen {
	const struct bmp *bmp;
	struct picture *out;
	size_t x, y;
};

static void pen_draw(struct bmp_pen *pen, size_t index)
{
	if (pen->x < pen->bmp->width && pen->y < pen->bmp->height)
		colour_set(pen->bmp, index, row_of(pen->bmp, pen->y, pen->out) + pen->x * 4);
	pen->x++;
}

/* The n-th index in bytes of one or, of 4 bits, two. */
static size_t index_of(const struct bmp *bmp, const uint8_t *bytes, size_t n)
{
	if (bmp->bits == 8)
		return bytes[n];
	return n % 2 ? bytes[n / 2] & 15 : bytes[n / 2] >> 4;
}

/* `count` indices that stand there one by one, filled to two bytes. Returns their bytes; 0: it ends early. */
static size_t indices_take(struct bmp_pen *pen, const uint8_t *at, size_t count, size_t left)
{
	size_t bytes = (count * pen->bmp->bits + 15) / 16 * 2;

	if (bytes > left)
		return 0;
	for (size_t n = 0; n < count; n++)
		pen_draw(pen, index_of(pen->bmp, at, n));
	return bytes;
}

static int runs_take(const struct bmp *bmp, struct picture *out)
{
	struct bmp_pen pen = {bmp, out, 0, 0};
	size_t at = bmp->pixels;

	memset(out->data, 255, (size_t)bmp->width * bmp->height * 4);
	while (bmp->size - at >= 2) {
		const uint8_t *code = bmp->data + at;
		size_t left = bmp->size - at - 2, used = 0;
		uint8_t pair[2] = {code[1], code[1]};
		for (size_t n = 0; n < code[0]; n++)
			pen_draw(&pen, index_of(bmp, pair, bmp->bits == 8 ? 0 : n % 2));
		if (code[0] == 0 && code[1] == 1)
			return 0;
		if (code[0] == 0 && code[1] == 0) {
			pen.x = 0;
			pen.y++;
		} else if (code[0] == 0 && code[1] == 2) {
			used = 2;
			if (used <= left) {
				pen.x += code[2];
				pen.y += code[3];
			}
		} else if (code[0] == 0) {
			used = indices_take(&pen, code + 2, code[1], left);
			if (used == 0)
				break;
		}
		if (used > left)
			break;
		at += 2 + used;
	}
	return broken(bmp, "it ends early");
}

int bmp_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e)
{
	struct bmp bmp = {.data = data, .size = size, .e = e};

	*orientation = 1;
	int status = header_take(&bmp);
	if (status == 0)
		status = picture_claim_whole(out, bmp.width, bmp.height, size, e);
	if (status == 0)
		status = bmp.compression == RUNS_8 || bmp.compression == RUNS_4 ? runs_take(&bmp, out)
										: rows_take(&bmp, out);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}

/* Two letters are not enough: the header's size has few values. */
bool bmp_begins(const uint8_t *data, size_t size)
{
	static const uint8_t headers[] = {
		CORE_HEADER, INFO_HEADER, MASKS_HEADER, ALPHA_HEADER, OS2_HEADER, 108, 124};

	return size >= 18 && memcmp(data, "BM", 2) == 0 && memchr(headers, data[14], sizeof(headers)) &&
	       !data[15] && !data[16] && !data[17];
}
