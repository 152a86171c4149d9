/* SPDX-License-Identifier: MIT */
/*
 * The PL in software: the engine in a thread of its own. It behaves as the logic does: two buffers that run
 * in the order of submission, while the caller does something else. The engine cannot be interrupted, so a
 * reset waits for the buffer that runs (one network's time) and throws its result away.
 */
#include "base/error.h"
#include "flow/thread.h"
#include "nn/engine.h"
#include "pl/drivers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum state {
	IDLE, /* never submitted, or forgotten by a reset */
	QUEUED,
	RUNNING,
	ABANDONED, /* runs still, but a reset does not want its result */
	DONE,
};

struct software {
	const char *kernels;   /* as for engine_create; outlives this */
	struct engine *engine; /* the thread's own while there is one */
	/* A buffer's memory is the caller's in IDLE and DONE, else the thread's; the lock hands it over. */
	uint8_t *input[PL_BUFFERS];
	int32_t *output[PL_BUFFERS];
	pthread_t thread;
	bool started; /* the thread is there */

	pthread_mutex_t lock;	  /* guards all that follows */
	pthread_cond_t submitted; /* to the thread: a buffer is queued, or quit */
	pthread_cond_t ended;	  /* to waiters: a buffer became IDLE or DONE */
	bool quit;
	enum state states[PL_BUFFERS];
	int first, queued; /* a ring: order[first] runs next */
	int order[PL_BUFFERS];
};

static void *run(void *argument)
{
	struct software *s = argument;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		int buffer;

		while (!s->queued && !s->quit)
			pthread_cond_wait(&s->submitted, &s->lock);
		if (s->quit)
			break;
		buffer = s->order[s->first];
		s->first = (s->first + 1) % PL_BUFFERS;
		s->queued--;
		s->states[buffer] = RUNNING;
		pthread_mutex_unlock(&s->lock);
		engine_run(s->engine, s->input[buffer], s->output[buffer]);
		pthread_mutex_lock(&s->lock);
		s->states[buffer] = s->states[buffer] == ABANDONED ? IDLE : DONE;
		pthread_cond_broadcast(&s->ended);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int software_open(const char *kernels, void **state, struct error *e)
{
	struct software *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(e, -ENOMEM, "PL \"software\": no memory");
	if (condition_init(&s->ended)) {
		free(s);
		return error_set(e, -ENOMEM, "PL \"software\": no memory for a condition");
	}
	pthread_cond_init(&s->submitted, NULL);
	pthread_mutex_init(&s->lock, NULL);
	s->kernels = kernels;
	*state = s;
	return 0;
}

static void free_buffers(struct software *s)
{
	for (int i = 0; i < PL_BUFFERS; i++) {
		free(s->input[i]);
		free(s->output[i]);
		s->input[i] = NULL;
		s->output[i] = NULL;
	}
	engine_destroy(s->engine);
	s->engine = NULL;
}

static void software_close(void *state)
{
	struct software *s = state;

	if (s->started) {
		pthread_mutex_lock(&s->lock);
		s->quit = true;
		pthread_cond_signal(&s->submitted);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	free_buffers(s);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->submitted);
	pthread_cond_destroy(&s->ended);
	free(s);
}

static int create_buffers(struct software *s, const struct layer *first, const struct layer *last)
{
	size_t element = last->ending == ENDING_SCORES ? sizeof(int32_t) : sizeof(uint8_t);
	size_t bytes;

	if (__builtin_mul_overflow(shape_size(last->out), element, &bytes))
		return -EOVERFLOW;
	for (int i = 0; i < PL_BUFFERS; i++) {
		s->input[i] = buffer_create(shape_size(first->in));
		s->output[i] = buffer_create(bytes);
		if (!s->input[i] || !s->output[i])
			return -ENOMEM;
	}
	return 0;
}

static int software_load(void *state, const struct network *network, int first, int last, struct error *e)
{
	struct software *s = state;
	int rc;

	rc = engine_create(network, first, last, s->kernels, &s->engine, e);
	if (rc)
		return rc;
	rc = create_buffers(s, &network->layers[first], &network->layers[last - 1]);
	if (rc) {
		free_buffers(s);
		return error_set(e, rc, "PL \"software\": no memory for the buffers of %s", network->name);
	}
	rc = thread_start(&s->thread, "pl", run, s);
	if (rc) {
		free_buffers(s);
		return error_set(e, rc, "PL \"software\": the system gives it no thread");
	}
	s->started = true;
	return 0;
}

static uint8_t *software_input(void *state, int buffer)
{
	return ((struct software *)state)->input[buffer];
}

static int32_t *software_output(void *state, int buffer)
{
	return ((struct software *)state)->output[buffer];
}

/* The buffer's memory is the thread's, or is about to be; the lock is held. */
static bool busy(const struct software *s, int buffer)
{
	return s->states[buffer] != IDLE && s->states[buffer] != DONE;
}

static int software_submit(void *state, int buffer)
{
	struct software *s = state;
	int rc = -EBUSY;

	pthread_mutex_lock(&s->lock);
	if (!busy(s, buffer)) {
		s->states[buffer] = QUEUED;
		s->order[(s->first + s->queued++) % PL_BUFFERS] = buffer;
		pthread_cond_signal(&s->submitted);
		rc = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int software_wait(void *state, int buffer, int64_t deadline)
{
	struct software *s = state;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (busy(s, buffer) && !rc)
		rc = condition_wait(&s->ended, &s->lock, deadline);
	/* A buffer that ended at the very deadline has ended. */
	if (!busy(s, buffer))
		rc = s->states[buffer] == DONE ? 0 : -ECANCELED;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int software_reset(void *state)
{
	struct software *s = state;
	bool abandoned;

	pthread_mutex_lock(&s->lock);
	s->queued = 0;
	for (int i = 0; i < PL_BUFFERS; i++) {
		if (s->states[i] == QUEUED)
			s->states[i] = IDLE;
		else if (s->states[i] == RUNNING)
			s->states[i] = ABANDONED;
	}
	pthread_cond_broadcast(&s->ended);
	do {
		abandoned = false;
		for (int i = 0; i < PL_BUFFERS; i++)
			abandoned |= s->states[i] == ABANDONED;
		if (abandoned)
			pthread_cond_wait(&s->ended, &s->lock);
	} while (abandoned);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

const struct pl_driver pl_software = {
	.name = "software",
	.summary = "the later layers on this processor, in a thread of their own",
	.open = software_open,
	.close = software_close,
	.load = software_load,
	.input = software_input,
	.output = software_output,
	.submit = software_submit,
	.wait = software_wait,
	.reset = software_reset,
};
