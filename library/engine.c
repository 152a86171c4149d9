/* SPDX-License-Identifier: MIT */
#include "nn/engine.h"
#include "internal.h"
#include "nn/pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define BATCH_MOST 1024

struct twobit_engine {
	const struct network *network;
	struct twobit_engine_options options;
	struct engine *engine;
	struct pool *pool;
	struct tensor in, out;

	/* For twobit_engine_classify; NULL: these layers do not classify. */
	uint8_t *codes;	 /* [batch] inputs */
	int32_t *scores; /* [batch][class_count] */
	double *work;	 /* [class_count] */
	int *asked;	 /* [batch] the picture to which each input belongs */
	struct picture picture;
};

static bool classifies(const struct twobit_engine *engine)
{
	return engine->options.first == 0 && engine->options.last == engine->network->layer_count &&
	       engine->network->class_count > 0;
}

/* Fills in the defaults. */
static int take_options(const struct network *network, const struct twobit_engine_options *wanted,
	struct twobit_engine_options *out, struct twobit_error *error)
{
	*out = (struct twobit_engine_options){.size = sizeof(*out), .batch = 1, .threads = 1};
	if (wanted && wanted->size < sizeof(*wanted))
		return library_refuse(error, -EINVAL,
			"the options' size is %zu, not sizeof(struct twobit_engine_options)", wanted->size);
	if (wanted)
		*out = *wanted;
	if (!out->last)
		out->last = network->layer_count;
	if (!out->batch)
		out->batch = 1;
	if (!out->threads)
		out->threads = 1;
	if (out->first < 0 || out->last > network->layer_count || out->first >= out->last)
		return library_refuse(error, -EINVAL, "layers %d to before %d are none of the %d of %s",
			out->first, out->last, network->layer_count, network->name);
	if (out->batch < 1 || out->batch > BATCH_MOST)
		return library_refuse(
			error, -EINVAL, "a batch has 1 to %d pictures, not %d", BATCH_MOST, out->batch);
	if (out->threads < 1 || out->threads > POOL_MOST)
		return library_refuse(
			error, -EINVAL, "an engine has 1 to %d threads, not %d", POOL_MOST, out->threads);
	return 0;
}

static int create_parts(struct twobit_engine *engine, struct twobit_error *error)
{
	const struct twobit_engine_options *options = &engine->options;
	size_t batch = (size_t)options->batch, classes = (size_t)engine->network->class_count;
	struct error e = {0};
	int rc = engine_create_batch(engine->network, options->first, options->last, options->kernels,
		options->batch, &engine->engine, &e);

	if (rc)
		return library_error(rc, &e, error);
	if (options->threads > 1) {
		rc = pool_create(options->threads, &engine->pool);
		if (!rc)
			rc = engine_use_pool(engine->engine, engine->pool);
		if (rc)
			return library_refuse(error, rc, "%d threads cannot be had", options->threads);
	}
	if (!classifies(engine))
		return 0;
	engine->codes = malloc(batch * tensor_bytes(engine->in));
	engine->scores = malloc(batch * tensor_bytes(engine->out));
	engine->work = malloc(classes * sizeof(*engine->work));
	engine->asked = malloc(batch * sizeof(*engine->asked));
	if (!engine->codes || !engine->scores || !engine->work || !engine->asked)
		return library_refuse(error, -ENOMEM, "no memory for batches of %d pictures", options->batch);
	return 0;
}

int twobit_engine_open(const struct twobit_network *network, const struct twobit_engine_options *options,
	struct twobit_engine **out, struct twobit_error *error)
{
	struct twobit_engine *engine = calloc(1, sizeof(*engine));

	*out = NULL;
	if (!engine)
		return library_refuse(error, -ENOMEM, "no memory for an engine");
	engine->network = network->network;
	int rc = take_options(engine->network, options, &engine->options, error);
	if (!rc) {
		engine->in = network_tensor(engine->network, engine->options.first - 1);
		engine->out = network_tensor(engine->network, engine->options.last - 1);
		rc = create_parts(engine, error);
	}
	if (rc) {
		twobit_engine_close(engine);
		return rc;
	}
	*out = engine;
	return 0;
}

void twobit_engine_close(struct twobit_engine *engine)
{
	if (!engine)
		return;
	engine_destroy(engine->engine);
	pool_destroy(engine->pool);
	picture_finish(&engine->picture);
	free(engine->codes);
	free(engine->scores);
	free(engine->work);
	free(engine->asked);
	free(engine);
}

int twobit_engine_run(
	struct twobit_engine *engine, const uint8_t *in, void *out, int count, struct twobit_error *error)
{
	size_t in_bytes = tensor_bytes(engine->in), out_bytes = tensor_bytes(engine->out);

	if (count < 0)
		return library_refuse(error, -EINVAL, "the number of inputs is %d", count);
	for (int done = 0; done < count; done += engine->options.batch) {
		int left = count - done, some = left < engine->options.batch ? left : engine->options.batch;
		const uint8_t *from = in + (size_t)done * in_bytes;
		for (int i = 0; i < some; i++) {
			int rc = library_check_codes(
				"the engine", engine->in, from + (size_t)i * in_bytes, error);
			if (rc)
				return rc;
		}
		engine_run_batch(engine->engine, from, (uint8_t *)out + (size_t)done * out_bytes, some);
	}
	return 0;
}

/* Answers `inputs` pictures, whose codes are there. */
static void answer(struct twobit_engine *engine, int inputs, struct twobit_answer *answers)
{
	if (inputs)
		engine_run_batch(engine->engine, engine->codes, engine->scores, inputs);
	for (int i = 0; i < inputs; i++)
		library_answer(engine->network,
			engine->scores + (size_t)i * (size_t)engine->network->class_count, engine->work,
			&answers[engine->asked[i]]);
}

int twobit_engine_classify(struct twobit_engine *engine, const struct twobit_picture *pictures, int count,
	struct twobit_answer *answers, struct twobit_error *error)
{
	int inputs = 0, status = 0;

	if (!classifies(engine))
		return library_refuse(
			error, -EINVAL, "the engine has not all layers of a network that names classes");
	for (int i = 0; i < count && status >= 0; i++) {
		answers[i] = (struct twobit_answer){0};
		status = library_codes(engine->network, &pictures[i], &engine->picture,
			engine->codes + (size_t)inputs * tensor_bytes(engine->in), &answers[i].area, error);
		if (status == 1)
			engine->asked[inputs++] = i;
		if (inputs == engine->options.batch) {
			answer(engine, inputs, answers);
			inputs = 0;
		}
	}
	answer(engine, inputs, answers);
	return status < 0 ? status : 0;
}
