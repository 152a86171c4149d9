/* SPDX-License-Identifier: MIT */
#include "nn/engine.h"

#include "base/error.h"
#include "nn/kernels/feature_map.h"
#include "nn/kernels/kernel.h"
#include "nn/kernels/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Output pixels that a kernel works on at once: their accumulators stay in the second-level cache. */
#define TILE 32

/* One layer, ready to run. */
struct layer_plan {
	const struct layer *layer;
	const struct kernel *kernel; /* NULL: a max pool */
	struct gemm_plan gemm;
	struct thresholds thresholds;
	struct requantisation requantisation;
	int32_t *pixel_sums; /* bits only: [padded height][padded width][group], sums of a pixel's codes */
};

struct engine {
	int first, count;	  /* layers */
	struct layer_plan *plans; /* [count] */
	struct feature_map *maps; /* [count + 1]; the last one is the caller's memory */

	void (*codes)(const struct thresholds *, const int32_t *, int, uint8_t *);
	void (*requantise)(const struct requantisation *, const int32_t *, int, uint8_t *);
	void (*planes)(const uint8_t *, int, int, uint64_t *);
	int32_t (*sum)(const uint64_t *, int, int);

	/* of one tile, for the largest layer */
	int32_t *accumulators; /* [TILE][stride] */
	size_t stride;
	int32_t *sums;	/* [TILE][groups] */
	uint8_t *pixel; /* codes of one pixel */
};

/* Zeros, aligned for the widest vectors; size may be 0. */
static void *allocate(size_t size)
{
	size_t rounded = (size + 64) & ~(size_t)63;
	void *memory = aligned_alloc(64, rounded);

	if (memory)
		memset(memory, 0, rounded);
	return memory;
}

static int count_k_blocks(const struct layer *layer, enum layout layout)
{
	int depth = layer->in.channels / layer->groups;

	if (layout == LAYOUT_BITS)
		return layer->kernel_height * layer->kernel_width * ((depth + 63) / 64);
	if (layer->groups == 1) /* a row of the window is contiguous */
		return layer->kernel_height * ((layer->kernel_width * depth + 3) / 4);
	return layer->kernel_height * layer->kernel_width * ((depth + 3) / 4);
}

/*
 * An estimate in tenths of a cycle for the whole layer: arithmetic, and loading the weights from the
 * second-level cache.
 */
static double estimate(const struct kernel *kernel, const struct layer *layer)
{
	int vectors = (layer->out.channels / layer->groups + kernel->lanes - 1) / kernel->lanes;
	double k_blocks = (double)layer->groups * vectors * count_k_blocks(layer, kernel->layout);
	double planes = kernel->layout == LAYOUT_BITS ? layer->input_bits : 1;
	double pixels = (double)layer->out.height * layer->out.width;

	return k_blocks * planes * kernel->cost * pixels + k_blocks * kernel->lanes * kernel->word;
}

static const struct kernel *choose(
	const struct layer *layer, const struct isa *const *isas, int count, const struct kernel *forced)
{
	const struct kernel *best = NULL;

	if (forced && forced->fits(layer))
		return forced;
	for (int i = 0; i < count; i++)
		for (const struct kernel *k = isas[i]->kernels; k && k->name; k++)
			if (k->fits(layer) && (!best || estimate(k, layer) < estimate(best, layer)))
				best = k;
	return best;
}

/* Fills offsets and k-blocks for the run of `length` channels that begins at a place of the window. */
static void plan_run(const struct gemm_plan *gemm, struct k_block *k_blocks, int *next, size_t offset,
	int first, int length, enum layout layout)
{
	int channels = layout == LAYOUT_BITS ? 64 : 4;
	int bytes = layout == LAYOUT_BITS ? 8 : 4;

	for (int i = 0; i < length; i += channels, (*next)++) {
		gemm->offsets[*next] = (int32_t)(offset + (size_t)(i / channels * bytes));
		k_blocks[*next] = (struct k_block){first + i, length - i < channels ? length - i : channels};
	}
}

static void plan_k_blocks(const struct layer *layer, const struct feature_map *in,
	const struct gemm_plan *gemm, struct k_block *k_blocks)
{
	int depth = layer->in.channels / layer->groups, next = 0;
	bool contiguous = in->layout == LAYOUT_BYTES && layer->groups == 1;

	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++) {
			plan_run(gemm, k_blocks, &next, (size_t)ky * in->row + (size_t)kx * in->pixel,
				(ky * layer->kernel_width + kx) * depth,
				contiguous ? layer->kernel_width * depth : depth, in->layout);
			if (contiguous)
				break;
		}
}

static int plan_gemm(struct layer_plan *plan, const struct feature_map *in)
{
	const struct layer *layer = plan->layer;
	const struct kernel *kernel = plan->kernel;
	struct gemm_plan *gemm = &plan->gemm;
	bool bits = kernel->layout == LAYOUT_BITS;

	*gemm = (struct gemm_plan){
		.groups = layer->groups,
		.channels = layer->out.channels / layer->groups,
		.k_blocks = count_k_blocks(layer, kernel->layout),
		.planes = bits ? layer->input_bits : 1,
		.plane_size = in->words * 8,
		.group_size = bits ? in->words * 8 * in->bits : layer->in.channels / layer->groups,
	};
	size_t lanes =
		(size_t)gemm->groups * (size_t)gemm_vectors(gemm, kernel->lanes) * (size_t)kernel->lanes;
	struct k_block *k_blocks = calloc((size_t)gemm->k_blocks, sizeof(*k_blocks));

	gemm->offsets = allocate((size_t)gemm->k_blocks * sizeof(int32_t));
	gemm->weights = allocate(lanes * (size_t)gemm->k_blocks * (size_t)kernel->word);
	if (k_blocks && gemm->offsets && gemm->weights) {
		plan_k_blocks(layer, in, gemm, k_blocks);
		kernel->pack(kernel, layer, k_blocks, gemm);
	}
	free(k_blocks);
	return k_blocks && gemm->offsets && gemm->weights ? 0 : -ENOMEM;
}

/* Stores the thresholds of one channel in the layout of `struct thresholds`. */
static void lay_thresholds(const struct thresholds *t, const int32_t *thresholds, int channel)
{
	int32_t *rows = t->values + (size_t)channel * ROWS_OF_CHANNEL * ROW;

	for (int i = 0; i < t->levels && t->levels <= ROW; i++)
		t->values[(size_t)i * (size_t)t->stride + (size_t)channel] = thresholds[i];
	for (int i = 0; i <= t->levels && t->levels > ROW; i++) {
		rows[ROW + i] = i < t->levels ? thresholds[i] : INT32_MAX;
		rows[i / ROW] = rows[ROW + i];
	}
}

static int plan_thresholds(struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	struct thresholds *t = &plan->thresholds;
	int channels = layer->out.channels;

	t->levels = (1 << layer->output_bits) - 1;
	t->stride = (channels + SLACK - 1) / SLACK * SLACK;
	size_t each = t->levels > ROW ? (size_t)ROWS_OF_CHANNEL * ROW : (size_t)t->levels;
	t->values = allocate(each * (size_t)t->stride * sizeof(int32_t));
	t->flip = allocate((size_t)t->stride);
	if (!t->values || !t->flip)
		return -ENOMEM;
	for (int c = 0; c < channels; c++) {
		lay_thresholds(t, layer->thresholds + (size_t)c * (size_t)t->levels, c);
		if (layer->invert && layer->invert[c])
			t->flip[c] = (uint8_t)t->levels;
	}
	return 0;
}

static int plan_requantisation(struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	struct requantisation *r = &plan->requantisation;
	size_t stride = (size_t)(layer->out.channels + SLACK - 1) / SLACK * SLACK;

	r->largest = (1 << layer->output_bits) - 1;
	r->multipliers = allocate(stride * sizeof(int64_t));
	r->biases = allocate(stride * sizeof(int64_t));
	r->shifts = allocate(stride * sizeof(int64_t));
	if (!r->multipliers || !r->biases || !r->shifts)
		return -ENOMEM;
	for (int c = 0; c < layer->out.channels; c++) {
		r->multipliers[c] = layer->multiplier[c];
		r->biases[c] = layer->bias[c];
		r->shifts[c] = layer->shift[c];
	}
	return 0;
}

/* The whole layer, once its input's layout is known. */
static int plan_layer(struct layer_plan *plan, const struct feature_map *in)
{
	int r = 0;

	if (!plan->kernel)
		return 0;
	r = plan_gemm(plan, in);
	if (r == 0 && plan->layer->epilogue == EPILOGUE_THRESHOLDS)
		r = plan_thresholds(plan);
	if (r == 0 && plan->layer->epilogue == EPILOGUE_REQUANTISE)
		r = plan_requantisation(plan);
	if (r == 0 && in->layout == LAYOUT_BITS) {
		plan->pixel_sums = allocate((size_t)in->padded_height * (size_t)in->padded_width *
					    (size_t)in->groups * sizeof(int32_t));
		r = plan->pixel_sums ? 0 : -ENOMEM;
	}
	return r;
}

/* Kernels and layouts, from the last layer to the first, since a buffer's layout is its consumer's choice. */
static void plan_layouts(struct engine *engine, const struct layer *layers, const struct isa *const *isas,
	int count, const struct kernel *forced)
{
	const struct layer *end = &layers[engine->count - 1];
	struct feature_map *out = &engine->maps[engine->count];

	feature_map_plan(
		out, &(struct layer){.in = end->out, .input_bits = end->output_bits}, LAYOUT_BYTES, 1);
	for (int i = engine->count - 1; i >= 0; i--) {
		struct layer_plan *plan = &engine->plans[i];
		const struct feature_map *after = &engine->maps[i + 1];

		plan->layer = &layers[i];
		if (layer_has_weights(plan->layer)) {
			plan->kernel = choose(plan->layer, isas, count, forced);
			feature_map_plan(
				&engine->maps[i], plan->layer, plan->kernel->layout, plan->layer->groups);
		} else {
			feature_map_plan(&engine->maps[i], plan->layer, after->layout, after->groups);
		}
	}
}

static int allocate_scratch(struct engine *engine)
{
	int channels = 0, groups = 1;

	for (int i = 0; i < engine->count; i++) {
		const struct layer *layer = engine->plans[i].layer;
		if (layer->out.channels > channels)
			channels = layer->out.channels;
		if (layer_has_weights(layer) && layer->groups > groups)
			groups = layer->groups;
	}
	/*
	 * room to spill; an odd count of cache lines, so that a tile's pixels do not share the sets of a
	 * cache
	 */
	engine->stride = ((size_t)channels + 2 * SLACK) / 32 * 32 + 16;
	engine->accumulators = allocate(TILE * engine->stride * sizeof(int32_t));
	engine->sums = allocate(TILE * (size_t)groups * sizeof(int32_t));
	engine->pixel = allocate(engine->stride);
	return engine->accumulators && engine->sums && engine->pixel ? 0 : -ENOMEM;
}

static int plan_all(struct engine *engine, struct error *e)
{
	int r = allocate_scratch(engine);

	for (int i = 0; i < engine->count && r == 0; i++) {
		struct feature_map *in = &engine->maps[i];

		if (in->size > INT32_MAX - SLACK)
			return error_set(e, -EOVERFLOW,
				"layer %s: its input takes %zu bytes, more than the engine's 2 GiB a buffer",
				engine->plans[i].layer->name, in->size);
		in->data = allocate(in->size + SLACK);
		r = in->data ? plan_layer(&engine->plans[i], in) : -ENOMEM;
	}
	return r ? error_set(e, r, "not enough memory for the engine's weights and buffers") : 0;
}

/* Chooses the best epilogue functions that the isas provide. */
static void choose_helpers(struct engine *engine, const struct isa *const *isas, int count)
{
	for (int i = 0; i < count; i++) {
		if (isas[i]->codes)
			engine->codes = isas[i]->codes;
		if (isas[i]->requantise)
			engine->requantise = isas[i]->requantise;
		if (isas[i]->planes)
			engine->planes = isas[i]->planes;
		if (isas[i]->sum)
			engine->sum = isas[i]->sum;
	}
}

int engine_create_from(const struct network *network, int first, int last, const struct isa *const *isas,
	int count, const struct kernel *forced, struct engine **out, struct error *e)
{
	if (first < 0 || last <= first || last > network->layer_count)
		return error_set(e, -EINVAL, "no such range of layers: %d to %d of %d", first, last,
			network->layer_count);
	struct engine *engine = calloc(1, sizeof(*engine));

	if (engine) {
		engine->first = first;
		engine->count = last - first;
		engine->plans = calloc((size_t)engine->count, sizeof(*engine->plans));
		engine->maps = calloc((size_t)engine->count + 1, sizeof(*engine->maps));
	}
	if (!engine || !engine->plans || !engine->maps) {
		engine_destroy(engine);
		return error_set(e, -ENOMEM, "not enough memory for the engine");
	}
	choose_helpers(engine, isas, count);
	plan_layouts(engine, &network->layers[first], isas, count, forced);
	int r = plan_all(engine, e);
	if (r) {
		engine_destroy(engine);
		return r;
	}
	*out = engine;
	return 0;
}

int engine_create(const struct network *network, int first, int last, const char *kernels,
	struct engine **out, struct error *e)
{
	int count, allowed = 0;
	const struct isa *const *isas = isas_present(&count);

	for (int i = 0; i < count; i++)
		if (!kernels || strcmp(isas[i]->name, kernels) == 0)
			allowed = i + 1;
	if (allowed == 0)
		return error_set(e, -ENOTSUP, "this processor has no kernels \"%s\"; its fastest are \"%s\"",
			kernels, isas[count - 1]->name);
	return engine_create_from(network, first, last, isas, allowed, NULL, out, e);
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	for (int i = 0; i < engine->count && engine->plans; i++) {
		struct layer_plan *plan = &engine->plans[i];
		free(plan->gemm.offsets);
		free(plan->gemm.weights);
		free(plan->thresholds.values);
		free(plan->thresholds.flip);
		free(plan->requantisation.multipliers);
		free(plan->requantisation.biases);
		free(plan->requantisation.shifts);
		free(plan->pixel_sums);
	}
	for (int i = 0; i < engine->count && engine->maps; i++)
		free(engine->maps[i].data);
	free(engine->plans);
	free(engine->maps);
	free(engine->accumulators);
	free(engine->sums);
	free(engine->pixel);
	free(engine);
}

static void sum_pixels(
	const struct engine *engine, const struct layer_plan *plan, const struct feature_map *in)
{
	for (int y = 0; y < in->shape.height; y++)
		for (int x = 0; x < in->shape.width; x++) {
			const uint64_t *words = (const uint64_t *)(const void *)feature_map_pixel(in, y, x);
			int32_t *sums =
				plan->pixel_sums + (size_t)((y + in->top) * in->padded_width + x + in->left) *
							   (size_t)in->groups;

			for (int g = 0; g < in->groups; g++)
				sums[g] = engine->sum(words + (size_t)g * (size_t)(in->bits * in->words),
					in->bits, in->words);
		}
}

/* Sums of the codes in the window of output pixel (y, x). */
static void sum_window(
	const struct layer_plan *plan, const struct feature_map *in, int y, int x, int32_t *sums)
{
	const struct layer *layer = plan->layer;
	size_t groups = (size_t)in->groups, row = (size_t)in->padded_width * groups;
	const int32_t *from =
		plan->pixel_sums + (size_t)(y * layer->stride) * row + (size_t)(x * layer->stride) * groups;

	memset(sums, 0, groups * sizeof(*sums));
	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++)
			for (size_t g = 0; g < groups; g++)
				sums[g] += from[(size_t)ky * row + (size_t)kx * groups + g];
}

/* Turns one pixel's accumulators into codes or scores. */
static void finish_pixel(const struct engine *engine, const struct layer_plan *plan,
	const int32_t *accumulators, const struct feature_map *out, int y, int x)
{
	const struct layer *layer = plan->layer;

	if (layer->epilogue == EPILOGUE_THRESHOLDS)
		engine->codes(&plan->thresholds, accumulators, layer->out.channels, engine->pixel);
	else
		engine->requantise(&plan->requantisation, accumulators, layer->out.channels, engine->pixel);
	feature_map_write(out, y, x, engine->pixel, engine->planes);
}

static void run_tile(const struct engine *engine, const struct layer_plan *plan, const struct feature_map *in,
	const struct feature_map *out, int begin, int pixels)
{
	const struct layer *layer = plan->layer;
	const uint8_t *windows[TILE];
	size_t channels = (size_t)layer->out.channels;

	for (int i = 0; i < pixels; i++) {
		int y = (begin + i) / layer->out.width, x = (begin + i) % layer->out.width;
		windows[i] = feature_map_pixel(in, y * layer->stride - in->top, x * layer->stride - in->left);
		if (in->layout == LAYOUT_BITS)
			sum_window(plan, in, y, x, engine->sums + (size_t)(i * in->groups));
	}
	plan->kernel->run(&plan->gemm, windows, pixels, engine->sums, engine->accumulators, engine->stride);
	for (int i = 0; i < pixels; i++) {
		const int32_t *accumulators = engine->accumulators + (size_t)i * engine->stride;
		int pixel = begin + i;

		if (layer->epilogue == EPILOGUE_SCORES)
			memcpy((int32_t *)(void *)out->data + (size_t)pixel * channels, accumulators,
				channels * sizeof(int32_t));
		else
			finish_pixel(engine, plan, accumulators, out, pixel / layer->out.width,
				pixel % layer->out.width);
	}
}

static void run_layer(const struct engine *engine, const struct layer_plan *plan,
	const struct feature_map *in, const struct feature_map *out)
{
	int pixels = plan->layer->out.height * plan->layer->out.width;

	if (!plan->kernel) {
		feature_map_pool(plan->layer, in, out);
		return;
	}
	if (in->layout == LAYOUT_BITS)
		sum_pixels(engine, plan, in);
	for (int begin = 0; begin < pixels; begin += TILE)
		run_tile(engine, plan, in, out, begin, pixels - begin < TILE ? pixels - begin : TILE);
}

static void read_input(const struct engine *engine, const uint8_t *in)
{
	const struct feature_map *map = &engine->maps[0];
	size_t channels = (size_t)map->shape.channels, width = (size_t)map->shape.width;

	for (int y = 0; y < map->shape.height; y++, in += width * channels)
		if (map->layout == LAYOUT_BYTES)
			memcpy(feature_map_pixel(map, y, 0), in, width * channels);
		else
			for (size_t x = 0; x < width; x++)
				feature_map_write(map, y, (int)x, in + x * channels, engine->planes);
}

void engine_run(struct engine *engine, const uint8_t *in, void *out)
{
	engine->maps[engine->count].data = out;
	read_input(engine, in);
	for (int i = 0; i < engine->count; i++)
		run_layer(engine, &engine->plans[i], &engine->maps[i], &engine->maps[i + 1]);
}

const char *engine_kernel(const struct engine *engine, int layer)
{
	const struct layer_plan *plan = &engine->plans[layer - engine->first];

	if (plan->kernel)
		return plan->kernel->name;
	return engine->maps[layer - engine->first].layout == LAYOUT_BITS ? "pool-bits" : "pool-bytes";
}
