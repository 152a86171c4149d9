/* SPDX-License-Identifier: MIT */
/* One picture of a slide show: a canvas that is drawn once, and views of it that move slowly. */
#ifndef SOURCE_SLIDE_H
#define SOURCE_SLIDE_H

#include "image/picture.h"

/*
 * Draws the canvas of a picture for frames of width × height. If its shape allows, the picture fills the
 * frame; otherwise its centre square (of a narrow picture: its full width) fills the height, and its own
 * blurred colours fill the sides. canvas is larger than the frame, so that the view can move. -ENOMEM
 */
int slide_prepare(const struct picture *picture, int width, int height, struct picture *canvas);

/*
 * The view at `progress` (0 … 1) of the slide's time; even numbers zoom in, odd ones zoom out again. At least
 * 85 % of the canvas stays visible in each direction. rows: scratch, 2 · width pixels. to: width × height
 * pixels.
 */
void slide_view(const struct picture *canvas, unsigned int number, double progress, int width, int height,
	uint32_t *rows, uint8_t *to);

#endif
