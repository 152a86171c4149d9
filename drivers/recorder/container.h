/* SPDX-License-Identifier: MIT */
/*
 * A Matroska file with one track of JPEGs and one of text (S_TEXT/UTF8), written by libavformat. Each frame
 * is a cluster of its own and goes out at once, so that a file that was never finished plays to its last
 * whole frame. Times in the file are in whole milliseconds from its first frame: libavformat knows no finer
 * ones.
 */
#ifndef RECORDER_CONTAINER_H
#define RECORDER_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

struct container;
struct error;

struct container_options {
	int width, height; /* pixels */
	int64_t wall;	   /* CLOCK_REALTIME of the first frame, ns */
	const char *title; /* NULL: none */
};

/* Makes the file, which must not exist, and holds an flock on it until it is closed. -EEXIST, … with a
 * message. */
int container_open(
	const char *path, const struct container_options *options, struct container **out, struct error *e);

/* Text to show from `time` on, for `duration`; it goes out with the next frame. ns, as container_frame. */
void container_text(struct container *c, const char *text, int64_t time, int64_t duration);

/*
 * time: ns of any clock, not before the frame before. When it fails (-ENOSPC: no room, -EFBIG: the file may
 * not grow, -EIO …) the file ends after its last whole frame, and can only be closed.
 */
int container_frame(struct container *c, const uint8_t *jpeg, size_t size, int64_t time, struct error *e);

/* Bytes written so far. */
uint64_t container_size(const struct container *c);

/* Bytes that its file system has left for us; UINT64_MAX: it does not report them. */
uint64_t container_room(const struct container *c);
uint64_t folder_room(const char *folder);

/* Finishes the file (index, duration), puts it onto the disk, closes it. Takes NULL. */
int container_close(struct container *c, struct error *e);

#endif
