/* SPDX-License-Identifier: MIT */
/* Teaching in front of a camera: a key held down takes pictures, the live picture shows what was learned. */
#ifndef APP_TEACH_CAMERA_H
#define APP_TEACH_CAMERA_H

#include "base/error.h"
#include "teach/lesson.h"

struct source_options;

struct teach_camera_options {
	const char *source, *display; /* names; source NULL: the first camera */
	const struct source_options *source_options;
	const char *drm_device, *connector; /* NULL: choose */
};

/*
 * Keys 1 … 9 take a picture of that class of the lesson, b one of the background, u drops the last one, q
 * ends. Returns when the user ends it, the source ends, or INT or TERM comes. On failure *where is what *e is
 * about; the pictures taken until then are in the lesson.
 */
int teach_camera(struct lesson *lesson, const struct teach_camera_options *options, enum failure *where,
	struct error *e);

#endif
