/* SPDX-License-Identifier: MIT */
#include "image/view.h"

#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ink is searched in the box at this size; strokes are then still several pixels wide. */
#define SIDE 112

/* Ink differs from the paper by this much at least, or there is none; and what counts as a stroke. */
#define CONTRAST_LEAST 48
#define STROKE_SHARE 0.35

static bool has_box(const struct view *view)
{
	return view->kind == VIEW_BOX || view->kind == VIEW_INK;
}

void view_box(const struct view *view, int picture_width, int picture_height, int width, int height,
	double *box_width, double *box_height)
{
	double part = has_box(view) ? view->size : 1;
	double scale = fmin((double)picture_width / width, (double)picture_height / height);

	*box_width = part * scale * width;
	*box_height = part * scale * height;
}

double view_scale(const struct view *view, int picture_width, int picture_height, int width, int height)
{
	double box_width, box_height;
	int wanted = view->kind == VIEW_INK && SIDE > width ? SIDE : width, searched, ignored;

	if (view->kind == VIEW_FACE) {
		/* A face is found at this size, and often fills half of the picture. */
		face_search_size(picture_width, picture_height, &searched, &ignored);
		return fmin(1, fmax((double)searched / picture_width,
				       2.0 * width / fmin(picture_width, picture_height)));
	}
	view_box(view, picture_width, picture_height, width, height, &box_width, &box_height);
	return fmin(1, wanted / box_width);
}

/* Pixels to codes, in place. */
static void codes_from(const struct view *view, bool inverted, uint8_t *pixels, size_t count, int bits)
{
	int levels = (1 << bits) - 1, low = view->low, high = view->high ? view->high : 255;
	uint8_t codes[256];

	for (int i = 0; i < 256; i++) {
		int p = inverted ? 255 - i : i;
		p = p < low ? low : p > high ? high : p;
		p = (2 * 255 * (p - low) + (high - low)) / (2 * (high - low));
		codes[i] = (uint8_t)((p * levels + 127) / 255);
	}
	if (bits == 8 && !inverted && low == 0 && high == 255)
		return;
	for (size_t i = 0; i < count; i++)
		pixels[i] = codes[pixels[i]];
}

/* The paper's brightness: the median of the box's edge. */
static int paper_of(const uint8_t *grey)
{
	int counts[256] = {0}, seen = 0, value = 0;

	for (int i = 0; i < SIDE - 1; i++) {
		counts[grey[i]]++;
		counts[grey[(i + 1) * SIDE - 1]]++;
		counts[grey[(SIDE - 1) * SIDE + i + 1]]++;
		counts[grey[(i + 1) * SIDE]]++;
	}
	while ((seen += counts[value]) <= 2 * (SIDE - 1))
		value++;
	return value;
}

/* Where the strokes are, and how dark the darkest is. */
struct ink {
	int most;
	int left, top, right, bottom; /* right and bottom are behind it */
};

static struct ink ink_find(uint8_t *grey)
{
	int paper = paper_of(grey);
	struct ink ink = {0, SIDE, SIDE, 0, 0};

	for (int i = 0; i < SIDE * SIDE; i++) {
		int difference = abs(grey[i] - paper);
		grey[i] = (uint8_t)difference;
		ink.most = difference > ink.most ? difference : ink.most;
	}
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			if (grey[y * SIDE + x] < STROKE_SHARE * ink.most)
				continue;
			ink.left = x < ink.left ? x : ink.left;
			ink.right = x >= ink.right ? x + 1 : ink.right;
			ink.top = y < ink.top ? y : ink.top;
			ink.bottom = y + 1;
		}
	return ink;
}

/* The centre of mass of the strokes within their rectangle, pixels of the box. */
static void ink_centre(const uint8_t *grey, const struct ink *ink, double *x, double *y)
{
	uint64_t mass = 0, along = 0, down = 0;

	for (int row = ink->top; row < ink->bottom; row++)
		for (int column = ink->left; column < ink->right; column++) {
			unsigned weight = grey[row * SIDE + column];
			mass += weight;
			along += weight * (unsigned)(2 * column + 1);
			down += weight * (unsigned)(2 * row + 1);
		}
	*x = (double)along / (2.0 * (double)mass);
	*y = (double)down / (2.0 * (double)mass);
}

/* The share of pixel i that lies within [from, to). Comparisons, as fmin and fmax would be calls. */
static double overlap(int i, double from, double to)
{
	double begin = from > i ? from : i, end = to < i + 1 ? to : i + 1;

	return end > begin ? end - begin : 0;
}

/* The mean of the ink over an area of the box, from what is in its rectangle; outside is paper. */
static double ink_mean(
	const uint8_t *grey, const struct ink *ink, double left, double top, double right, double bottom)
{
	int first_x = left > ink->left ? (int)left : ink->left,
	    first_y = top > ink->top ? (int)top : ink->top;
	double sum = 0;

	for (int y = first_y; y < ink->bottom && y < bottom; y++) {
		double row = 0;
		for (int x = first_x; x < ink->right && x < right; x++)
			row += overlap(x, left, right) * grey[y * SIDE + x];
		sum += overlap(y, top, bottom) * row;
	}
	return sum / ((right - left) * (bottom - top));
}

/* As MNIST was made (LeCun, Cortes, Burges): the ink's longer side fills a part, its centre of mass the
 * middle. */
static void ink_place(const struct view *view, uint8_t *grey, uint8_t *out, int width, int height)
{
	struct ink ink = ink_find(grey);
	double x, y;

	memset(out, 0, (size_t)width * (size_t)height);
	if (ink.most < CONTRAST_LEAST)
		return;
	ink_centre(grey, &ink, &x, &y);
	double step = fmax((ink.right - ink.left) / (view->fill * width),
		(ink.bottom - ink.top) / (view->fill * height));
	double left = x - step * width / 2, top = y - step * height / 2;
	for (int row = 0; row < height; row++)
		for (int column = 0; column < width; column++) {
			double mean = ink_mean(grey, &ink, left + step * column, top + step * row,
				left + step * (column + 1), top + step * (row + 1));
			out[row * width + column] = (uint8_t)fmin(255, floor(mean * 255 / ink.most + 0.5));
		}
}

/* The faces of a picture, in pixels of the picture it is reduced to. */
static int find_faces(const struct pixels *pixels, struct face *faces, int *width, int *height)
{
	struct picture_area all = {0, 0, pixels->width, pixels->height};
	uint8_t grey[FACE_AREA_MAXIMUM];

	face_search_size(pixels->width, pixels->height, width, height);
	resize_area_to_input(pixels, &all, grey, *width, *height, 1);
	return face_find(grey, *width, *height, faces);
}

static int held(double from, int most)
{
	int rounded = (int)lround(from);

	return rounded < 0 ? 0 : rounded > most ? most : rounded;
}

/* The face with its margin, moved and made smaller so that it is within the picture. face: in 1 / scale
 * pixels. */
static struct picture_area face_area(const struct view *view, const struct pixels *pixels,
	const struct face *face, double scale, int width, int height)
{
	double least = fmin(width, height), side = face->side * scale / view->fill;

	side = fmin(side, fmin(pixels->width * least / width, pixels->height * least / height));
	struct picture_area area = {.width = held(side * width / least, pixels->width),
		.height = held(side * height / least, pixels->height)};
	area.width += !area.width;
	area.height += !area.height;
	area.x = held((face->x + face->side / 2.0) * scale - area.width / 2.0, pixels->width - area.width);
	area.y = held((face->y + face->side / 2.0) * scale - area.height / 2.0, pixels->height - area.height);
	return area;
}

static bool look_for_face(const struct view *view, const struct pixels *pixels, struct face_track *track,
	int64_t time, int width, int height, struct picture_area *area)
{
	struct face faces[FACES_MAXIMUM], face;
	int search_width, search_height;
	int count = find_faces(pixels, faces, &search_width, &search_height);
	bool found = track ? face_track_follow(track, faces, count, search_width, search_height, time, &face)
			   : face_choose(faces, count, search_width, search_height, &face);

	if (found)
		*area = face_area(view, pixels, &face, (double)pixels->width / search_width, width, height);
	return found;
}

bool view_look_at(const struct view *view, enum view_origin origin, const struct pixels *pixels,
	struct face_track *track, int64_t time, int width, int height, struct picture_area *area)
{
	double part = has_box(view) && origin == VIEW_FROM_CAMERA ? view->size : 1;

	*area = resize_middle(pixels, part, width, height);
	if (view->kind != VIEW_FACE || (pixels->width == width && pixels->height == height))
		return true;
	return look_for_face(view, pixels, track, time, width, height, area);
}

bool view_look(const struct view *view, enum view_origin origin, const struct picture *picture,
	struct face_track *track, int64_t time, int width, int height, struct picture_area *area)
{
	struct pixels pixels = picture_pixels(picture);

	return view_look_at(view, origin, &pixels, track, time, width, height, area);
}

void view_input_of(const struct view *view, enum view_origin origin, const struct pixels *pixels,
	const struct picture_area *area, uint8_t *out, int width, int height, int channels, int bits)
{
	bool ink = view->kind == VIEW_INK && origin != VIEW_FROM_DATASET;
	bool inverted = view->inverted && origin != VIEW_FROM_DATASET;
	uint8_t grey[SIDE * SIDE];

	if (ink) {
		resize_area_to_input(pixels, area, grey, SIDE, SIDE, 1);
		ink_place(view, grey, out, width, height);
	} else {
		resize_area_to_input(pixels, area, out, width, height, channels);
	}
	codes_from(view, inverted, out, (size_t)width * (size_t)height * (size_t)channels, bits);
}

void view_input(const struct view *view, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, uint8_t *out, int width, int height, int channels, int bits)
{
	struct pixels pixels = picture_pixels(picture);

	view_input_of(view, origin, &pixels, area, out, width, height, channels, bits);
}
