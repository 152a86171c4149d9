/* SPDX-License-Identifier: MIT */
/* A bounded queue of lines of text from the pipeline's threads to a sink's thread. */
#ifndef SINK_LINE_QUEUE_H
#define SINK_LINE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_QUEUE_LINES 1024

struct line_queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	char *lines[LINE_QUEUE_LINES];
	int first, count;
	uint64_t lost; /* lines that found no room or no memory */
	bool closed;
};

/* -ENOMEM */
int line_queue_init(struct line_queue *q);
void line_queue_finish(struct line_queue *q);

/* Puts a copy. Never waits: a line that finds no room is lost and counted. */
void line_queue_put(struct line_queue *q, const char *line);

/* The next line, for the caller to free; waits for one. NULL: the queue is closed and empty. */
char *line_queue_take(struct line_queue *q);

/* What is in it can still be taken. */
void line_queue_close(struct line_queue *q);
bool line_queue_is_closed(struct line_queue *q);
uint64_t line_queue_lost(struct line_queue *q);

#endif
