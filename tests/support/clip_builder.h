/* SPDX-License-Identifier: MIT */
/* A recording's video as the recorder lays it out, made by hand: a cluster for each picture. */
#ifndef TEST_SUPPORT_CLIP_BUILDER_H
#define TEST_SUPPORT_CLIP_BUILDER_H

#include <stddef.h>
#include <stdint.h>

/* What stands before the first cluster; the segment's size is unknown, as while it is written. To an open
 * file. */
void clip_put_head(int fd);

/* A cluster with a label for a time, where `text` is not NULL, and a picture. The file may have holes. */
void clip_put(int fd, uint32_t time, const char *text, uint8_t duration, const void *picture, size_t size);

#endif
