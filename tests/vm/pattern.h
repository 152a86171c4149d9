/* SPDX-License-Identifier: MIT */
/*
 * What the simulated camera shows: a still pattern, and on it, twice, the frame's number as black and white
 * blocks, so that a screen dump shows which frame it shows and whether it is all of one frame. The blocks
 * keep clear of where captions are drawn.
 */
#ifndef VM_PATTERN_H
#define VM_PATTERN_H

#include "image/picture.h"

#include <stdbool.h>

#define PATTERN_NUMBERS 65536 /* then the numbers begin again with 0 */

/* The samples of one component: (x, y) is data[y * stride + x * step]. */
struct plane {
	uint8_t *data; /* NULL: none, as the chroma of grey */
	int step, stride;
};

struct canvas {
	int width, height; /* pixels; multiples of 4 and 12 */
	bool full_range;   /* 0 … 255 as in JPEG, else 16 … 235 */
	struct plane y, u, v;
	int chroma_across, chroma_down; /* pixels a chroma sample: 1 or 2 */
};

/* A canvas over memory of format (PIXEL_YUYV, NV12, I420, GREY), which has pattern_size bytes. */
struct canvas pattern_canvas(enum pixel_format format, uint8_t *data, int width, int height);
size_t pattern_size(enum pixel_format format, int width, int height);

void pattern_draw(const struct canvas *canvas);
void pattern_draw_number(const struct canvas *canvas, unsigned number);

struct region {
	int x, y, width, height; /* pixels */
};

/*
 * Reads the number where region shows a whole frame, scaled or not. Returns 0; -ENODATA: no number there;
 * -EILSEQ: the two differ, so the region shows parts of two frames.
 */
int pattern_read_number(const struct picture *picture, struct region region, unsigned *number);

#endif
