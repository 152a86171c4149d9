/* SPDX-License-Identifier: MIT */
/*
 * Which part of a picture a network takes, and how pixels become codes. A data set's pictures are what the
 * network was trained on and are taken whole; a camera's pictures are first made similar to them.
 */
#ifndef IMAGE_VIEW_H
#define IMAGE_VIEW_H

#include "image/face_track.h"
#include "image/pixels.h"

#include <stdbool.h>

enum view_kind {
	VIEW_CENTRE, /* the middle square (or the input's aspect) */
	VIEW_BOX,    /* a box in the middle, drawn in which people hold an object */
	VIEW_INK,  /* writing in such a box, dark on light or light on dark: found, centred, light on black */
	VIEW_FACE, /* a face, wherever it is */
};

/* All zero: the middle, pixels as they are. */
struct view {
	enum view_kind kind;
	double size;   /* of the box of box and ink, a share of the middle square: 0.1 … 1 */
	double fill;   /* the share of the input that the ink's longer side fills, or the face: 0.1 … 1 */
	bool inverted; /* not of ink: dark in the camera's picture is light for the network */
	int low, high; /* pixel values that enter as 0 and 255, 0 ≤ low < high ≤ 255; both 0: as 0 and 255 */
};

/* The guide on a picture of this size for an input of that: its sides in pixels of the picture. */
void view_box(const struct view *view, int picture_width, int picture_height, int width, int height,
	double *box_width, double *box_height);

/* The scale, at most 1, to which a picture can be reduced without loss of detail in an input of that size. */
double view_scale(const struct view *view, int picture_width, int picture_height, int width, int height);

/* The origin of a picture, which decides the processing. */
enum view_origin {
	VIEW_FROM_CAMERA,  /* all of it */
	VIEW_FROM_FILE,	   /* no box: the photographer has framed the object */
	VIEW_FROM_DATASET, /* the middle, and low and high: the network was trained on such pictures */
};

/*
 * Sets the area of the picture at which a network looks whose input has that size. False: there is no face;
 * the area is then the middle. A picture of the input's own size is a face already. track: of a camera whose
 * pictures are looked at one after the other, taken at `time`, ns; NULL: of this picture alone. Allocates
 * nothing; takes 600 KiB of stack.
 */
bool view_look_at(const struct view *view, enum view_origin origin, const struct pixels *pixels,
	struct face_track *track, int64_t time, int width, int height, struct picture_area *area);

/* The same, at a picture. */
bool view_look(const struct view *view, enum view_origin origin, const struct picture *picture,
	struct face_track *track, int64_t time, int width, int height, struct picture_area *area);

/*
 * What the network sees in that area. out: uint8_t codes of `bits` bits, [height][width][channels]; channels
 * 3: R, G, B; 1: grey, as ink needs. A pixel p enters as code (p · (2^bits − 1) + 127) / 255, after low and
 * high. Integers, or doubles in one exact order of operations: the same codes on every machine. Allocates
 * nothing; takes 450 KiB of stack.
 */
void view_input_of(const struct view *view, enum view_origin origin, const struct pixels *pixels,
	const struct picture_area *area, uint8_t *out, int width, int height, int channels, int bits);

/* The same, of a picture. */
void view_input(const struct view *view, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, uint8_t *out, int width, int height, int channels, int bits);

#endif
