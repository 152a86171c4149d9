/* SPDX-License-Identifier: MIT */
#include "pl/worker/worker.h"

#include "flow/thread.h"
#include "pl/pl.h"

#include <errno.h>
#include <stdlib.h>

enum worker_buffer_state {
	IDLE, /* never submitted, or discarded by a reset */
	QUEUED,
	RUNNING,
	ABANDONED, /* still runs, its result is discarded */
	DONE,
};

struct worker {
	int (*run)(void *owner, const uint8_t *in, void *out);
	void *owner;
	/* A buffer's memory is the caller's in IDLE and DONE, else the thread's; the lock hands it over. */
	uint8_t *input[PL_BUFFERS];
	int32_t *output[PL_BUFFERS];
	pthread_t thread;

	pthread_mutex_t lock;	  /* guards all that follows */
	pthread_cond_t submitted; /* to the thread: a buffer may run, or quit */
	pthread_cond_t ended;	  /* to waiters: a buffer became IDLE or DONE */
	bool stopped, quit;
	enum worker_buffer_state states[PL_BUFFERS];
	int results[PL_BUFFERS]; /* of run, in DONE */
	int first, queued;	 /* a ring: order[first] runs next */
	int order[PL_BUFFERS];
};

static void *work(void *argument)
{
	struct worker *w = argument;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		int buffer;

		while ((!w->queued || w->stopped) && !w->quit)
			pthread_cond_wait(&w->submitted, &w->lock);
		if (w->quit)
			break;
		buffer = w->order[w->first];
		w->first = (w->first + 1) % PL_BUFFERS;
		w->queued--;
		w->states[buffer] = RUNNING;
		pthread_mutex_unlock(&w->lock);
		int result = w->run(w->owner, w->input[buffer], w->output[buffer]);
		pthread_mutex_lock(&w->lock);
		w->results[buffer] = result;
		w->states[buffer] = w->states[buffer] == ABANDONED ? IDLE : DONE;
		pthread_cond_broadcast(&w->ended);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int create_buffers(struct worker *w, const struct layer *first, const struct layer *last)
{
	size_t element = last->epilogue == EPILOGUE_SCORES ? sizeof(int32_t) : sizeof(uint8_t);
	size_t bytes;

	if (__builtin_mul_overflow(shape_size(last->out), element, &bytes))
		return -EOVERFLOW;
	for (int i = 0; i < PL_BUFFERS; i++) {
		w->input[i] = buffer_create(shape_size(first->in));
		w->output[i] = buffer_create(bytes);
		if (!w->input[i] || !w->output[i])
			return -ENOMEM;
	}
	return 0;
}

static void destroy_worker(struct worker *w)
{
	for (int i = 0; i < PL_BUFFERS; i++) {
		free(w->input[i]);
		free(w->output[i]);
	}
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->submitted);
	pthread_cond_destroy(&w->ended);
	free(w);
}

int worker_create(const struct layer *first, const struct layer *last,
	int (*run)(void *owner, const uint8_t *in, void *out), void *owner, struct worker **worker)
{
	struct worker *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	if (condition_init(&w->ended)) {
		free(w);
		return -ENOMEM;
	}
	w->submitted = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	w->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	w->run = run;
	w->owner = owner;
	rc = create_buffers(w, first, last);
	if (!rc)
		rc = thread_start(&w->thread, "pl", work, w);
	if (rc) {
		destroy_worker(w);
		return rc;
	}
	*worker = w;
	return 0;
}

/* Discards queued buffers and the result of the running one; the lock is held. */
static void discard_all(struct worker *w)
{
	w->queued = 0;
	for (int i = 0; i < PL_BUFFERS; i++) {
		if (w->states[i] == QUEUED)
			w->states[i] = IDLE;
		else if (w->states[i] == RUNNING)
			w->states[i] = ABANDONED;
	}
	pthread_cond_broadcast(&w->ended);
}

void worker_destroy(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	discard_all(w);
	w->quit = true;
	pthread_cond_signal(&w->submitted);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	destroy_worker(w);
}

uint8_t *worker_input(struct worker *w, int buffer)
{
	return w->input[buffer];
}

int32_t *worker_output(struct worker *w, int buffer)
{
	return w->output[buffer];
}

/* The buffer's memory is the thread's, or is about to be; the lock is held. */
static bool busy(const struct worker *w, int buffer)
{
	return w->states[buffer] != IDLE && w->states[buffer] != DONE;
}

int worker_submit(struct worker *w, int buffer)
{
	int rc = -EBUSY;

	pthread_mutex_lock(&w->lock);
	if (!busy(w, buffer)) {
		w->states[buffer] = QUEUED;
		w->order[(w->first + w->queued++) % PL_BUFFERS] = buffer;
		pthread_cond_signal(&w->submitted);
		rc = 0;
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

int worker_wait(struct worker *w, int buffer, int64_t deadline)
{
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	while (busy(w, buffer) && !rc)
		rc = condition_wait(&w->ended, &w->lock, deadline);
	/* A buffer that ended at the very deadline has ended. */
	if (!busy(w, buffer))
		rc = w->states[buffer] == DONE ? w->results[buffer] : -ECANCELED;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

void worker_stop(struct worker *w)
{
	bool abandoned;

	pthread_mutex_lock(&w->lock);
	discard_all(w);
	w->stopped = true;
	do {
		abandoned = false;
		for (int i = 0; i < PL_BUFFERS; i++)
			abandoned |= w->states[i] == ABANDONED;
		if (abandoned)
			pthread_cond_wait(&w->ended, &w->lock);
	} while (abandoned);
	pthread_mutex_unlock(&w->lock);
}

void worker_resume(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopped = false;
	pthread_cond_signal(&w->submitted);
	pthread_mutex_unlock(&w->lock);
}

bool worker_abandoned(struct worker *w)
{
	bool abandoned = false;

	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < PL_BUFFERS; i++)
		abandoned |= w->states[i] == ABANDONED;
	pthread_mutex_unlock(&w->lock);
	return abandoned;
}
