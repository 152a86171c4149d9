/* SPDX-License-Identifier: MIT */
#include "flow/frame.h"

#include "flow/thread.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct frame_pool {
	int size;
	struct frame *frames;
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t freed; /* a frame came back, or the pool was stopped */
	bool stopped;
	/*
	 * A stack of the free frames: the one that came back last is used next, since its memory is in the
	 * caches. What the pipeline hardly ever needs, it hardly ever touches, so that the system gives these
	 * frames no memory, although all have room for the largest pictures so far and none allocates later.
	 */
	int count;
	struct frame **free;
	size_t picture, spare, raw; /* the largest capacities so far */
};

static int frame_init(struct frame *frame, struct frame_pool *pool, size_t input_size, int class_count)
{
	size_t scores;

	if (__builtin_mul_overflow((size_t)class_count, sizeof(*frame->scores), &scores))
		return -EOVERFLOW;
	frame->pool = pool;
	frame->input_size = input_size;
	frame->input = buffer_create(input_size);
	frame->scores = buffer_create(scores);
	return frame->input && frame->scores ? 0 : -ENOMEM;
}

static void frame_finish(struct frame *frame)
{
	raw_picture_finish(&frame->raw);
	picture_finish(&frame->picture);
	free(frame->input);
	free(frame->scores);
}

int frame_pool_create(int frames, size_t input_size, int class_count, struct frame_pool **out)
{
	struct frame_pool *pool;
	int rc = 0;

	if (frames < 1 || class_count < 0)
		return -EINVAL;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	pool->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	pool->freed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	pool->frames = calloc((size_t)frames, sizeof(*pool->frames));
	pool->free = calloc((size_t)frames, sizeof(struct frame *));
	if (!pool->frames || !pool->free)
		rc = -ENOMEM;
	while (!rc && pool->size < frames) {
		struct frame *frame = &pool->frames[pool->size];

		rc = frame_init(frame, pool, input_size, class_count);
		pool->free[pool->size++] = frame;
	}
	pool->count = pool->size;
	if (rc) {
		frame_pool_destroy(pool);
		return rc;
	}
	*out = pool;
	return 0;
}

void frame_pool_destroy(struct frame_pool *pool)
{
	if (!pool)
		return;
	assert(pool->count == pool->size);
	for (int i = 0; i < pool->size; i++)
		frame_finish(&pool->frames[i]);
	pthread_cond_destroy(&pool->freed);
	pthread_mutex_destroy(&pool->lock);
	free(pool->free);
	free(pool->frames);
	free(pool);
}

static struct frame *acquire(struct frame_pool *pool, bool wait)
{
	struct frame *frame = NULL;

	pthread_mutex_lock(&pool->lock);
	while (wait && !pool->count && !pool->stopped)
		pthread_cond_wait(&pool->freed, &pool->lock);
	if (pool->count && !pool->stopped) {
		frame = pool->free[--pool->count];
	}
	pthread_mutex_unlock(&pool->lock);
	if (!frame)
		return NULL;
	/* Clears the previous frame's data; memory and sizes stay. */
	frame->number = 0;
	frame->lost = 0;
	frame->scale = 0;
	frame->sequence = 0;
	frame->absent = frame->show_raw = false;
	frame->recorded = frame->cpu_fallback = false;
	frame->borrowed = (struct borrowed_buffer){.dmabuf = -1};
	frame->caption = (struct caption){0};
	memset(frame->stamps, 0, sizeof(frame->stamps));
	memset(&frame->result, 0, sizeof(frame->result));
	frame->absent_reason[0] = frame->text[0] = '\0';
	frame->name = NULL;
	atomic_store_explicit(&frame->references, 1, memory_order_relaxed);
	return frame;
}

struct frame *frame_acquire(struct frame_pool *pool)
{
	return acquire(pool, true);
}

struct frame *frame_try_acquire(struct frame_pool *pool)
{
	return acquire(pool, false);
}

void frame_pool_stop(struct frame_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stopped = true;
	pthread_cond_broadcast(&pool->freed);
	pthread_mutex_unlock(&pool->lock);
}

struct frame *frame_reference(struct frame *frame)
{
	/* Relaxed is enough: the caller holds a reference, so the frame cannot be freed meanwhile. */
	atomic_fetch_add_explicit(&frame->references, 1, memory_order_relaxed);
	return frame;
}

/* Without memory, the frame's next user asks again, and reports it. */
static void make_room(const struct frame_pool *pool, struct frame *frame)
{
	picture_reserve(&frame->picture, pool->picture, pool->spare);
	raw_picture_reserve(&frame->raw, pool->raw);
}

static size_t larger(size_t a, size_t b)
{
	return b > a ? b : a;
}

/* Whatever frame has grown, all that are free grow with it, and the others when they come back. */
static void put_back(struct frame_pool *pool, struct frame *frame)
{
	bool grown = frame->picture.capacity > pool->picture || frame->picture.spare_capacity > pool->spare ||
		     frame->raw.capacity > pool->raw;

	pool->picture = larger(pool->picture, frame->picture.capacity);
	pool->spare = larger(pool->spare, frame->picture.spare_capacity);
	pool->raw = larger(pool->raw, frame->raw.capacity);
	pool->free[pool->count++] = frame;
	for (int i = grown ? 0 : pool->count - 1; i < pool->count; i++)
		make_room(pool, pool->free[i]);
}

void frame_release(struct frame **frame)
{
	struct frame *it = *frame;
	struct frame_pool *pool;
	int before;

	*frame = NULL;
	if (!it)
		return;
	/* Release and acquire: other threads' writes come before the next use of the frame. */
	before = atomic_fetch_sub_explicit(&it->references, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before != 1)
		return;
	if (it->borrowed.release)
		it->borrowed.release(it->borrowed.owner, it->borrowed.index);
	pool = it->pool;
	pthread_mutex_lock(&pool->lock);
	put_back(pool, it);
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->lock);
}
