/* SPDX-License-Identifier: MIT */
/* The caption: what the network saw, drawn on a picture with cairo. Sizes follow the picture's height. */
#ifndef IMAGE_CAPTION_H
#define IMAGE_CAPTION_H

#include "image/picture.h"

#include <stdbool.h>

/* What the network looks at, by its corners. */
struct caption_view {
	double x, y, width, height; /* shares of the picture's sides; width 0: it is not known */
	double aspect;		    /* of the picture, width by height: it may be shown with borders */
	bool found;		    /* it was found, as a face is, and moves; else people move before it */
	const char *hint;	    /* what to do, at its lower edge while nothing is known; NULL: nothing */
};

/* A calibrated confidence is green, or amber, from here on; below it is grey. */
#define CAPTION_GREEN 0.9F
#define CAPTION_AMBER 0.6F

/* The most bars. */
#define CAPTION_BARS 10

struct caption_bar {
	const char *name;
	float confidence; /* 0 … 1 */
};

/* Bytes of a note, with its end: a path of usual length. */
#define CAPTION_NOTE_BYTES 160

struct caption {
	const char *headline; /* "dog"; NULL: nothing is known */
	float confidence;     /* 0 … 1 */
	const char *detail;   /* "golden retriever", which that dog may be; NULL: none */
	float detail_confidence;
	bool calibrated; /* how often the network is right at a confidence was measured: it has a colour */
	struct caption_bar
		bars[CAPTION_BARS]; /* the likeliest labels, best first, in the place of the detail */
	int bar_count;		    /* as many as fit are drawn */
	double frames_per_second;   /* shown; 0: not known yet */
	double latency_ms;	    /* camera to label; 0: not known yet */
	bool statistics;	    /* show the line of frames a second and latency */
	const char *status;	    /* stands in that line in any case: "PL alarm"; NULL: none */
	bool recording;		    /* show a red dot */
	const char *notice; /* lines in the middle, \n between them, two spaces between key and meaning; NULL:
			       none */
	char note[CAPTION_NOTE_BYTES]; /* what a key has done, at the top left: "saved cat.png"; "": none */
	struct caption_view view;
};

/*
 * A caption keeps its fonts and surfaces between frames. create: -ENOMEM. Drawing changes only the
 * caption's rectangle of the picture.
 */
struct caption_drawer;

/* The caption in one line of text: "dog 91 % · golden retriever 71 % · 30 fps · 34 ms". */
void caption_text(const struct caption *caption, char *out, size_t size);

int caption_create(struct caption_drawer **out);
void caption_destroy(struct caption_drawer *drawer);
void caption_draw(struct caption_drawer *drawer, struct picture *picture, const struct caption *caption);

/* Where a layer is not transparent: the caption's parts, those without width left out. */
#define CAPTION_PARTS 10

struct caption_area {
	int x, y, width, height;
};

/*
 * The caption alone, on a layer of the picture's size that is transparent except in `areas`, which the
 * function sets to the drawn parts: bytes B, G, R, A, colours premultiplied. Writes to the areas only. False:
 * the caption looks as on the picture or layer before, and nothing was written.
 */
bool caption_draw_layer(struct caption_drawer *drawer, struct picture *layer, const struct caption *caption,
	struct caption_area areas[CAPTION_PARTS]);

#endif
