/* SPDX-License-Identifier: MIT */
/* Pictures of a folder, to calibrate with. */
#ifndef APP_IMPORT_PICTURES_H
#define APP_IMPORT_PICTURES_H

#include "image/picture.h"
#include "nn/network.h"

enum { CALIBRATION_MAXIMUM = 256 /* pictures; of more, every second, third … is taken */ };

struct calibration {
	char **paths;
	int count;
	struct view view;
	struct picture picture;
};

/*
 * The pictures of the folder and those below it, in the order of their names. -ENOENT with a message
 * when there is none.
 */
int calibration_open(const char *folder, const struct view *view, struct calibration *out, struct error *e);
void calibration_close(struct calibration *calibration);

/* context: a struct calibration. As `classify` gives the picture to a network of this view. */
int calibration_read(void *context, int index, struct shape shape, uint8_t *pixels, struct error *e);

#endif
