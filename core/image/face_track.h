/* SPDX-License-Identifier: MIT */
/*
 * One face over time: the largest and most central one first, and then the same one. Its place is steady, and
 * is kept for a moment when the face is not found. All zero: nothing was seen yet.
 */
#ifndef IMAGE_FACE_TRACK_H
#define IMAGE_FACE_TRACK_H

#include "image/face.h"

#include <stdbool.h>

/* The time constant of its place, and after how long without a face it is lost, ns. */
#define FACE_STEADY 150000000
#define FACE_LOST 500000000

struct face_track {
	bool known;
	double x, y, side;  /* the middle, shares of the picture's sides; the side, a share of its width */
	int64_t time, seen; /* of the last picture, and of the last with the face, ns */
};

/* The face to look at, of those that face_find has found in a picture of this size. False: none. */
bool face_choose(const struct face *faces, int count, int width, int height, struct face *out);

/*
 * The same in the next picture of a camera. time: when it was taken, ns. Sizes may differ from picture to
 * picture, their aspect may not. out->hits is 0 where the face is not found, but not lost yet either.
 */
bool face_track_follow(struct face_track *track, const struct face *faces, int count, int width, int height,
	int64_t time, struct face *out);

#endif
