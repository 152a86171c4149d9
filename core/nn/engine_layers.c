/* SPDX-License-Identifier: MIT */
#include "nn/engine_plan.h"

#include "nn/reference.h"

static const struct feature_map *input_map(const struct engine *engine, const struct layer_plan *plan, int i)
{
	return &engine->maps[plan->in[i]].map;
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
	size_t top = (size_t)(y * layer->stride_height + in->top - layer->pad_top);
	size_t left = (size_t)(x * layer->stride_width + in->left - layer->pad_left);
	const int32_t *from = plan->pixel_sums + top * row + left * groups;

	memset(sums, 0, groups * sizeof(*sums));
	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++)
			for (size_t g = 0; g < groups; g++)
				sums[g] += from[(size_t)(ky * layer->dilation_height) * row +
						(size_t)(kx * layer->dilation_width) * groups + g];
}

/* The first byte of the window of output pixel (y, x). */
static const uint8_t *window_at(const struct layer *layer, const struct feature_map *in, int y, int x)
{
	return feature_map_pixel(
		in, y * layer->stride_height - layer->pad_top, x * layer->stride_width - layer->pad_left);
}

/* Writes a pixel's codes to all maps of the tensor. */
static void write_codes(
	const struct engine *engine, const struct layer_plan *plan, int pixel, const uint8_t *codes)
{
	int width = plan->layer->out.width;

	for (int i = 0; i < plan->out_count; i++)
		feature_map_write(
			&engine->maps[plan->out[i]].map, pixel / width, pixel % width, codes, engine->planes);
}

static void write_sums(
	const struct engine *engine, const struct layer_plan *plan, int pixel, const int32_t *sums)
{
	int width = plan->layer->out.width;

	for (int i = 0; i < plan->out_count; i++) {
		const struct feature_map *out = &engine->maps[plan->out[i]].map;
		memcpy(feature_map_pixel(out, pixel / width, pixel % width), sums, out->pixel);
	}
}

static void clamp_codes(const struct layer *layer, uint8_t *codes)
{
	uint8_t low = (uint8_t)layer->clamp_low, high = (uint8_t)layer->clamp_high;

	for (int i = 0; i < layer->out.channels; i++) {
		uint8_t code = codes[i] < low ? low : codes[i];
		codes[i] = code > high ? high : code;
	}
}

/* Turns one pixel's accumulators into codes or sums. */
static void finish_pixel(
	const struct engine *engine, const struct layer_plan *plan, const int32_t *accumulators, int pixel)
{
	const struct layer *layer = plan->layer;

	if (layer->output_bits == TENSOR_SUMS) {
		write_sums(engine, plan, pixel, accumulators);
		return;
	}
	if (layer->epilogue == EPILOGUE_THRESHOLDS)
		engine->codes(&plan->thresholds, accumulators, layer->out.channels, engine->pixel);
	else
		engine->requantise(&plan->requantisation, accumulators, layer->out.channels, engine->pixel);
	if (layer->clamp_high)
		clamp_codes(layer, engine->pixel);
	write_codes(engine, plan, pixel, engine->pixel);
}

static void run_tile(const struct engine *engine, const struct layer_plan *plan, const struct feature_map *in,
	int begin, int pixels)
{
	const struct layer *layer = plan->layer;
	const uint8_t *windows[TILE];

	for (int i = 0; i < pixels; i++) {
		int y = (begin + i) / layer->out.width, x = (begin + i) % layer->out.width;
		windows[i] = window_at(layer, in, y, x);
		if (in->layout == LAYOUT_BITS)
			sum_window(plan, in, y, x, engine->sums + (size_t)(i * in->groups));
	}
	plan->kernel->run(&plan->gemm, windows, pixels, engine->sums, engine->accumulators, engine->stride);
	for (int i = 0; i < pixels; i++)
		finish_pixel(engine, plan, engine->accumulators + (size_t)i * engine->stride, begin + i);
}

static void run_weights(const struct engine *engine, const struct layer_plan *plan)
{
	const struct feature_map *in = input_map(engine, plan, 0);
	int pixels = plan->layer->out.height * plan->layer->out.width;

	if (in->layout == LAYOUT_BITS)
		sum_pixels(engine, plan, in);
	for (int begin = 0; begin < pixels; begin += TILE)
		run_tile(engine, plan, in, begin, pixels - begin < TILE ? pixels - begin : TILE);
}

static void add_codes(int32_t *restrict sums, const uint8_t *restrict codes, int channels)
{
	for (int c = 0; c < channels; c++)
		sums[c] += codes[c];
}

static void run_average_pool(const struct engine *engine, const struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	const struct feature_map *in = input_map(engine, plan, 0);
	int width = layer->out.width, pixels = layer->out.height * width;
	int32_t *sums = engine->accumulators;

	for (int p = 0; p < pixels; p++) {
		const uint8_t *window = window_at(layer, in, p / width, p % width);

		memset(sums, 0, (size_t)layer->out.channels * sizeof(*sums));
		for (int ky = 0; ky < layer->kernel_height; ky++)
			for (int kx = 0; kx < layer->kernel_width; kx++)
				add_codes(sums,
					window + (size_t)(ky * layer->dilation_height) * in->row +
						(size_t)(kx * layer->dilation_width) * in->pixel,
					layer->out.channels);
		finish_pixel(engine, plan, sums, p);
	}
}

static void add_scaled(
	int32_t *restrict sums, const int32_t *restrict factors, const uint8_t *restrict codes, int channels)
{
	for (int c = 0; c < channels; c++)
		sums[c] += factors[c] * codes[c];
}

static void add_narrow(const struct engine *engine, const struct layer_plan *plan, int pixel)
{
	const struct layer *layer = plan->layer;
	int32_t *sums = engine->accumulators;
	int width = layer->out.width, channels = layer->out.channels;

	memset(sums, 0, (size_t)channels * sizeof(*sums));
	for (int i = 0; i < plan->in_count; i++)
		add_scaled(sums, layer->factors + (size_t)i * (size_t)channels,
			feature_map_pixel(input_map(engine, plan, i), pixel / width, pixel % width),
			channels);
	finish_pixel(engine, plan, sums, pixel);
}

/* Sums of 64 bits, codes by thresholds: rare, so that it is the specification that computes them. */
static void add_wide(const struct engine *engine, const struct layer_plan *plan, int pixel)
{
	const struct layer *layer = plan->layer;
	struct reference_input in[LAYER_INPUTS] = {0};
	struct layer one = *layer;
	int width = layer->out.width;

	one.out.height = one.out.width = 1;
	for (int i = 0; i < plan->in_count; i++) {
		const struct feature_map *map = input_map(engine, plan, i);
		in[i] = (struct reference_input){
			{one.out, map->bits}, feature_map_pixel(map, pixel / width, pixel % width)};
	}
	if (layer->output_bits == TENSOR_SUMS) {
		reference_layer(&one, in, engine->accumulators);
		write_sums(engine, plan, pixel, engine->accumulators);
	} else {
		reference_layer(&one, in, engine->pixel);
		write_codes(engine, plan, pixel, engine->pixel);
	}
}

static void run_add(const struct engine *engine, const struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	bool narrow = plan->narrow && layer->epilogue == EPILOGUE_REQUANTISE;

	for (int p = 0; p < layer->out.height * layer->out.width; p++)
		if (narrow)
			add_narrow(engine, plan, p);
		else
			add_wide(engine, plan, p);
}

static void run_concat(const struct engine *engine, const struct layer_plan *plan)
{
	int width = plan->layer->out.width;

	for (int p = 0; p < plan->layer->out.height * width; p++) {
		uint8_t *codes = engine->pixel;

		for (int i = 0; i < plan->in_count; i++) {
			const struct feature_map *in = input_map(engine, plan, i);
			memcpy(codes, feature_map_pixel(in, p / width, p % width), in->pixel);
			codes += in->pixel;
		}
		write_codes(engine, plan, p, engine->pixel);
	}
}

static void run_upsample(const struct engine *engine, const struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	const struct feature_map *in = input_map(engine, plan, 0);
	int width = layer->out.width;

	memset(engine->pixel, layer->pad_code, in->pixel);
	for (int p = 0; p < layer->out.height * width; p++) {
		int y = p / width, x = p % width;
		bool between = layer->stuffed && (y % layer->stride_height || x % layer->stride_width);

		write_codes(engine, plan, p,
			between ? engine->pixel
				: feature_map_pixel(in, y / layer->stride_height, x / layer->stride_width));
	}
}

static void run_table(const struct engine *engine, const struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	const struct feature_map *in = input_map(engine, plan, 0);
	int width = layer->out.width;
	size_t row = layer->table_rows == 1 ? 0 : (size_t)1 << layer->input_bits;

	for (int p = 0; p < layer->out.height * width; p++) {
		const uint8_t *from = feature_map_pixel(in, p / width, p % width), *table = layer->table;

		for (int c = 0; c < layer->out.channels; c++, table += row)
			engine->pixel[c] = table[from[c]];
		write_codes(engine, plan, p, engine->pixel);
	}
}

static void run_max_pool(const struct engine *engine, const struct layer_plan *plan)
{
	for (int i = 0; i < plan->out_count; i++)
		feature_map_pool(plan->layer, input_map(engine, plan, i), &engine->maps[plan->out[i]].map);
}

static void fill_borders(const struct engine *engine, const int *maps, int count)
{
	for (int i = 0; i < count; i++)
		if (engine->maps[maps[i]].shared)
			feature_map_fill_border(&engine->maps[maps[i]].map, engine->pixel, engine->planes);
}

void engine_run_layer(const struct engine *engine, const struct layer_plan *plan)
{
	static void (*const run[])(const struct engine *, const struct layer_plan *) = {
		[LAYER_CONV] = run_weights,
		[LAYER_FULLY_CONNECTED] = run_weights,
		[LAYER_MAX_POOL] = run_max_pool,
		[LAYER_AVERAGE_POOL] = run_average_pool,
		[LAYER_ADD] = run_add,
		[LAYER_CONCAT] = run_concat,
		[LAYER_UPSAMPLE] = run_upsample,
		[LAYER_TABLE] = run_table,
	};

	fill_borders(engine, plan->out, plan->out_count);
	run[plan->layer->kind](engine, plan);
}

static void read_map(const struct engine *engine, const struct feature_map *map, const uint8_t *in)
{
	size_t channels = (size_t)map->shape.channels, width = (size_t)map->shape.width;

	for (int y = 0; y < map->shape.height; y++, in += width * channels)
		if (map->layout == LAYOUT_BYTES)
			memcpy(feature_map_pixel(map, y, 0), in, width * channels);
		else
			for (size_t x = 0; x < width; x++)
				feature_map_write(map, y, (int)x, in + x * channels, engine->planes);
}

void engine_read_input(const struct engine *engine, const uint8_t *in)
{
	for (int i = 0; i < engine->map_count; i++)
		if (engine->maps[i].tensor == engine->first - 1) {
			fill_borders(engine, &i, 1);
			read_map(engine, &engine->maps[i].map, in);
		}
}
