/* SPDX-License-Identifier: MIT */
/*
 * Writes a Matroska file with one track of JPEGs and one of text (S_TEXT/UTF8), by libavformat. Each frame is
 * a cluster of its own and is written at once, so that a file without an end plays to its last whole frame.
 * Times in the file are whole milliseconds from its first frame: libavformat has no finer ones.
 */
#ifndef RECORDER_CONTAINER_H
#define RECORDER_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container;
struct error;

struct container_options {
	int width, height; /* pixels */
	int64_t wall;	   /* CLOCK_REALTIME of the first frame, ns */
	const char *title; /* NULL: none */
};

/* Writes such files: `container_matroska`, in the module "matroska". */
struct container_writer {
	/* Creates the file, which must not exist, and holds an flock on it until it is closed. -EEXIST, … */
	int (*open)(const char *path, const struct container_options *options, struct container **out,
		struct error *e);

	/* Text to show from `time` on, for `duration`, both in ns. It is written with the next frame. */
	void (*text)(struct container *c, const char *text, int64_t time, int64_t duration);

	/*
	 * time: ns of any clock, not before that of the last frame. After a failure (-ENOSPC: no room,
	 * -EFBIG: the file may not grow, -EIO …) the file ends with its last whole frame and can only be
	 * closed.
	 */
	int (*frame)(struct container *c, const uint8_t *jpeg, size_t size, int64_t time, struct error *e);

	/* Whether the file has no name any more. */
	bool (*is_deleted)(const struct container *c);

	/* Bytes written so far. */
	uint64_t (*size)(const struct container *c);

	/* The room of its file system, as in room.h. */
	uint64_t (*room)(const struct container *c);

	/* Completes the file (index, duration), syncs it to the disk and closes it. */
	int (*close)(struct container *c, struct error *e);
};

extern const struct container_writer container_matroska;

/* Writes no file, for a log without a video. */
extern const struct container_writer container_none;

#endif
