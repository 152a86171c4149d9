/* SPDX-License-Identifier: MIT */
/*
 * The PL in software: the engine in its own thread. It behaves like the hardware: two buffers run in the
 * order of submission while the caller continues. The engine cannot be interrupted, so a reset waits for the
 * running buffer (the time of one network) and discards its result.
 */
#include "base/error.h"
#include "nn/engine.h"
#include "pl/drivers.h"
#include "pl/worker/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct software {
	const char *kernels;   /* as for engine_create; outlives this */
	struct engine *engine; /* used only by the worker while one exists */
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

static void software_close(void *state)
{
	struct software *s = state;

	worker_destroy(s->worker);
	engine_destroy(s->engine);
	free(s);
}

static int run(void *owner, const uint8_t *in, void *out)
{
	engine_run(((struct software *)owner)->engine, in, out);
	return 0;
}

static int software_load(void *state, const struct network *network, int first, int last, struct error *e)
{
	struct software *s = state;
	int rc;

	rc = engine_create(network, first, last, s->kernels, &s->engine, e);
	if (rc)
		return rc;
	rc = worker_create(&network->layers[first], &network->layers[last - 1], run, s, &s->worker);
	if (rc) {
		engine_destroy(s->engine);
		s->engine = NULL;
		return error_set(e, rc, "PL \"software\": no buffers or no thread for %s: %s", network->name,
			strerror(-rc));
	}
	return 0;
}

static uint8_t *software_input(void *state, int buffer)
{
	return worker_input(((struct software *)state)->worker, buffer);
}

static int32_t *software_output(void *state, int buffer)
{
	return worker_output(((struct software *)state)->worker, buffer);
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
	struct worker *worker = ((struct software *)state)->worker;

	worker_stop(worker);
	worker_resume(worker);
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
