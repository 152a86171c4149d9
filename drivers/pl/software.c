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
#include "pl/worker/worker.h"

#include <errno.h>
#include <stdlib.h>

struct software {
	const char *kernels;   /* as for engine_create; outlives this */
	struct engine *engine; /* the worker's own while there is one */
	uint8_t *input[PL_BUFFERS];
	int32_t *output[PL_BUFFERS];
	struct worker *worker;
};

static int software_open(const char *kernels, void **state, struct error *e)
{
	struct software *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(e, -ENOMEM, "PL \"software\": no memory");
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

	worker_destroy(s->worker);
	free_buffers(s);
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

static int run(void *owner, int buffer)
{
	struct software *s = owner;

	engine_run(s->engine, s->input[buffer], s->output[buffer]);
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
	rc = worker_create(run, s, &s->worker);
	if (rc) {
		free_buffers(s);
		return error_set(e, rc, "PL \"software\": the system gives it no thread");
	}
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

static int software_submit(void *state, int buffer)
{
	return worker_submit(((struct software *)state)->worker, buffer);
}

static int software_wait(void *state, int buffer, int64_t deadline)
{
	return worker_wait(((struct software *)state)->worker, buffer, deadline);
}

static int software_reset(void *state)
{
	worker_reset(((struct software *)state)->worker);
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
