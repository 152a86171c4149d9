/* SPDX-License-Identifier: MIT */
/* Reads a log of labels (JSON lines) back, also one that breaks off in a line. */
#ifndef RECORDER_LOG_READER_H
#define RECORDER_LOG_READER_H

#include "recorder/label_log.h"

#include <jansson.h>
#include <stdio.h>

struct log_reader;

/* What was recorded how, from the first line. Strings are the reader's. */
struct log_about {
	const char *network;
	const char *pl;
	double smoothing;
	int top_k;
	bool burn_in;
};

/* A line that is no frame's is an event's. What is pointed to is the reader's, until its next line. */
struct log_entry {
	unsigned long line; /* from 1 */
	uint64_t frame;
	const char *event; /* NULL: a frame's line */
	struct verdict verdict;
	const char *by;
	const json_t *scores; /* array of numbers, of the event "smoothing"; else NULL */
};

/* -ENOENT …, -EBADMSG with a message for what is no log, or one of a later version. */
int log_reader_open(const char *path, struct log_reader **out, struct error *e);

/* As log_reader_open; takes the file over, whatever comes. `path`: for messages. */
int log_reader_open_file(FILE *file, const char *path, struct log_reader **out, struct error *e);

const struct log_about *log_reader_about(const struct log_reader *reader);

/* 0; -ENODATA at the end, which a line without its end is, too; -EBADMSG with a message. */
int log_reader_next(struct log_reader *reader, struct log_entry *entry, struct error *e);

void log_reader_close(struct log_reader *reader); /* takes NULL */

#endif
