/* SPDX-License-Identifier: MIT */
/* Reads a log of labels (JSON lines), also one that ends within a line. */
#ifndef RECORDER_LOG_READER_H
#define RECORDER_LOG_READER_H

#include "recorder/label_log.h"

#include <jansson.h>
#include <stdio.h>

struct log_reader;

/* How the recording was made, from the first line. The reader owns the strings. */
struct log_about {
	const char *network;
	const char *pl;
	int version;
	double smoothing; /* the time constant, s; of version 1 the weight of the past, 0 … < 1 */
	float threshold;  /* of what is shown */
	int top_k;
	bool burn_in;
	int reduction; /* by which the pictures were decoded smaller: 1, 2, 4, 8 */
	bool has_wall;
	int64_t wall; /* CLOCK_REALTIME less the monotonic time, at the first frame, ns */
};

/* A line is a frame's or an event's. Pointers are valid until the reader's next line. */
struct log_entry {
	unsigned long line; /* from 1 */
	uint64_t frame;
	const char *event; /* NULL: a frame's line */
	struct verdict verdict;
	const char *by;
	bool says_face;		  /* the frame's line says where the face is, as `face` does */
	struct picture_area face; /* perhaps beyond the picture; width 0: there is none */
	const json_t *scores;	  /* array of numbers, of the event "smoothing"; else NULL */
	int64_t time;		  /* of the frame; of that event, of the last frame before */
	struct label_state
		state; /* of that event. The indices are not negative, and may be beyond the network */
};

/* -ENOENT …; -EBADMSG: it is no log, or of a later version. */
int log_reader_open(const char *path, struct log_reader **out, struct error *e);

/* As log_reader_open; the reader owns the file, also after a failure. path: for messages. */
int log_reader_open_file(FILE *file, const char *path, struct log_reader **out, struct error *e);

const struct log_about *log_reader_about(const struct log_reader *reader);

/* 0; -ENODATA at the end, or at a line without its end; -EBADMSG with a message. */
int log_reader_next(struct log_reader *reader, struct log_entry *entry, struct error *e);

void log_reader_close(struct log_reader *reader); /* takes NULL */

#endif
