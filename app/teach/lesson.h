/* SPDX-License-Identifier: MIT */
/* What a network is taught: features of pictures with their classes, and the network that comes of it. */
#ifndef APP_TEACH_LESSON_H
#define APP_TEACH_LESSON_H

#include "image/picture.h"
#include "image/view.h"
#include "nn/classify.h"
#include "nn/network.h"
#include "nn/teach/ridge.h"

#include <stdbool.h>

struct engine;
struct error;

struct lesson {
	struct network *network; /* the lesson's; lesson_save puts the new last layer into it */
	char *source;		 /* the name of the network that gives the features */
	struct engine *features;
	size_t size; /* codes of one picture's features */
	uint8_t *input;

	char **labels;
	int class_count;
	uint8_t *codes; /* [count][size] */
	int *classes;	/* [count] */
	int *bursts;	/* [count]: examples with the same number were taken one right after the other */
	int count, room;
	int repeated; /* examples that were the same as one of their class, and were left out */
};

/* Takes over the network. kernels: as for engine_create. lesson_finish frees *lesson also after an error. */
int lesson_begin(struct lesson *lesson, struct network *network, const char *kernels, struct error *e);
void lesson_finish(struct lesson *lesson);

/* The number of a class, which is new where no class has that label. "background" means LABEL_BACKGROUND. */
int lesson_class(struct lesson *lesson, const char *label, int *class, struct error *e);

/* The features of a picture where the network looks at it, written to codes, uint8_t [size]. Returns codes.
 */
const uint8_t *lesson_features(struct lesson *lesson, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, uint8_t *codes);

/* As view_look. */
bool lesson_look(const struct lesson *lesson, enum view_origin origin, const struct picture *picture,
	struct face_track *track, int64_t time, struct picture_area *area);

/*
 * Adds an example of a class, unless it has the same one: leaving out one of two would measure nothing.
 * again: it is of the burst of the example before. -EINVAL: there are EXAMPLES_LIMIT already.
 */
int lesson_add(struct lesson *lesson, const uint8_t *codes, int class, bool again, struct error *e);

/* Drops the last example, if there is one. */
void lesson_drop(struct lesson *lesson);

/* Forgets classes without an example. */
void lesson_drop_empty(struct lesson *lesson);

int lesson_examples_of(const struct lesson *lesson, int class);

/* -EINVAL with a message: fewer than two classes, or one without a picture. */
int lesson_fit(const struct lesson *lesson, struct ridge *out, struct error *e);

/* Of a class (−1: of all): how many examples were judged by a fit without their burst, and how many rightly.
 */
int lesson_tested(const struct lesson *lesson, const struct ridge *ridge, int class, int *right);

/*
 * The confidence below which the taught network knows nothing, from what fits without the examples say:
 * nearly all that they name rightly reach it, and few of the background. 0: too few were tested.
 */
double lesson_threshold(const struct lesson *lesson, const struct ridge *ridge);

/*
 * The examples of a folder that lesson_save made. -ENOENT: it holds none; -EBADMSG: they are of other
 * features.
 */
int lesson_read(struct lesson *lesson, const char *folder, struct error *e);

/*
 * Writes the network with its new last layer, its examples and a card. `replace`: in the place of an earlier
 * one, which stays whole until then; else the folder must not exist.
 */
int lesson_save(
	struct lesson *lesson, const struct ridge *ridge, const char *folder, bool replace, struct error *e);

#endif
