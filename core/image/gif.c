/* SPDX-License-Identifier: MIT */
/*
 * GIF (87a and 89a, W3C's copy of CompuServe's specification): the first frame on its screen. What is
 * transparent, and what the frame does not cover, is white, as with PNG.
 */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <string.h>

#define CODES 4096 /* of 12 bits, the longest */

struct gif {
	const uint8_t *data;
	size_t size, at;
	int transparent; /* index; −1: none */
	const uint8_t *palette;
	int palette_count;
	struct error *e;
};

struct gif_frame {
	int x, y, width, height;
	bool interlaced;
};

/* Bits of the blocks of pixels, least significant first. */
struct bits {
	struct gif *gif;
	size_t block; /* bytes left of it */
	uint32_t held;
	int count;
};

static int broken(const struct gif *gif, const char *what)
{
	return error_set(gif->e, -EBADMSG, "broken GIF: %s", what);
}

static bool has(const struct gif *gif, size_t bytes)
{
	return bytes <= gif->size - gif->at;
}

static int number(const uint8_t *at)
{
	return at[0] | at[1] << 8;
}

/* A palette of 2 to 256 colours of red, green and blue, if the flags say so. */
static bool palette_take(struct gif *gif, uint8_t flags)
{
	int count = 2 << (flags & 7);

	if (!(flags & 0x80))
		return true;
	if (!has(gif, (size_t)count * 3))
		return false;
	gif->palette = gif->data + gif->at;
	gif->palette_count = count;
	gif->at += (size_t)count * 3;
	return true;
}

/* Passes over blocks up to the empty one. */
static bool blocks_skip(struct gif *gif)
{
	while (has(gif, 1)) {
		size_t length = gif->data[gif->at++];
		if (length == 0)
			return true;
		if (!has(gif, length))
			return false;
		gif->at += length;
	}
	return false;
}

static bool extension_take(struct gif *gif)
{
	if (!has(gif, 1))
		return false;
	uint8_t label = gif->data[gif->at++];
	if (label == 0xf9 && has(gif, 5) && gif->data[gif->at] == 4) /* graphic control */
		gif->transparent = gif->data[gif->at + 1] & 1 ? gif->data[gif->at + 4] : -1;
	return blocks_skip(gif);
}

/* Goes to the next frame, behind its separator. 1: there is one; 0: none; −1: it ends early, or nonsense. */
static int frame_find(struct gif *gif)
{
	while (has(gif, 1)) {
		uint8_t block = gif->data[gif->at++];
		if (block == 0x2c)
			return 1;
		if (block == 0x3b)
			return 0;
		if (block != 0x21 || !extension_take(gif))
			return -1;
	}
	return -1;
}

static bool frame_take(struct gif *gif, struct gif_frame *frame)
{
	if (!has(gif, 9))
		return false;
	const uint8_t *at = gif->data + gif->at;
	*frame = (struct gif_frame){
		number(at), number(at + 2), number(at + 4), number(at + 6), (at[8] & 0x40) != 0};
	gif->at += 9;
	return palette_take(gif, at[8]);
}

/* −1: the pixels' blocks are at their end. */
static int bits_take(struct bits *bits, int count)
{
	struct gif *gif = bits->gif;

	while (bits->count < count) {
		if (bits->block == 0) {
			if (!has(gif, 1) || gif->data[gif->at] == 0)
				return -1;
			bits->block = gif->data[gif->at++];
		}
		if (!has(gif, 1))
			return -1;
		bits->held |= (uint32_t)gif->data[gif->at++] << bits->count;
		bits->count += 8;
		bits->block--;
	}
	int value = (int)(bits->held & ((1U << count) - 1));
	bits->held >>= count;
	bits->count -= count;
	return value;
}

/* Draws indices on the screen, in the frame's order of rows. */
struct gif_pen {
	const struct gif *gif;
	const struct gif_frame *frame;
	struct picture *screen;
	int x, y, pass;
	size_t left; /* pixels */
};

static void row_next(struct gif_pen *pen)
{
	static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};

	pen->x = 0;
	pen->y += pen->frame->interlaced ? step[pen->pass] : 1;
	while (pen->frame->interlaced && pen->y >= pen->frame->height && pen->pass < 3)
		pen->y = first[++pen->pass];
}

/* A frame's part outside the screen is not shown; a colour outside the palette is black. */
static void pixel_draw(struct gif_pen *pen, uint8_t index)
{
	int x = pen->frame->x + pen->x, y = pen->frame->y + pen->y;

	if (pen->left == 0)
		return;
	if (x < pen->screen->width && y < pen->screen->height && index != pen->gif->transparent) {
		uint8_t *to = pen->screen->data + ((size_t)y * (size_t)pen->screen->width + (size_t)x) * 4;
		for (size_t c = 0; c < 3; c++)
			to[c] = index < pen->gif->palette_count ? pen->gif->palette[(size_t)index * 3 + 2 - c]
								: 0;
	}
	pen->left--;
	if (++pen->x == pen->frame->width)
		row_next(pen);
}

/* LZW: a code stands for a colour, or for an older code's colours and one more. */
struct dictionary {
	uint16_t before[CODES]; /* the code without its last colour */
	uint8_t last[CODES];
	uint8_t text[CODES]; /* of one code, from its end */
	int count;
};

static void code_draw(struct dictionary *d, int code, int colours, struct gif_pen *pen)
{
	int length = 0;

	for (; code >= colours; code = d->before[code])
		d->text[length++] = d->last[code];
	pixel_draw(pen, (uint8_t)code);
	while (length > 0)
		pixel_draw(pen, d->text[--length]);
}

static uint8_t code_first(const struct dictionary *d, int code, int colours)
{
	while (code >= colours)
		code = d->before[code];
	return (uint8_t)code;
}

static void dictionary_add(struct dictionary *d, int before, uint8_t last)
{
	if (d->count == CODES)
		return; /* full until the encoder clears it */
	d->before[d->count] = (uint16_t)before;
	d->last[d->count++] = last;
}

static int pixels_take(struct gif *gif, struct gif_pen *pen)
{
	struct dictionary d;
	struct bits bits = {.gif = gif};

	int base = has(gif, 1) ? gif->data[gif->at++] : 0;
	if (base < 1 || base > 8)
		return broken(gif, "its codes have no size of 1 to 8 bits");
	int colours = 1 << base, clear = colours, end = colours + 1, width = base + 1, old = -1;
	d.count = end + 1;
	while (pen->left > 0) {
		int code = bits_take(&bits, width);
		if (code < 0 || code == end)
			return broken(gif, "it ends early");
		if (code == clear) {
			d.count = end + 1;
			width = base + 1;
			old = -1;
			continue;
		}
		if (code > d.count || (code == d.count && old < 0))
			return broken(gif, "a code stands for nothing");
		/* A code that is about to be added: the old one and its own first colour. */
		if (code == d.count)
			dictionary_add(&d, old, code_first(&d, old, colours));
		else if (old >= 0)
			dictionary_add(&d, old, code_first(&d, code, colours));
		code_draw(&d, code, colours, pen);
		old = code;
		if (d.count == 1 << width && width < 12)
			width++;
	}
	return 0;
}

/* The size of the screen, or of the frame where there is none. */
static int screen_make(const struct gif *gif, const struct gif_frame *frame, struct picture *out)
{
	int width = number(gif->data + 6), height = number(gif->data + 8);

	if (width == 0 || height == 0) {
		width = frame->x + frame->width;
		height = frame->y + frame->height;
	}
	int status = picture_claim_whole(out, (uint32_t)width, (uint32_t)height, gif->size, gif->e);
	if (status == 0)
		memset(out->data, 255, (size_t)width * (size_t)height * 4);
	return status;
}

static bool header_take(struct gif *gif)
{
	gif->at = 13;
	return gif->size >= 13 && palette_take(gif, gif->data[10]);
}

int gif_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e)
{
	struct gif gif = {.data = data, .size = size, .transparent = -1, .e = e};
	struct gif_frame frame = {0};
	int status = 0;

	*orientation = 1;
	if (!header_take(&gif) || frame_find(&gif) != 1 || !frame_take(&gif, &frame))
		status = broken(&gif, "it has no frame");
	if (status == 0)
		status = screen_make(&gif, &frame, out);
	if (status == 0) {
		struct gif_pen pen = {&gif, &frame, out, .left = (size_t)frame.width * (size_t)frame.height};
		status = pixels_take(&gif, &pen);
	}
	if (status < 0)
		out->width = out->height = 0;
	return status;
}

bool gif_moves(const uint8_t *data, size_t size)
{
	struct gif gif = {.data = data, .size = size};
	struct gif_frame frame = {0};
	int frames = 0;

	if (!gif_begins(data, size) || !header_take(&gif))
		return false;
	while (frames < 2 && frame_find(&gif) == 1 && frame_take(&gif, &frame) && has(&gif, 1)) {
		gif.at++; /* the codes' size */
		if (!blocks_skip(&gif))
			break;
		frames++;
	}
	return frames == 2;
}

bool gif_begins(const uint8_t *data, size_t size)
{
	return size >= 6 && (memcmp(data, "GIF87a", 6) == 0 || memcmp(data, "GIF89a", 6) == 0);
}
