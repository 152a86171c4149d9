/* SPDX-License-Identifier: MIT */
/* What is a picture: the same for every command, by content. */
#ifndef IMAGE_FORMATS_H
#define IMAGE_FORMATS_H

#include "base/build.h"
#include "base/module.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if TWOBIT_HAVE_WEBP
#define PICTURE_WEBP ", WebP"
#else
#define PICTURE_WEBP ""
#endif
#if TWOBIT_HAVE_HEIF
#define PICTURE_HEIF ", AVIF, HEIC"
#else
#define PICTURE_HEIF ""
#endif

/* The formats of picture files that this build reads, for texts. */
#define PICTURE_FORMATS "JPEG, PNG, GIF, BMP" PICTURE_WEBP PICTURE_HEIF

/* The module that some of them need; NULL: none. */
extern const struct module_part *const picture_part;

/* Bytes of a file that tell its format. */
#define PICTURE_BEGIN 32

/* The format that a file begins as, also one whose library is not in this build: "PNG". NULL: none. */
const char *picture_format(const uint8_t *data, size_t size);

/*
 * Whether a regular file, or a link to one, is a picture: its content begins like one, or it has the name of
 * one; then reading it tells what is wrong. An MJPEG video, which begins like a JPEG, has a name of its own.
 * `folder` is the open folder in which a relative name begins, or AT_FDCWD.
 */
bool picture_file(int folder, const char *name);

/* Whether it is a GIF of more than one frame, which is rather a video. */
bool picture_file_moves(const char *path);

#endif
