/* SPDX-License-Identifier: MIT */
#include "pl/tail.h"

#include "base/error.h"
#include "flow/thread.h"
#include "nn/engine.h"
#include "pl/pl.h"

#include <errno.h>
#include <stdlib.h>

struct tail {
	pthread_mutex_t lock; /* guards all that follows */
	struct engine *engine;
	int32_t *output[PL_BUFFERS];
	bool done[PL_BUFFERS];
};

int tail_create(const struct network *network, int first, int last, const char *kernels, struct tail **out,
	struct error *e)
{
	struct tail *t = calloc(1, sizeof(*t));
	size_t bytes = tensor_bytes(network_tensor(network, last - 1));
	int rc;

	if (!t)
		return error_set(e, -ENOMEM, "out of memory");
	t->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	rc = engine_create(network, first, last, kernels, &t->engine, e);
	for (int i = 0; i < PL_BUFFERS && !rc; i++) {
		t->output[i] = buffer_create(bytes);
		if (!t->output[i])
			rc = error_set(e, -ENOMEM, "out of memory for the layers behind the PL");
	}
	if (rc) {
		tail_destroy(t);
		return rc;
	}
	*out = t;
	return 0;
}

void tail_destroy(struct tail *t)
{
	if (!t)
		return;
	engine_destroy(t->engine);
	for (int i = 0; i < PL_BUFFERS; i++)
		free(t->output[i]);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void tail_expect(struct tail *t, int buffer)
{
	pthread_mutex_lock(&t->lock);
	t->done[buffer] = false;
	pthread_mutex_unlock(&t->lock);
}

void tail_run(struct tail *t, int buffer, const uint8_t *codes)
{
	pthread_mutex_lock(&t->lock);
	if (!t->done[buffer])
		engine_run(t->engine, codes, t->output[buffer]);
	t->done[buffer] = true;
	pthread_mutex_unlock(&t->lock);
}

int32_t *tail_output(struct tail *t, int buffer)
{
	return t->output[buffer];
}
