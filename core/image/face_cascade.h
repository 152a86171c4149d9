/* SPDX-License-Identifier: MIT */
/*
 * The cascade that tells faces from all else: stages of features in a square window. A feature is 3 × 3 cells
 * of pixels; which of the outer ones are at least as bright as the middle one is a pattern of 8 bits, from
 * the top left clockwise, the first in the highest bit: a local binary pattern. A window is a face if it
 * passes all stages.
 */
#ifndef IMAGE_FACE_CASCADE_H
#define IMAGE_FACE_CASCADE_H

#include <stdint.h>

struct face_feature {
	uint8_t x, y, width, height; /* of the first cell, in the window */
	uint32_t patterns[8];	     /* bit p mod 32 of word p / 32: pattern p is in the set */
	int32_t in, out;	     /* votes if the pattern is in the set, and if not; 2^20 is 1 */
};

struct face_stage {
	int features;	   /* which follow those of the stage before */
	int32_t threshold; /* passed if the sum of the votes is not below it */
};

struct face_cascade {
	int window; /* pixels */
	int stage_count;
	const struct face_stage *stages;
	const struct face_feature *features;
};

extern const struct face_cascade face_cascade;

#endif
