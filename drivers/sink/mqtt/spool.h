/* SPDX-License-Identifier: MIT */
/*
 * A queue of lines in a file of fixed size, which outlives the program: what the broker has not confirmed is
 * there when the program starts again, also after a kill. When it is full the oldest lines make room. Any
 * thread; a call may wait for the disk. docs/formats.md has the layout.
 */
#ifndef SINK_MQTT_SPOOL_H
#define SINK_MQTT_SPOOL_H

#include "recorder/text.h"

#include <stddef.h>
#include <stdint.h>

struct error;
struct spool;

/* Of a line, bytes; longer ones are lost and counted. */
#define SPOOL_LINE_MOST 16384

/* Of a queue, bytes. */
#define SPOOL_ROOM_LEAST 256

/*
 * Opens the file, or makes it, with room for so many bytes (a multiple of 8, at least
 * SPOOL_ROOM_LEAST). A file that is there keeps its size. path NULL: memory, which nothing outlives. The
 * error begins with the path. -EAGAIN: another program has it; -EBADMSG: it is something else, and is left
 * alone; else as the system says.
 */
int spool_open(const char *path, size_t room, struct spool **out, struct error *e);
void spool_close(struct spool *spool); /* takes NULL */

/* 0; -EFBIG, or as the system says: then the line is lost and counted. */
int spool_put(struct spool *spool, const char *line);

/*
 * Copies the first line that is not taken to `line`, with its number: lines are numbered in order, also from
 * one run to the next. 0, or -ENOENT: there is none. What cannot be read any more is dropped and counted.
 */
int spool_next(struct spool *spool, struct text_builder *line, uint64_t *number);

/* The line of spool_next is taken; it stays until it is removed. */
void spool_take(struct spool *spool, uint64_t number);

/* Removes the lines up to that number. */
void spool_remove(struct spool *spool, uint64_t number);

struct spool_counts {
	uint64_t lines;	  /* in it, taken or not */
	uint64_t waiting; /* not taken */
	uint64_t dropped; /* since it was opened: not taken and lost */
};
struct spool_counts spool_counts(struct spool *spool);

#endif
