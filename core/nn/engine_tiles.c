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

/* Channels that a thread takes at once; SLACK of them where the kernel makes codes, as epilogues are laid. */
static int block_of(const struct layer_plan *plan)
{
	return plan->fused ? SLACK : plan->kernel->vectors * plan->kernel->lanes;
}

/* Output pixels of the pictures of a run, `span` in a row, counted through. */
struct layer_tile {
	int begin, pixels;
	const uint8_t *windows[MOST_PIXELS];
	uint8_t *codes[MOST_PIXELS]; /* where those of a pixel go, if the kernel makes them */
	struct scratch scratch;	     /* their sums and accumulators */
};

/* Of a picture, counted so. */
static int pixels_of_picture(const struct layer_plan *plan)
{
	return (plan->layer->out.height - 1) * plan->span + plan->layer->out.width;
}

/* Of pixels of one row from x on, either all within the output's width or all behind it; `first` counts them
 * in the tile. */
typedef void row_function(
	const struct engine *engine, const struct layer_plan *plan, int first, int y, int x, int pixels);

/* Pixels `first` to below `last` of the engine's tile. A copy of the engine takes as long as dozens of codes:
 * none is made for the picture that it is at. */
static void for_rows(
	const struct engine *engine, const struct layer_plan *plan, int first, int last, row_function *run)
{
	int width = plan->layer->out.width, all = pixels_of_picture(plan);
	const struct engine *at = engine;
	struct engine other;

	for (int count; first < last; first += count) {
		int picture = (engine->tile->begin + first) / all, p = (engine->tile->begin + first) % all;
		int y = p / plan->span, x = p % plan->span;

		if (picture != at->picture) {
			other = engine_at(engine, picture);
			at = &other;
		}
		count = (x < width ? width : plan->span) - x;
		count = count < last - first ? count : last - first;
		run(at, plan, first, y, x, count);
	}
}

static void finish_row(
	const struct engine *engine, const struct layer_plan *plan, int first, int y, int x, int pixels)
{
	const struct scratch *scratch = &engine->tile->scratch;

	if (x < plan->layer->out.width)
		engine_finish_pixels(
			engine, plan, scratch->accumulators + (size_t)first * engine->stride, y, x, pixels);
}

/* Turns the accumulators of pixels into codes. */
static void finish_tile(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	for_rows(engine, plan, first, last, finish_row);
}

/* Hands on codes that the kernel has made. */
static void hand_on_row(
	const struct engine *engine, const struct layer_plan *plan, int first, int y, int x, int pixels)
{
	if (x >= plan->layer->out.width)
		return;
	if (plan->direct)
		engine_copy_codes(engine, plan, y, x, pixels);
	else
		for (int i = 0; i < pixels; i++)
			engine_write_codes(engine, plan, y, x + i, engine->tile->codes[first + i]);
}

static void find_windows_of_row(
	const struct engine *engine, const struct layer_plan *plan, int first, int y, int x, int pixels)
{
	const struct layer *layer = plan->layer;
	const struct feature_map *in = engine_input_map(engine, plan, 0);
	struct layer_tile *tile = engine->tile;
	const uint8_t *window = engine_window_at(layer, in, y, x);
	size_t step = (size_t)layer->stride_width * in->pixel;

	for (int i = 0; i < pixels; i++)
		tile->windows[first + i] = window + (size_t)i * step;
	for (int i = 0; i < pixels && in->layout == LAYOUT_BITS; i++)
		sum_window(
			engine, plan, in, y, x + i, tile->scratch.sums + (size_t)((first + i) * in->groups));
}

static void find_codes_of_row(
	const struct engine *engine, const struct layer_plan *plan, int first, int y, int x, int pixels)
{
	const struct feature_map *out = &engine->maps[plan->out[0]].map;
	struct layer_tile *tile = engine->tile;

	for (int i = 0; i < pixels; i++)
		if (x >= plan->layer->out.width)
			tile->codes[first + i] = tile->scratch.pixel;
		else if (plan->direct)
			tile->codes[first + i] = feature_map_pixel(out, y, x + i);
		else
			tile->codes[first + i] = tile->scratch.codes + (size_t)(first + i) * engine->stride;
}

/* Dot products of a tile's pixels for blocks of channels, of the one group. */
static void multiply_blocks(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct layer_tile *tile = engine->tile;
	const struct kernel *kernel = plan->kernel;
	struct gemm_plan gemm = plan->gemm;
	int block = block_of(plan), channel = first * block;

	gemm.channels = (last * block < gemm.channels ? last * block : gemm.channels) - channel;
	gemm.weights =
		(uint8_t *)gemm.weights + (size_t)channel * (size_t)gemm.k_blocks * (size_t)kernel->word;
	if (kernel->begin)
		kernel->begin();
	if (plan->fused)
		kernel->run_codes(
			&gemm, tile->windows, tile->pixels, &plan->requantisation, channel, tile->codes);
	else
		kernel->run(&gemm, tile->windows, tile->pixels, tile->scratch.sums,
			tile->scratch.accumulators + channel, engine->stride);
	if (kernel->end)
		kernel->end();
}

static int pixels_of(const struct engine *engine, const struct layer_plan *plan)
{
	return pixels_of_picture(plan) * engine->pictures;
}

/* Sets out on the tile of up to `most` pixels that begins at this one, and goes on with its picture. */
static void begin_tile(
	struct engine *engine, const struct layer_plan *plan, int begin, int most, struct layer_tile *tile)
{
	int rest = pixels_of(engine, plan) - begin;

	tile->begin = begin;
	tile->pixels = rest < most ? rest : most;
	tile->scratch = engine->scratch;
	engine->tile = tile;
	engine_move(engine, begin / pixels_of_picture(plan));
	for_rows(engine, plan, 0, tile->pixels, find_windows_of_row);
	if (plan->fused)
		for_rows(engine, plan, 0, tile->pixels, find_codes_of_row);
}

/* Hands on the codes of a tile that the kernel has made. */
static void hand_on(const struct engine *engine, const struct layer_plan *plan)
{
	if (!plan->direct || plan->out_count > 1)
		for_rows(engine, plan, 0, engine->tile->pixels, hand_on_row);
}

/* Tiles of TILE pixels; several of them at once where the kernel makes codes. */
static void run_tiles(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	struct engine own = *engine;
	struct layer_tile tile;
	int32_t *accumulators = engine->scratch.accumulators;
	int step = plan->fused ? MOST_PIXELS : TILE;

	if (plan->kernel->begin)
		plan->kernel->begin();
	for (int begin = first * TILE; begin < last * TILE; begin += step) {
		int rest = last * TILE - begin;

		begin_tile(&own, plan, begin, rest < step ? rest : step, &tile);
		if (plan->fused) {
			plan->kernel->run_codes(
				&plan->gemm, tile.windows, tile.pixels, &plan->requantisation, 0, tile.codes);
			hand_on(&own, plan);
			continue;
		}
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
	int block = block_of(plan), pixels = pixels_of(engine, plan);
	struct engine own = *engine;
	struct layer_tile tile;

	for (int begin = 0; begin < pixels; begin += TILE) {
		begin_tile(&own, plan, begin, TILE, &tile);
		double share = (double)tile.pixels / pixels;

		engine_share(&own, plan, (plan->gemm.channels + block - 1) / block,
			share * plan->time * engine->pictures, multiply_blocks);
		if (plan->fused) {
			hand_on(&own, plan);
			continue;
		}
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
