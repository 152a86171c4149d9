/* SPDX-License-Identifier: MIT */
#include "nn/engine_plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define TENTHS_OF_CYCLES_A_NS 30

/* Tenths of a cycle for a byte of weights, from the second-level cache and from what is behind it. */
#define NEAR_BYTE 0.3
#define FAR_BYTE 1

/* Bytes of the second-level cache; a small one where the system does not tell. */
static double near_bytes(void)
{
	long bytes = -1;

#ifdef _SC_LEVEL2_CACHE_SIZE
	bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
	return bytes > 0 ? (double)bytes : 512 * 1024;
}

static int vectors_of(const struct kernel *kernel, const struct layer *layer)
{
	int groups = kernel->taps ? 1 : layer->groups;

	return groups * ((layer->out.channels / groups + kernel->lanes - 1) / kernel->lanes);
}

static double weight_bytes(const struct kernel *kernel, const struct layer *layer)
{
	return (double)vectors_of(kernel, layer) * engine_count_k_blocks(layer, kernel) * kernel->lanes *
	       kernel->word;
}

/*
 * An estimate in tenths of a cycle for the whole layer: arithmetic, and loading the weights. These come from
 * the second-level cache if it holds them beside `others`, the bytes of weights of the network's other
 * layers.
 */
static double estimate(const struct kernel *kernel, const struct layer *layer, int batch, double others)
{
	double k_blocks = engine_count_k_blocks(layer, kernel), bytes = weight_bytes(kernel, layer);
	double planes = kernel->layout == LAYOUT_BITS ? layer->input_bits : 1;
	double pixels = (double)layer->out.height * layer->out.width * batch;
	int vectors = vectors_of(kernel, layer), stored = kernel->stored ? kernel->stored : 1;
	int stores = (vectors + stored - 1) / stored;

	if (kernel->pixels)
		pixels = ceil(pixels / kernel->pixels) * kernel->pixels;
	return (vectors * k_blocks * planes * kernel->cost + stores * kernel->store_cost) * pixels +
	       bytes * (others + bytes <= near_bytes() ? NEAR_BYTE : FAR_BYTE);
}

static const struct kernel *choose(const struct layer *layer, int batch, double others,
	const struct isa *const *isas, int count, const struct kernel *forced)
{
	const struct kernel *best = NULL;

	if (forced && forced->fits(layer))
		return forced;
	for (int i = 0; i < count; i++)
		for (const struct kernel *k = isas[i]->kernels; k && k->name; k++)
			if (k->fits(layer) && (!best || estimate(k, layer, batch, others) <
								estimate(best, layer, batch, others)))
				best = k;
	return best;
}

/* The map of this tensor for this layer: one that serves others too, or a new one. -1: no memory. */
static int map_request(
	struct engine *engine, int tensor, const struct layer *layer, enum layout layout, int groups)
{
	struct engine_map *maps = engine->maps;
	int index = 0;

	while (index < engine->map_count &&
		!(maps[index].tensor == tensor &&
			feature_map_serves(&maps[index].map, layer, layout, groups)))
		index++;
	if (index == engine->map_count) {
		maps = realloc(maps, (size_t)(index + 1) * sizeof(*maps));
		if (!maps)
			return -1;
		engine->maps = maps;
		engine->map_count++;
		maps[index] = (struct engine_map){.tensor = tensor, .first = tensor};
		feature_map_plan(&maps[index].map, network_tensor(engine->network, tensor), layout, groups);
	}
	feature_map_pad(&maps[index].map, layer);
	return index;
}

/* Maps of a tensor are all requested before the layer that makes it is planned. */
static int list_outputs(struct engine *engine, struct layer_plan *plan, int index)
{
	plan->out = calloc((size_t)engine->map_count, sizeof(*plan->out));
	if (!plan->out)
		return -ENOMEM;
	for (int i = 0; i < engine->map_count; i++)
		if (engine->maps[i].tensor == index)
			plan->out[plan->out_count++] = i;
	return 0;
}

static int request_input(
	struct engine *engine, struct layer_plan *plan, int tensor, int index, enum layout layout, int groups)
{
	int map = map_request(engine, tensor, plan->layer, layout, groups);

	if (map < 0)
		return -ENOMEM;
	plan->in[plan->in_count++] = map;
	if (engine->maps[map].last < index)
		engine->maps[map].last = index;
	return 0;
}

static int request_inputs(struct engine *engine, struct layer_plan *plan, int index)
{
	const struct layer *layer = plan->layer;
	int reads = layer_reads(layer), rc = 0;

	plan->in = calloc((size_t)reads + (size_t)plan->out_count, sizeof(*plan->in));
	if (!plan->in)
		return -ENOMEM;
	if (layer->kind == LAYER_MAX_POOL) { /* it can stay in its readers' layouts */
		for (int i = 0; i < plan->out_count && !rc; i++) {
			const struct feature_map *out = &engine->maps[plan->out[i]].map;
			rc = request_input(engine, plan, network_from(engine->network, index, 0), index,
				out->layout, out->groups);
		}
		return rc;
	}
	for (int i = 0; i < reads && !rc; i++) {
		int tensor = network_from(engine->network, index, i);
		bool sums = network_tensor(engine->network, tensor).bits == TENSOR_SUMS;
		rc = request_input(engine, plan, tensor, index,
			plan->kernel ? plan->kernel->layout
			: sums	     ? LAYOUT_SUMS
				     : LAYOUT_BYTES,
			plan->kernel ? layer->groups : 1);
	}
	return rc;
}

static int request_output(struct engine *engine)
{
	int last = engine->first + engine->count - 1;
	bool sums = network_tensor(engine->network, last).bits == TENSOR_SUMS;
	int map = map_request(
		engine, last, &(struct layer){.kind = LAYER_MAX_POOL}, sums ? LAYOUT_SUMS : LAYOUT_BYTES, 1);

	return map < 0 ? -ENOMEM : 0;
}

/* From the last layer to the first, since a map's layout is its readers' choice. */
int engine_plan_layers(
	struct engine *engine, const struct isa *const *isas, int count, const struct kernel *forced)
{
	int rc = request_output(engine);
	double bytes = 0; /* of the weights planned */

	for (int i = engine->count - 1; i >= 0 && !rc; i--) {
		struct layer_plan *plan = &engine->plans[i];
		int index = engine->first + i;

		plan->layer = &engine->network->layers[index];
		if (layer_has_weights(plan->layer)) {
			rc = engine_see_layer(plan);
			plan->kernel =
				rc ? NULL : choose(&plan->seen, engine->batch, bytes, isas, count, forced);
			plan->time =
				rc ? 0
				   : estimate(plan->kernel, &plan->seen, 1, bytes) / TENTHS_OF_CYCLES_A_NS;
			bytes += rc ? 0 : weight_bytes(plan->kernel, &plan->seen);
		}
		if (!rc)
			rc = list_outputs(engine, plan, index);
		if (!rc)
			rc = request_inputs(engine, plan, index);
	}
	return rc;
}
