/* SPDX-License-Identifier: MIT */
/*
 * Finds faces that look at the camera: a cascade of local binary patterns (Liao, Zhu, Lei, Zhang and Li:
 * Learning Multi-scale Block Local Binary Patterns for Face Recognition, 2007) over integral images (Viola
 * and Jones, 2001) of the picture at scales of 1.2. Integers only: the same faces on every machine.
 */
#ifndef IMAGE_FACE_H
#define IMAGE_FACE_H

#include <stdint.h>

/* A square from the forehead to the chin, pixels. */
struct face {
	int x, y, side;
	int hits; /* windows that agree on it: the more, the surer */
};

/* The most pixels of a picture to search, and on a side. */
#define FACE_AREA_MAXIMUM 102400
#define FACE_SIDE_MAXIMUM 640

/* The most faces that are told apart. */
#define FACES_MAXIMUM 16

/* The size, at most the picture's, to which a picture is reduced to be searched: 240 pixels high, or wide. */
void face_search_size(int width, int height, int *search_width, int *search_height);

/*
 * grey: uint8_t [height][width] within these limits; its pixels are overwritten. A face is at least 24 pixels
 * and a sixth of the shorter side. Returns how many are in out[FACES_MAXIMUM], largest first. Allocates
 * nothing; takes 220 KiB of stack.
 */
int face_find(uint8_t *grey, int width, int height, struct face *out);

#endif
