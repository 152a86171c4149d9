/* SPDX-License-Identifier: MIT */
#include "evaluate/codes.h"

#include "evaluate/workers.h"
#include "image/picture.h"
#include "nn/engine.h"
#include "nn/format/npy.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* What a thread has for itself: an engine for each layer that is wanted, and one for the scores. */
struct codes_worker {
	struct engine *engines[OPTION_TEXTS_MAXIMUM], *scores;
	struct picture picture;
	uint8_t *input;
};

static void worker_destroy(void *own)
{
	struct codes_worker *w = own;

	if (!w)
		return;
	for (int i = 0; i < OPTION_TEXTS_MAXIMUM; i++)
		engine_destroy(w->engines[i]);
	engine_destroy(w->scores);
	picture_finish(&w->picture);
	free(w->input);
	free(w);
}

static int worker_create(void *shared, void **own, enum failure *where, struct error *e)
{
	const struct codes_job *job = shared;
	const struct network *network = job->network;
	struct codes_worker *w = calloc(1, sizeof(*w));
	int status = 0;

	*own = w;
	*where = FAILURE_OURS;
	if (w && !job->inputs)
		w->input = malloc(tensor_bytes(network_tensor(network, NETWORK_INPUT)));
	if (!w || (!job->inputs && !w->input))
		return error_set(e, -ENOMEM, "out of memory");
	*where = FAILURE_KERNELS;
	for (int i = 0; i < job->layer_count && !status; i++)
		status = engine_create(network, 0, job->layers[i].layer + 1, job->kernels, &w->engines[i], e);
	if (!status && job->scores)
		status = engine_create(network, 0, network->layer_count, job->kernels, &w->scores, e);
	return status;
}

/* NULL: the picture cannot be read, or there is no face in it. */
static const uint8_t *find_input(struct codes_job *job, struct codes_worker *w, int task)
{
	struct tensor input = network_tensor(job->network, NETWORK_INPUT);
	const struct view *view = &job->network->view;
	struct picture_area area;

	if (job->inputs)
		return job->inputs + tensor_bytes(input) * (size_t)task;
	if (!pictures_read(&job->pictures, task, &w->picture))
		return NULL;
	if (!view_look(view, VIEW_FROM_DATASET, &w->picture, NULL, 0, input.shape.width, input.shape.height,
		    &area)) {
		pictures_refuse(&job->pictures, task, NO_FACE);
		return NULL;
	}
	view_input(view, VIEW_FROM_DATASET, &w->picture, &area, w->input, input.shape.width,
		input.shape.height, input.shape.channels, input.bits);
	return w->input;
}

static void run_task(struct codes_job *job, struct codes_worker *w, int task)
{
	const uint8_t *input = find_input(job, w, task);

	for (int i = 0; i < job->layer_count && input; i++) {
		const struct layer_codes *wanted = &job->layers[i];
		size_t size = tensor_bytes(network_tensor(job->network, wanted->layer));
		engine_run(w->engines[i], input, (uint8_t *)wanted->codes + size * (size_t)task);
	}
	if (job->scores && input)
		engine_run(w->scores, input, job->scores + (size_t)job->network->class_count * (size_t)task);
}

static int run_tasks(void *shared, void *own, int first, int count, struct error *e)
{
	(void)e; /* software does not fail */
	for (int i = 0; i < count; i++)
		run_task(shared, own, first + i);
	return 0;
}

int codes_run(struct codes_job *job, int *attempted, double *seconds, enum failure *where, struct error *e)
{
	const struct workers workers = {.tasks = job->tasks,
		.step = 1,
		.threads = job->threads,
		.progress = job->progress,
		.shared = job,
		.create = worker_create,
		.destroy = worker_destroy,
		.run = run_tasks};

	return workers_run(&workers, attempted, seconds, where, e);
}

int codes_parse(const struct network *network, const uint8_t *file, size_t size, const uint8_t **values,
	int *count, struct error *e)
{
	struct tensor input = network_tensor(network, NETWORK_INPUT);
	struct npy found, expected = {"u1", 4,
				  {0, (uint64_t)input.shape.height, (uint64_t)input.shape.width,
					  (uint64_t)input.shape.channels}};
	size_t one = shape_size(input.shape);
	int highest = (1 << input.bits) - 1;

	int status = npy_parse(file, size, &found, values, e);
	if (status)
		return status;
	expected.shape[0] = found.dimensions ? found.shape[0] : 0;
	if ((status = npy_compare(&found, &expected, e)))
		return status;
	if (found.shape[0] < 1 || found.shape[0] > INT_MAX)
		return error_set(e, -EBADMSG, "holds %llu inputs; at least one is needed",
			(unsigned long long)found.shape[0]);
	*count = (int)found.shape[0];
	for (size_t i = 0; i < one * (size_t)*count; i++)
		if ((*values)[i] > highest)
			return error_set(e, -EBADMSG,
				"holds code %d in input %zu; the network's input has %d bits, 0 … %d",
				(*values)[i], i / one, input.bits, highest);
	return 0;
}
