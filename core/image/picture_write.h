/* SPDX-License-Identifier: MIT */
/* Pictures as files: JPEG or PNG, as the name ends (.jpg, .jpeg, .png, in any case). */
#ifndef IMAGE_PICTURE_WRITE_H
#define IMAGE_PICTURE_WRITE_H

#include "image/picture.h"

/*
 * Whether picture_write could write there now: nothing is left behind. -EINVAL: the name ends otherwise, and
 * the error is a sentence without the path; else as picture_write.
 */
int picture_write_check(const char *path, struct error *e);

/*
 * Writes as output_file.h says. -EINVAL: the name ends otherwise, or there is no picture; -EISDIR, -ENXIO:
 * that is a folder, or no regular file; -ENOENT … as the system says.
 */
int picture_write(const char *path, const struct picture *picture, struct error *e);

/* The same, but replaces nothing: -EEXIST. */
int picture_write_new(const char *path, const struct picture *picture, struct error *e);

#endif
