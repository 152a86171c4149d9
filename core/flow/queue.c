/* SPDX-License-Identifier: MIT */
#include "flow/queue.h"

#include "flow/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

struct queue {
	enum queue_policy policy;
	int capacity;
	pthread_mutex_t lock;  /* guards all that follows */
	pthread_cond_t filled; /* to consumers: a frame came in, or the queue was closed */
	pthread_cond_t freed;  /* to putters: a place came free, or the queue was closed */
	int watcher;	       /* an eventfd; −1: none */
	bool closed;
	uint64_t dropped;
	int first, count; /* a ring: frames[first] is the oldest */
	struct frame *frames[];
};

int queue_create(int capacity, enum queue_policy policy, struct queue **out)
{
	struct queue *queue;
	size_t places;

	if (capacity < 1)
		return -EINVAL;
	if (__builtin_mul_overflow((size_t)capacity, sizeof(struct frame *), &places) ||
		__builtin_add_overflow(places, sizeof(*queue), &places))
		return -EOVERFLOW;
	queue = calloc(1, places);
	if (!queue)
		return -ENOMEM;
	queue->policy = policy;
	queue->capacity = capacity;
	queue->watcher = -1;
	if (condition_init(&queue->filled)) {
		free(queue);
		return -ENOMEM;
	}
	queue->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	queue->freed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	*out = queue;
	return 0;
}

/* The oldest frame of a queue that has one; the lock is held. */
static struct frame *take_oldest(struct queue *queue)
{
	struct frame *frame = queue->frames[queue->first];

	queue->first = (queue->first + 1) % queue->capacity;
	queue->count--;
	return frame;
}

void queue_destroy(struct queue *queue)
{
	if (!queue)
		return;
	while (queue->count) {
		struct frame *frame = take_oldest(queue);

		frame_release(&frame);
	}
	pthread_cond_destroy(&queue->freed);
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

/* The lock is held, so that no descriptor is written that the watcher has closed. */
static void tell_watcher(struct queue *queue)
{
	if (queue->watcher >= 0)
		eventfd_write(queue->watcher, 1); /* fails only where it is readable already */
}

bool queue_put(struct queue *queue, struct frame *frame)
{
	struct frame *loser = NULL; /* released without the lock, since the pool has its own */
	bool taken;

	pthread_mutex_lock(&queue->lock);
	while (queue->policy == QUEUE_LOSSLESS && queue->count == queue->capacity && !queue->closed)
		pthread_cond_wait(&queue->freed, &queue->lock);
	taken = !queue->closed;
	if (!taken) {
		loser = frame;
	} else {
		if (queue->count == queue->capacity) {
			loser = take_oldest(queue);
			queue->dropped++;
		}
		/* 64 bits: first + count may exceed INT_MAX. */
		queue->frames[((int64_t)queue->first + queue->count) % queue->capacity] = frame;
		queue->count++;
		pthread_cond_signal(&queue->filled);
		tell_watcher(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	frame_release(&loser);
	return taken;
}

int queue_take_until(struct queue *queue, int64_t deadline, struct frame **out)
{
	int rc = 0;

	*out = NULL;
	pthread_mutex_lock(&queue->lock);
	while (!queue->count && !queue->closed && !rc)
		rc = condition_wait(&queue->filled, &queue->lock, deadline);
	/* At the deadline too: the frame's signal may have woken this wait, and wakes no other. */
	if (queue->count) {
		*out = take_oldest(queue);
		pthread_cond_signal(&queue->freed);
		rc = 0;
	} else if (queue->closed) {
		rc = -EPIPE;
	}
	pthread_mutex_unlock(&queue->lock);
	return rc;
}

struct frame *queue_take(struct queue *queue)
{
	struct frame *frame;

	queue_take_until(queue, INT64_MAX, &frame);
	return frame;
}

void queue_watch(struct queue *queue, int descriptor)
{
	pthread_mutex_lock(&queue->lock);
	queue->watcher = descriptor;
	pthread_mutex_unlock(&queue->lock);
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->filled);
	pthread_cond_broadcast(&queue->freed);
	tell_watcher(queue);
	pthread_mutex_unlock(&queue->lock);
}

uint64_t queue_dropped(struct queue *queue)
{
	uint64_t dropped;

	pthread_mutex_lock(&queue->lock);
	dropped = queue->dropped;
	pthread_mutex_unlock(&queue->lock);
	return dropped;
}

int queue_length(struct queue *queue)
{
	int length;

	pthread_mutex_lock(&queue->lock);
	length = queue->count;
	pthread_mutex_unlock(&queue->lock);
	return length;
}
