/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <errno.h>
#include <string.h>

/* A strip is a twelfth of the height and has 20 blocks: white, black, 16 bits from the highest, black, white.
 */
#define BLOCKS 20
#define BITS 16
#define ROWS 12
static const int strip_rows[] = {2, 7};

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

size_t pattern_size(enum pixel_format format, int width, int height)
{
	size_t pixels = (size_t)width * height;

	switch (format) {
	case PIXEL_YUYV:
		return 2 * pixels;
	case PIXEL_NV12:
	case PIXEL_I420:
		return pixels + pixels / 2;
	default:
		return pixels;
	}
}

struct canvas pattern_canvas(enum pixel_format format, uint8_t *data, int width, int height)
{
	struct canvas c = {.width = width, .height = height, .chroma_across = 2, .chroma_down = 2};
	uint8_t *chroma = data + (size_t)width * height;

	c.y = (struct plane){data, 1, width};
	switch (format) {
	case PIXEL_YUYV:
		c.y = (struct plane){data, 2, 2 * width};
		c.u = (struct plane){data + 1, 4, 2 * width};
		c.v = (struct plane){data + 3, 4, 2 * width};
		c.chroma_down = 1;
		break;
	case PIXEL_NV12:
		c.u = (struct plane){chroma, 2, width};
		c.v = (struct plane){chroma + 1, 2, width};
		break;
	case PIXEL_I420:
		c.u = (struct plane){chroma, 1, width / 2};
		c.v = (struct plane){chroma + (size_t)width * height / 4, 1, width / 2};
		break;
	default:
		break;
	}
	return c;
}

static uint8_t luma(const struct canvas *c, int value)
{
	return (uint8_t)(c->full_range ? value : 16 + value * 219 / 255);
}

static uint8_t chroma(const struct canvas *c, int value)
{
	return (uint8_t)(c->full_range ? value : 128 + (value - 128) * 224 / 255);
}

static bool in_strip(const struct canvas *c, int y)
{
	int row = y * ROWS / c->height;

	return row == strip_rows[0] || row == strip_rows[1];
}

/* Brighter to the right, with squares; red to the right and blue to the bottom: no turn or shift goes unseen.
 */
void pattern_draw(const struct canvas *c)
{
	int square = c->height / ROWS;

	for (int y = 0; y < c->height; y++)
		for (int x = 0; x < c->width; x++) {
			int value = 70 + 110 * x / c->width + ((x / square + y / square) % 2 ? 30 : 0);
			c->y.data[y * c->y.stride + x * c->y.step] = luma(c, value);
		}
	if (!c->u.data)
		return;
	for (int y = 0; y < c->height / c->chroma_down; y++)
		for (int x = 0; x < c->width / c->chroma_across; x++) {
			bool grey = in_strip(c, y * c->chroma_down);
			int u = grey ? 128 : 98 + 60 * y * c->chroma_down / c->height;
			int v = grey ? 128 : 98 + 60 * x * c->chroma_across / c->width;
			c->u.data[y * c->u.stride + x * c->u.step] = chroma(c, u);
			c->v.data[y * c->v.stride + x * c->v.step] = chroma(c, v);
		}
}

static bool block_is_white(int block, unsigned number)
{
	if (block < 2 || block >= BLOCKS - 2)
		return block == 0 || block == BLOCKS - 1;
	return number >> (BITS + 1 - block) & 1;
}

void pattern_draw_number(const struct canvas *c, unsigned number)
{
	for (int i = 0; i < COUNT(strip_rows); i++) {
		int top = strip_rows[i] * c->height / ROWS, bottom = (strip_rows[i] + 1) * c->height / ROWS;
		uint8_t *first = c->y.data + (ptrdiff_t)top * c->y.stride;
		for (int x = 0; x < c->width; x++)
			first[x * c->y.step] =
				luma(c, block_is_white(x * BLOCKS / c->width, number) ? 255 : 0);
		for (int y = top + 1; y < bottom; y++)
			for (int x = 0; x < c->width; x++)
				first[(y - top) * c->y.stride + x * c->y.step] = first[x * c->y.step];
	}
}

/* Mean green of the middle of a block. */
static int block_level(const struct picture *picture, struct region r, int row, int block)
{
	int left = r.x + (4 * block + 1) * r.width / (4 * BLOCKS),
	    right = r.x + (4 * block + 3) * r.width / (4 * BLOCKS);
	int top = r.y + (4 * row + 1) * r.height / (4 * ROWS),
	    bottom = r.y + (4 * row + 3) * r.height / (4 * ROWS);
	int sum = 0, count = 0;

	for (int y = top; y < bottom; y++)
		for (int x = left; x < right; x++, count++)
			sum += picture->data[((size_t)y * picture->width + x) * 4 + 1];
	return count ? sum / count : 128;
}

static int strip_read(const struct picture *picture, struct region r, int row, unsigned *number)
{
	unsigned bits = 0;

	for (int block = 0; block < BLOCKS; block++) {
		int level = block_level(picture, r, row, block);
		if (level > 80 && level < 176)
			return -ENODATA;
		bits = bits << 1 | (level >= 176);
	}
	*number = bits >> 2 & (PATTERN_NUMBERS - 1);
	return bits >> (BITS + 2) == 2 && (bits & 3) == 1 ? 0 : -ENODATA;
}

int pattern_read_number(const struct picture *picture, struct region r, unsigned *number)
{
	unsigned lower;
	int failed;

	if (r.x < 0 || r.y < 0 || r.width < 1 || r.height < 1 || r.x > picture->width - r.width ||
		r.y > picture->height - r.height)
		return -ENODATA;
	failed = strip_read(picture, r, strip_rows[0], number);
	if (!failed)
		failed = strip_read(picture, r, strip_rows[1], &lower);
	if (failed)
		return failed;
	return lower == *number ? 0 : -EILSEQ;
}
