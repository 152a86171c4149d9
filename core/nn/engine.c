/* SPDX-License-Identifier: MIT */
#include "nn/engine_plan.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/words.h"
#include "nn/kernels/table.h"
#include "nn/pool.h"

#include <errno.h>
#include <stdlib.h>

/* ns. To hand a part to another thread costs some tenths of a microsecond. */
#define LEAST_PART 700

int engine_allocate_scratch(const struct engine *engine, struct scratch *out)
{
	out->accumulators = engine_allocate(TILE * engine->stride * sizeof(int32_t));
	out->sums = engine_allocate(TILE * (size_t)engine->groups * sizeof(int32_t));
	out->pixel = engine_allocate(engine->stride);
	out->codes = engine_allocate(MOST_PIXELS * engine->stride);
	return out->accumulators && out->sums && out->pixel && out->codes ? 0 : -ENOMEM;
}

void engine_free_scratch(struct scratch *scratch)
{
	free(scratch->accumulators);
	free(scratch->sums);
	free(scratch->pixel);
	free(scratch->codes);
	*scratch = (struct scratch){0};
}

static void measure_scratch(struct engine *engine)
{
	int channels = 0, groups = 1;

	for (int i = 0; i < engine->count; i++) {
		const struct layer *layer = &engine->network->layers[engine->first + i];
		int most =
			layer->in.channels > layer->out.channels ? layer->in.channels : layer->out.channels;

		if (layer_has_weights(layer) && layer->weight_offset) /* and one channel more a group */
			most = layer->out.channels + layer->groups > most
				       ? layer->out.channels + layer->groups
				       : most;
		channels = most > channels ? most : channels;
		if (layer_has_weights(layer) && layer->groups > groups)
			groups = layer->groups;
	}
	/*
	 * room to spill; an odd count of cache lines, so that a tile's pixels do not share the sets of a
	 * cache
	 */
	engine->stride = ((size_t)channels + 2 * SLACK) / 32 * 32 + 16;
	engine->groups = groups;
}

static int plan_all(struct engine *engine, const struct isa *const *isas, int count,
	const struct kernel *forced, struct error *e)
{
	measure_scratch(engine);
	int rc = engine_allocate_scratch(engine, &engine->scratch);
	if (!rc)
		rc = engine_plan_layers(engine, isas, count, forced);
	for (int i = 0; i < engine->count && !rc; i++)
		rc = engine_pack_layer(engine, &engine->plans[i]);
	if (rc)
		return error_set(e, rc, "not enough memory for the engine's weights and buffers");
	return engine_plan_memory(engine, e);
}

/* Chooses the best epilogue functions that the isas provide. */
static void choose_helpers(struct engine *engine, const struct isa *const *isas, int count)
{
	for (int i = 0; i < count; i++) {
		if (isas[i]->codes)
			engine->codes = isas[i]->codes;
		if (isas[i]->requantise)
			engine->requantise = isas[i]->requantise;
		if (isas[i]->requantise_bits)
			engine->requantise_bits = isas[i]->requantise_bits;
		if (isas[i]->add_scaled)
			engine->add_scaled = isas[i]->add_scaled;
		if (isas[i]->maxima)
			engine->maxima = isas[i]->maxima;
		if (isas[i]->planes)
			engine->planes = isas[i]->planes;
		if (isas[i]->sum)
			engine->sum = isas[i]->sum;
		if (isas[i]->look_up)
			engine->look_up = isas[i]->look_up;
	}
}

/* Whether the layers read each other, and of what is before them only the layer before. */
static int check_range(const struct network *network, int first, int last, struct error *e)
{
	if (first < 0 || last < first || last > network->layer_count)
		return error_set(e, -EINVAL, "no such range of layers: %d to %d of %d", first, last,
			network->layer_count);
	if (network_tensor(network, first - 1).bits == TENSOR_SUMS && first > 0)
		return error_set(e, -EINVAL, "layer %s makes sums: an engine cannot begin behind it",
			network->layers[first - 1].name);
	for (int i = first; i < last; i++)
		for (int k = 0; k < layer_reads(&network->layers[i]); k++)
			if (network_from(network, i, k) < first - 1)
				return error_set(e, -EINVAL, "layer %s reads one from before layer %s",
					network->layers[i].name, network->layers[first].name);
	return 0;
}

static int create(const struct network *network, int first, int last, int batch,
	const struct isa *const *isas, int count, const struct kernel *forced, struct engine **out,
	struct error *e)
{
	int rc = check_range(network, first, last, e);
	struct engine *engine = rc ? NULL : calloc(1, sizeof(*engine));

	if (rc)
		return rc;
	if (engine) {
		engine->network = network;
		engine->first = first;
		engine->count = last - first;
		engine->batch = batch;
		engine->least_part = LEAST_PART;
		engine->plans = calloc((size_t)engine->count + 1, sizeof(*engine->plans));
	}
	if (!engine || !engine->plans) {
		engine_destroy(engine);
		return error_set(e, -ENOMEM, "not enough memory for the engine");
	}
	choose_helpers(engine, isas, count);
	rc = plan_all(engine, isas, count, forced, e);
	if (rc) {
		engine_destroy(engine);
		return rc;
	}
	*out = engine;
	return 0;
}

int engine_create_from(const struct network *network, int first, int last, const struct isa *const *isas,
	int count, const struct kernel *forced, struct engine **out, struct error *e)
{
	return create(network, first, last, 1, isas, count, forced, out, e);
}

/* How many of this processor's kernels, slowest first, the name allows; 0: it is none of theirs. */
static int count_allowed(const char *kernels, const struct isa *const *isas, int count)
{
	int allowed = 0;

	for (int i = 0; i < count; i++)
		if (!kernels || strcmp(isas[i]->name, kernels) == 0)
			allowed = i + 1;
	return allowed;
}

int engine_check_kernels(const char *kernels, struct error *e)
{
	int count;
	const struct isa *const *isas = isas_present(&count);
	const char *close = kernels ? closest_word(kernels, kernel_names()) : NULL;

	if (count_allowed(kernels, isas, count))
		return 0;
	if (close)
		return error_refuse(e, kernels, -ENOTSUP,
			"this processor has no kernels \"%s\", did you mean %s? Its fastest are \"%s\"",
			kernels, close, isas[count - 1]->name);
	return error_refuse(e, kernels, -ENOTSUP,
		"this processor has no kernels \"%s\"; its fastest are \"%s\"", kernels,
		isas[count - 1]->name);
}

int engine_create_batch(const struct network *network, int first, int last, const char *kernels, int batch,
	struct engine **out, struct error *e)
{
	int count;
	const struct isa *const *isas = isas_present(&count);
	int allowed = count_allowed(kernels, isas, count);

	if (allowed == 0)
		return engine_check_kernels(kernels, e);
	return create(network, first, last, batch, isas, allowed, NULL, out, e);
}

int engine_create(const struct network *network, int first, int last, const char *kernels,
	struct engine **out, struct error *e)
{
	return engine_create_batch(network, first, last, kernels, 1, out, e);
}

static void free_others(struct engine *engine)
{
	for (int i = 0; engine->others && i < pool_threads(engine->pool) - 1; i++)
		engine_free_scratch(&engine->others[i]);
	free(engine->others);
	engine->others = NULL;
	engine->pool = NULL;
}

int engine_use_pool(struct engine *engine, struct pool *pool)
{
	int others = pool_threads(pool) - 1, rc = 0;

	free_others(engine);
	if (others < 1)
		return 0;
	engine->others = calloc((size_t)others, sizeof(*engine->others));
	if (!engine->others)
		return -ENOMEM;
	engine->pool = pool;
	for (int i = 0; i < others && !rc; i++)
		rc = engine_allocate_scratch(engine, &engine->others[i]);
	if (rc)
		free_others(engine);
	return rc;
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	for (int i = 0; i < engine->count && engine->plans; i++)
		engine_unpack_layer(&engine->plans[i]);
	free(engine->plans);
	free(engine->maps);
	free(engine->arena);
	free_others(engine);
	engine_free_scratch(&engine->scratch);
	free(engine);
}

/* Nothing reads what the last layer makes, so that it is in one map, the first one planned. */
static void begin(struct engine *engine, const uint8_t *in, void *out, int pictures)
{
	size_t bytes = tensor_bytes(network_tensor(engine->network, engine->first + engine->count - 1));

	engine->pictures = pictures;
	for (int p = 0; p < pictures; p++)
		engine->maps[(size_t)p * (size_t)engine->map_count].map.data =
			(uint8_t *)out + (size_t)p * bytes;
	engine_read_input(engine, in);
}

void engine_run_batch(struct engine *engine, const uint8_t *in, void *out, int pictures)
{
	begin(engine, in, out, pictures);
	for (int i = 0; i < engine->count; i++)
		engine_run_layer(engine, &engine->plans[i]);
}

void engine_run(struct engine *engine, const uint8_t *in, void *out)
{
	engine_run_batch(engine, in, out, 1);
}

void engine_run_timed(struct engine *engine, const uint8_t *in, void *out, int64_t *nanoseconds)
{
	begin(engine, in, out, 1);
	int64_t before = clock_now();
	for (int i = 0; i < engine->count; i++) {
		engine_run_layer(engine, &engine->plans[i]);
		int64_t now = clock_now();
		nanoseconds[i] = now - before;
		before = now;
	}
}

size_t engine_memory(const struct engine *engine)
{
	return engine->arena_size * (size_t)engine->batch;
}

const char *engine_kernel(const struct engine *engine, int layer)
{
	const struct layer_plan *plan = &engine->plans[layer - engine->first];

	if (plan->kernel)
		return plan->kernel->name;
	if (plan->layer->kind != LAYER_MAX_POOL)
		return layer_kinds[plan->layer->kind].key;
	return engine->maps[plan->in[0]].map.layout == LAYOUT_BITS ? "pool-bits" : "pool-bytes";
}
