/* SPDX-License-Identifier: MIT */
/* Pictures drawn into the memory of a screen. */
#ifndef DISPLAY_CANVAS_CANVAS_H
#define DISPLAY_CANVAS_CANVAS_H

#include <stdint.h>

struct picture;

/* In pixels of the screen. */
struct rectangle {
	int x, y, width, height;
};

/* The largest centred rectangle inside the area with the same aspect. */
struct rectangle rectangle_fit(int width, int height, int room_width, int room_height);

/* Memory of 32 bits a pixel, as struct picture has them. */
struct canvas {
	uint8_t *data;
	int width, height;	/* pixels */
	int stride;		/* bytes from row to row */
	struct rectangle drawn; /* what is not black; zeros at first, as the memory */
};

/* Draws the picture, scaled to fit; the rest is black. Writes only what changes. */
void canvas_draw(struct canvas *canvas, const struct picture *picture);

#endif
