/* SPDX-License-Identifier: MIT */
/* Layers with weights: tiles of pixels, which kernels multiply, and whose accumulators become codes. */
#include "nn/engine_plan.h"

#include "nn/pool.h"

/* Sums of the codes of the pixels of a picture. */
static int32_t *picture_sums(const struct engine *engine, const struct layer_plan *plan)
{
	return plan->pixel_sums + (size_t)engine->picture * plan->picture_sums;
}

static void sum_pixels(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct feature_map *in = engine_input_map(engine, plan, 0);

	for (int y = first; y < last; y++)
		for (int x = 0; x < in->shape.width; x++) {
			const uint64_t *words = (const uint64_t *)(const void *)feature_map_pixel(in, y, x);
			int32_t *sums = picture_sums(engine, plan) +
					(size_t)((y + in->top) * in->padded_width + x + in->left) *
						(size_t)in->groups;

			for (int g = 0; g < in->groups; g++)
				sums[g] = engine->sum(words + (size_t)g * (size_t)(in->bits * in->words),
					in->bits, in->words);
		}
}

/* Sums of the codes in the window of output pixel (y, x). */
static void sum_window(const struct engine *engine, const struct layer_plan *plan,
	const struct feature_map *in, int y, int x, int32_t *sums)
{
	const struct layer *layer = plan->layer;
	size_t groups = (size_t)in->groups, row = (size_t)in->padded_width * groups;
	size_t top = (size_t)(y * layer->stride_height + in->top - layer->pad_top);
	size_t left = (size_t)(x * layer->stride_width + in->left - layer->pad_left);
	const int32_t *from = picture_sums(engine, plan) + top * row + left * groups;

	memset(sums, 0, groups * sizeof(*sums));
	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++)
			for (size_t g = 0; g < groups; g++)
				sums[g] += from[(size_t)(ky * layer->dilation_height) * row +
						(size_t)(kx * layer->dilation_width) * groups + g];
}

/* Output pixels of the pictures of a run, `span` in a row, counted through. */
struct layer_tile {
	int begin, pixels;
	const uint8_t *windows[TILE];
	struct scratch scratch; /* their sums and accumulators */
};

/* Of a picture, counted so. */
static int pixels_of_picture(const struct layer_plan *plan)
{
	return (plan->layer->out.height - 1) * plan->span + plan->layer->out.width;
}

/* Turns the accumulators of pixels `first` to below `last` of the tile into codes. A copy of the engine takes
 * as long as dozens of codes: none is made for the picture that it is at. */
static void finish_tile(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct layer_tile *tile = engine->tile;
	int width = plan->layer->out.width, all = pixels_of_picture(plan);
	const struct engine *at = engine;
	struct engine other;

	for (int count; first < last; first += count) {
		int picture = (tile->begin + first) / all, p = (tile->begin + first) % all;
		int y = p / plan->span, x = p % plan->span;

		if (picture != at->picture) {
			other = engine_at(engine, picture);
			at = &other;
		}
		count = (x < width ? width : plan->span) - x;
		count = count < last - first ? count : last - first;
		if (x < width)
			engine_finish_pixels(at, plan,
				tile->scratch.accumulators + (size_t)first * engine->stride, y, x, count);
	}
}

/* Windows of pixels of one row. */
static void find_row(const struct engine *engine, const struct layer_plan *plan, struct layer_tile *tile,
	int first, int y, int x, int pixels)
{
	const struct layer *layer = plan->layer;
	const struct feature_map *in = engine_input_map(engine, plan, 0);
	const uint8_t *window = engine_window_at(layer, in, y, x);
	size_t step = (size_t)layer->stride_width * in->pixel;

	for (int i = 0; i < pixels; i++)
		tile->windows[first + i] = window + (size_t)i * step;
	for (int i = 0; i < pixels && in->layout == LAYOUT_BITS; i++)
		sum_window(
			engine, plan, in, y, x + i, tile->scratch.sums + (size_t)((first + i) * in->groups));
}

/* engine: at the picture of the tile's first pixel. */
static void find_windows(const struct engine *engine, const struct layer_plan *plan, struct layer_tile *tile)
{
	int all = pixels_of_picture(plan);
	const struct engine *at = engine;
	struct engine other;

	for (int i = 0, count; i < tile->pixels; i += count) {
		int picture = (tile->begin + i) / all, p = (tile->begin + i) % all;
		int x = p % plan->span, rest = all - p < tile->pixels - i ? all - p : tile->pixels - i;

		if (picture != at->picture) {
			other = engine_at(engine, picture);
			at = &other;
		}
		count = plan->span - x < rest ? plan->span - x : rest;
		find_row(at, plan, tile, i, p / plan->span, x, count);
	}
}

/* Dot products of a tile's pixels for blocks of channels, of the one group. */
static void multiply_blocks(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct layer_tile *tile = engine->tile;
	const struct kernel *kernel = plan->kernel;
	struct gemm_plan gemm = plan->gemm;
	int block = kernel->vectors * kernel->lanes, channel = first * block;

	gemm.channels = (last * block < gemm.channels ? last * block : gemm.channels) - channel;
	gemm.weights =
		(uint8_t *)gemm.weights + (size_t)channel * (size_t)gemm.k_blocks * (size_t)kernel->word;
	if (kernel->begin)
		kernel->begin();
	kernel->run(&gemm, tile->windows, tile->pixels, tile->scratch.sums,
		tile->scratch.accumulators + channel, engine->stride);
	if (kernel->end)
		kernel->end();
}

static int pixels_of(const struct engine *engine, const struct layer_plan *plan)
{
	return pixels_of_picture(plan) * engine->pictures;
}

/* Sets out on the tile that begins at this pixel, and goes on with its picture. */
static void begin_tile(
	struct engine *engine, const struct layer_plan *plan, int begin, struct layer_tile *tile)
{
	int rest = pixels_of(engine, plan) - begin;

	tile->begin = begin;
	tile->pixels = rest < TILE ? rest : TILE;
	tile->scratch = engine->scratch;
	engine->tile = tile;
	engine_move(engine, begin / pixels_of_picture(plan));
	find_windows(engine, plan, tile);
}

static void run_tiles(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	struct engine own = *engine;
	struct layer_tile tile;
	int32_t *accumulators = engine->scratch.accumulators;

	if (plan->kernel->begin)
		plan->kernel->begin();
	for (int i = first; i < last; i++) {
		begin_tile(&own, plan, i * TILE, &tile);
		plan->kernel->run(&plan->gemm, tile.windows, tile.pixels, tile.scratch.sums, accumulators,
			engine->stride);
		engine_add_offsets(plan, accumulators, tile.pixels, engine->stride);
		finish_tile(&own, plan, 0, tile.pixels);
	}
	if (plan->kernel->end)
		plan->kernel->end();
}

#define CODES_A_NS 4 /* about, that an epilogue makes */

/* Fewer tiles than threads: they share the channels of each. */
static void run_tiles_by_channels(const struct engine *engine, const struct layer_plan *plan)
{
	int block = plan->kernel->vectors * plan->kernel->lanes, pixels = pixels_of(engine, plan);
	struct engine own = *engine;
	struct layer_tile tile;

	for (int begin = 0; begin < pixels; begin += TILE) {
		begin_tile(&own, plan, begin, &tile);
		double share = (double)tile.pixels / pixels;

		engine_share(&own, plan, (plan->gemm.channels + block - 1) / block,
			share * plan->time * engine->pictures, multiply_blocks);
		engine_add_offsets(plan, tile.scratch.accumulators, tile.pixels, engine->stride);
		engine_share(&own, plan, tile.pixels,
			(double)tile.pixels * plan->layer->out.channels / CODES_A_NS, finish_tile);
	}
}

void engine_run_weights(const struct engine *engine, const struct layer_plan *plan)
{
	const struct feature_map *in = engine_input_map(engine, plan, 0);
	int tiles = (pixels_of(engine, plan) + TILE - 1) / TILE;

	if (in->layout == LAYOUT_BITS)
		engine_share_rows(engine, plan, in->shape.height,
			(double)in->shape.height * in->shape.width * in->groups * in->bits * in->words,
			sum_pixels);
	if (tiles < pool_threads(engine->pool) && plan->gemm.groups == 1 && !plan->kernel->taps)
		run_tiles_by_channels(engine, plan);
	else
		engine_share(engine, plan, tiles, plan->time * engine->pictures, run_tiles);
}
