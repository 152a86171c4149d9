/* SPDX-License-Identifier: MIT */
#include "source/slide.h"

#include <errno.h>
#include <libyuv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Canvas size by frame size, and so the largest zoom at which a canvas pixel is a frame pixel. */
#define CANVAS_SCALE 1.125
/* Views show 1/ZOOM of the canvas. */
#define ZOOM_LEAST 1.02
#define ZOOM_MOST 1.12
/* A picture is cropped by at most this factor to fill the frame; a squarer one gets blurred sides. */
#define CUT_MAXIMUM 1.2

struct area {
	int x, y, width, height;
};

static int at_least_one(double value)
{
	return value < 1 ? 1 : (int)(value + 0.5);
}

/* The centred part of width × height that has the shape of shape_width × shape_height. */
static struct area centre(int width, int height, int shape_width, int shape_height)
{
	struct area a = {0, 0, width, height};

	if ((int64_t)width * shape_height > (int64_t)height * shape_width)
		a.width = at_least_one((double)height * shape_width / shape_height);
	else
		a.height = at_least_one((double)width * shape_height / shape_width);
	a.x = (width - a.width) / 2;
	a.y = (height - a.height) / 2;
	return a;
}

static int scale(const struct picture *from, struct area a, struct picture *to, struct area b)
{
	int status =
		ARGBScale(from->data + ((size_t)a.y * (size_t)from->width + (size_t)a.x) * 4, from->width * 4,
			a.width, a.height, to->data + ((size_t)b.y * (size_t)to->width + (size_t)b.x) * 4,
			to->width * 4, b.width, b.height, kFilterBox);
	return status == 0 ? 0 : -ENOMEM;
}

static struct area whole(const struct picture *picture)
{
	return (struct area){0, 0, picture->width, picture->height};
}

/* The picture's own colours, blurred and darkened, over the whole canvas. */
static int surroundings_make(const struct picture *picture, struct picture *canvas)
{
	struct picture small = {0};
	struct picture blurred = {0};
	int32_t *sums = NULL;
	int status = picture_resize(
		&small, at_least_one(canvas->width / 16.0), at_least_one(canvas->height / 16.0));

	if (status == 0)
		status = picture_resize(&blurred, small.width, small.height);
	if (status < 0)
		goto out;
	int radius = (small.width < small.height ? small.width : small.height) / 8;
	size_t pixels = (size_t)small.width * (size_t)small.height;
	sums = malloc(pixels * 4 * sizeof(*sums));
	status = -ENOMEM;
	if (!sums || !small.data || !blurred.data)
		goto out;
	status = scale(picture, centre(picture->width, picture->height, small.width, small.height), &small,
		whole(&small));
	/* Two box filters approximate a Gaussian. */
	for (int i = 0; i < 2 && status == 0 && radius > 0; i++) {
		ARGBBlur(small.data, small.width * 4, blurred.data, small.width * 4, sums, small.width * 4,
			small.width, small.height, radius);
		memcpy(small.data, blurred.data, pixels * 4);
	}
	for (size_t i = 0; i < pixels * 4; i++)
		small.data[i] = (uint8_t)(small.data[i] * 5 / 8);
	if (status == 0)
		status = scale(&small, whole(&small), canvas, whole(canvas));
out:
	free(sums);
	picture_finish(&small);
	picture_finish(&blurred);
	return status;
}

int slide_prepare(const struct picture *picture, int width, int height, struct picture *canvas)
{
	int status = picture_resize(
		canvas, at_least_one(width * CANVAS_SCALE), at_least_one(height * CANVAS_SCALE));
	if (status < 0)
		return -ENOMEM;
	struct area filling = centre(picture->width, picture->height, canvas->width, canvas->height);
	int shorter = picture->width < picture->height ? picture->width : picture->height;
	int shown = filling.width < filling.height ? filling.width : filling.height;
	if (shown * CUT_MAXIMUM >= shorter)
		return scale(picture, filling, canvas, whole(canvas));

	status = surroundings_make(picture, canvas);
	if (status < 0)
		return status;
	/* The centre square and, as far as they fit, the pixels beside it: the shorter sides meet. */
	int side = canvas->width < canvas->height ? canvas->width : canvas->height;
	double factor = (double)side / shorter;
	struct area to = whole(canvas);
	to.width = picture->width * factor < to.width ? at_least_one(picture->width * factor) : to.width;
	to.height = picture->height * factor < to.height ? at_least_one(picture->height * factor) : to.height;
	to.x = (canvas->width - to.width) / 2;
	to.y = (canvas->height - to.height) / 2;
	return scale(picture, centre(picture->width, picture->height, to.width, to.height), canvas, to);
}

/* a + (b − a) · f/256 in each byte of a pixel. */
static inline uint32_t blend(uint32_t a, uint32_t b, uint32_t f)
{
	uint32_t even = ((a & 0xff00ff) * (256 - f) + (b & 0xff00ff) * f) >> 8 & 0xff00ff;
	uint32_t odd = ((a >> 8 & 0xff00ff) * (256 - f) + (b >> 8 & 0xff00ff) * f) & 0xff00ff00;
	return even | odd;
}

static inline uint32_t pixel_at(const uint8_t *row, int64_t x)
{
	uint32_t pixel;

	memcpy(&pixel, row + x * 4, 4);
	return pixel;
}

/* One row of the canvas, sampled linearly from x on in steps, both in 1/65536 pixel. */
static void row_sample(
	const struct picture *canvas, int64_t y, int64_t x, int64_t step, int width, uint32_t *to)
{
	const uint8_t *row = canvas->data + (size_t)y * (size_t)canvas->width * 4;

	for (int i = 0; i < width; i++, x += step) {
		int64_t left = x >> 16;
		int64_t right = left + 1 < canvas->width ? left + 1 : left;
		to[i] = blend(pixel_at(row, left), pixel_at(row, right), (uint32_t)(x >> 8 & 255));
	}
}

/* Own sampling: libyuv moves by whole pixels only, which visibly trembles at these speeds. */
static void view_render(const struct picture *canvas, double x, double y, double step_x, double step_y,
	int width, int height, uint32_t *rows, uint8_t *to)
{
	uint32_t *upper = rows;
	uint32_t *lower = rows + width;
	int64_t have = -2; /* the canvas row in `upper` */
	int64_t left = (int64_t)(x * 65536);
	int64_t step = (int64_t)(step_x * 65536);

	for (int i = 0; i < height; i++) {
		int64_t at = (int64_t)((y + i * step_y) * 65536);
		int64_t row = at >> 16;
		int64_t next = row + 1 < canvas->height ? row + 1 : row;
		if (row == have + 1) {
			uint32_t *other = upper;
			upper = lower;
			lower = other;
		} else if (row != have) {
			row_sample(canvas, row, left, step, width, upper);
		}
		if (row != have)
			row_sample(canvas, next, left, step, width, lower);
		have = row;
		int f = (int)(at >> 8 & 255);
		InterpolatePlane(
			(const uint8_t *)upper, 0, (const uint8_t *)lower, 0, to, 0, width * 4, 1, f);
		to += (size_t)width * 4;
	}
}

void slide_view(const struct picture *canvas, unsigned int number, double progress, int width, int height,
	uint32_t *rows, uint8_t *to)
{
	double ease = progress * progress * (3 - 2 * progress);
	bool towards = number % 2 == 0;
	double zoom = ZOOM_LEAST + (ZOOM_MOST - ZOOM_LEAST) * (towards ? ease : 1 - ease);
	/* The view moves between two opposite corners, as far as the zoom allows; the next slide moves back.
	 */
	double drift = 0.5 + (towards ? 0.35 : -0.35) * (2 * ease - 1);
	double seen_x = (canvas->width - 1) / zoom;
	double seen_y = (canvas->height - 1) / zoom;
	double step_x = width > 1 ? seen_x / (width - 1) : 0;
	double step_y = height > 1 ? seen_y / (height - 1) : 0;

	view_render(canvas, (canvas->width - 1 - seen_x) * drift, (canvas->height - 1 - seen_y) * (1 - drift),
		step_x, step_y, width, height, rows, to);
}
