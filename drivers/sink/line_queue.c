/* SPDX-License-Identifier: MIT */
#include "sink/line_queue.h"

#include "flow/thread.h"

#include <stdlib.h>
#include <string.h>

int line_queue_init(struct line_queue *q)
{
	*q = (struct line_queue){.lock = PTHREAD_MUTEX_INITIALIZER};
	return condition_init(&q->filled);
}

void line_queue_finish(struct line_queue *q)
{
	for (; q->count; q->count--) {
		free(q->lines[q->first]);
		q->first = (q->first + 1) % LINE_QUEUE_LINES;
	}
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
}

void line_queue_put(struct line_queue *q, const char *line)
{
	char *copy = line ? strdup(line) : NULL;

	pthread_mutex_lock(&q->lock);
	if (copy && q->count < LINE_QUEUE_LINES && !q->closed) {
		q->lines[(q->first + q->count++) % LINE_QUEUE_LINES] = copy;
		pthread_cond_signal(&q->filled);
		copy = NULL;
	} else {
		q->lost++;
	}
	pthread_mutex_unlock(&q->lock);
	free(copy);
}

char *line_queue_take(struct line_queue *q)
{
	char *line = NULL;

	pthread_mutex_lock(&q->lock);
	while (!q->count && !q->closed)
		pthread_cond_wait(&q->filled, &q->lock);
	if (q->count) {
		line = q->lines[q->first];
		q->first = (q->first + 1) % LINE_QUEUE_LINES;
		q->count--;
	}
	pthread_mutex_unlock(&q->lock);
	return line;
}

void line_queue_close(struct line_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

bool line_queue_is_closed(struct line_queue *q)
{
	pthread_mutex_lock(&q->lock);
	bool closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}

uint64_t line_queue_lost(struct line_queue *q)
{
	pthread_mutex_lock(&q->lock);
	uint64_t lost = q->lost;
	pthread_mutex_unlock(&q->lock);
	return lost;
}
