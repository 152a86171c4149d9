/* SPDX-License-Identifier: MIT */
#include "nn/engine_plan.h"

#include "nn/limits.h"
#include "nn/reference.h"
static void scale_to_pixels(const struct layer *layer, int y, int x, int32_t *sums)
{
	int factor = layer->pixels / layer_pixels_inside(layer, y, x);

	for (int c = 0; c < layer->out.channels; c++)
		sums[c] *= factor;
}

static void run_average_pool(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct layer *layer = plan->layer;
	const struct feature_map *in = engine_input_map(engine, plan, 0);
	int width = layer->out.width;
	int32_t *sums = engine->scratch.accumulators;

	for (int p = first * width; p < last * width; p++) {
		const uint8_t *window = engine_window_at(layer, in, p / width, p % width);

		memset(sums, 0, (size_t)layer->out.channels * sizeof(*sums));
		for (int ky = 0; ky < layer->kernel_height; ky++)
			for (int kx = 0; kx < layer->kernel_width; kx++)
				engine->add_scaled(sums, 0, plan->factors,
					window + (size_t)(ky * layer->dilation_height) * in->row +
						(size_t)(kx * layer->dilation_width) * in->pixel,
					0, 1, layer->out.channels);
		if (layer->pixels)
			scale_to_pixels(layer, p / width, p % width, sums);
		engine_finish_pixels(engine, plan, sums, p / width, p % width, 1);
	}
}

/* Pixels of one row. */
static void add_narrow(const struct engine *engine, const struct layer_plan *plan, int y, int x, int pixels)
{
	int channels = plan->layer->out.channels;
	int32_t *sums = engine->scratch.accumulators;

	for (int p = 0; p < pixels; p++)
		memset(sums + (size_t)p * engine->stride, 0, (size_t)channels * sizeof(*sums));
	for (int i = 0; i < plan->in_count; i++) {
		const struct feature_map *in = engine_input_map(engine, plan, i);
		engine->add_scaled(sums, engine->stride, plan->factors + (size_t)i * plan->factor_stride,
			feature_map_pixel(in, y, x), in->pixel, pixels, channels);
	}
	engine_finish_pixels(engine, plan, sums, y, x, pixels);
}

/* Adds one input's numbers, each times its factor. */
static void add_input(int64_t *restrict sums, const int32_t *restrict factors, const struct feature_map *in,
	int y, int x, int channels)
{
	const uint8_t *codes = feature_map_pixel(in, y, x);
	const int32_t *numbers = (const int32_t *)(const void *)codes; /* of sums, aligned */

	if (in->layout == LAYOUT_SUMS)
		for (int c = 0; c < channels; c++)
			sums[c] += (int64_t)factors[c] * numbers[c];
	else
		for (int c = 0; c < channels; c++)
			sums[c] += (int64_t)factors[c] * codes[c];
}

/* Bias and shift, as the reference says, and the bounds of what the layer makes. */
static void scale_sums(const struct layer *layer, const int64_t *restrict sums, int32_t *restrict out)
{
	bool clamped = layer->clamp_low || layer->clamp_high;
	bool codes = layer->epilogue == EPILOGUE_REQUANTISE;
	int64_t low = clamped ? layer->clamp_low : codes ? 0 : INT32_MIN;
	int64_t high = clamped ? layer->clamp_high : codes ? (1 << layer->output_bits) - 1 : INT32_MAX;

	for (int c = 0; c < layer->out.channels; c++) {
		int64_t sum = (sums[c] + layer->bias[c]) >> layer->shift[c];
		sum = sum < low ? low : sum;
		out[c] = (int32_t)(sum > high ? high : sum);
	}
}

/* Sums of 64 bits, and epilogues that a requantisation of 32 bits cannot express. */
static void add_wide(const struct engine *engine, const struct layer_plan *plan, int y, int x)
{
	const struct layer *layer = plan->layer;
	int channels = layer->out.channels;
	int32_t *out = engine->scratch.accumulators; /* behind it the sums, in a tile's memory */
	int64_t *sums = (int64_t *)(void *)(out + engine->stride);

	memset(sums, 0, (size_t)channels * sizeof(*sums));
	for (int i = 0; i < plan->in_count; i++)
		add_input(sums, layer->factors + (size_t)i * (size_t)channels,
			engine_input_map(engine, plan, i), y, x, channels);
	if (layer->epilogue == EPILOGUE_SCORES)
		for (int c = 0; c < channels; c++)
			out[c] = (int32_t)sums[c];
	else
		scale_sums(layer, sums, out);
	if (layer->output_bits == TENSOR_SUMS) {
		engine_write_sums(engine, plan, y, x, out);
		return;
	}
	/* an isa's thresholds do not take the largest int32, which a bounded sum can be */
	for (int c = 0; c < channels; c++)
		engine->scratch.pixel[c] = layer->epilogue == EPILOGUE_THRESHOLDS
						   ? reference_code(layer, c, out[c])
						   : (uint8_t)out[c];
	engine_write_codes(engine, plan, y, x, engine->scratch.pixel);
}

static void run_add(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct layer *layer = plan->layer;
	bool narrow = plan->narrow && layer->epilogue == EPILOGUE_REQUANTISE;
	int width = layer->out.width, step = narrow ? TILE : 1;

	for (int y = first; y < last; y++)
		for (int x = 0; x < width; x += step)
			if (narrow)
				add_narrow(engine, plan, y, x, width - x < TILE ? width - x : TILE);
			else
				add_wide(engine, plan, y, x);
}

/* Codes of pixel x of row y of all inputs, one after the other. */
static void join_pixel(
	const struct engine *engine, const struct layer_plan *plan, int y, int x, uint8_t *codes)
{
	for (int i = 0; i < plan->in_count; i++) {
		const struct feature_map *in = engine_input_map(engine, plan, i);
		memcpy(codes, feature_map_pixel(in, y, x), in->pixel);
		codes += in->pixel;
	}
}

static void run_concat(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct feature_map *out = &engine->maps[plan->out[0]].map;
	int width = plan->layer->out.width;

	for (int y = first; y < last; y++) {
		for (int x = 0; x < width; x++) {
			join_pixel(engine, plan, y, x,
				plan->direct ? feature_map_pixel(out, y, x) : engine->scratch.pixel);
			if (!plan->direct)
				engine_write_codes(engine, plan, y, x, engine->scratch.pixel);
		}
		if (plan->direct)
			engine_copy_codes(engine, plan, y, 0, width);
	}
}

static void run_upsample(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct layer *layer = plan->layer;
	const struct feature_map *in = engine_input_map(engine, plan, 0);
	int width = layer->out.width;

	memset(engine->scratch.pixel, layer->pad_code, in->pixel);
	for (int p = first * width; p < last * width; p++) {
		int y = p / width, x = p % width;
		bool between = layer->stuffed && (y % layer->stride_height || x % layer->stride_width);

		engine_write_codes(engine, plan, y, x,
			between ? engine->scratch.pixel
				: feature_map_pixel(in, y / layer->stride_height, x / layer->stride_width));
	}
}

#define FEW 16 /* channels, too few for vectors */

/* Codes of pixels, `step` bytes apart in `out`. */
static void look_up(const struct engine *engine, const struct layer_plan *plan, const uint8_t *codes,
	int pixels, uint8_t *out, size_t step)
{
	size_t channels = (size_t)plan->layer->in.channels;

	if (plan->table_run_count == 1 && step == channels) { /* no gaps */
		engine->look_up(plan->table_runs[0].table, codes, 0, pixels * (int)channels, 1, out, 0);
		return;
	}
	for (int i = 0; i < plan->table_run_count; i++) {
		const struct table_run *run = &plan->table_runs[i];

		if (run->count >= FEW) {
			engine->look_up(run->table, codes + run->first, channels, run->count, pixels,
				out + run->first, step);
			continue;
		}
		for (int c = run->first; c < run->first + run->count; c++)
			for (size_t p = 0; p < (size_t)pixels; p++)
				out[p * step + (size_t)c] = run->table[codes[p * channels + (size_t)c]];
	}
}

static void run_table(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	const struct feature_map *in = engine_input_map(engine, plan, 0),
				 *out = &engine->maps[plan->out[0]].map;
	int width = plan->layer->out.width;

	for (int y = first; y < last; y++) {
		if (plan->direct) {
			look_up(engine, plan, feature_map_pixel(in, y, 0), width,
				feature_map_pixel(out, y, 0), out->pixel);
			engine_copy_codes(engine, plan, y, 0, width);
			continue;
		}
		for (int x = 0; x < width; x++) {
			look_up(engine, plan, feature_map_pixel(in, y, x), 1, engine->scratch.pixel, 0);
			engine_write_codes(engine, plan, y, x, engine->scratch.pixel);
		}
	}
}

static void run_max_pool(const struct engine *engine, const struct layer_plan *plan, int first, int last)
{
	for (int i = 0; i < plan->out_count; i++)
		feature_map_pool(plan->layer, engine_input_map(engine, plan, i),
			&engine->maps[plan->out[i]].map, first, last, engine->maxima);
}

static void fill_borders(const struct engine *engine, const int *maps, int count)
{
	for (int i = 0; i < count; i++)
		if (engine->maps[maps[i]].shared)
			feature_map_fill_border(
				&engine->maps[maps[i]].map, engine->scratch.pixel, engine->planes);
}

#define STEPS_A_NS 8 /* about: codes that a layer without weights reads */

/* About ns for the layer without weights, in one thread. */
static double time_of(const struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	bool pools = layer->kind == LAYER_MAX_POOL || layer->kind == LAYER_AVERAGE_POOL;
	double reads = pools ? (double)layer->kernel_height * layer->kernel_width : plan->in_count;

	return (double)shape_size(layer->out) * reads / STEPS_A_NS;
}

void engine_run_layer(const struct engine *engine, const struct layer_plan *plan)
{
	static engine_part *const run[] = {
		[LAYER_MAX_POOL] = run_max_pool,
		[LAYER_AVERAGE_POOL] = run_average_pool,
		[LAYER_ADD] = run_add,
		[LAYER_CONCAT] = run_concat,
		[LAYER_UPSAMPLE] = run_upsample,
		[LAYER_TABLE] = run_table,
	};

	for (int p = 0; p < engine->pictures; p++) {
		const struct engine at = engine_at(engine, p);
		fill_borders(&at, plan->out, plan->out_count);
	}
	if (plan->kernel)
		engine_run_weights(engine, plan);
	else
		engine_share_rows(
			engine, plan, plan->layer->out.height, time_of(plan), run[plan->layer->kind]);
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
	for (int p = 0; p < engine->pictures; p++) {
		const struct engine at = engine_at(engine, p);

		for (int i = 0; i < at.map_count; i++)
			if (at.maps[i].tensor == at.first - 1) {
				fill_borders(&at, &i, 1);
				read_map(&at, &at.maps[i].map,
					in + (size_t)p * shape_size(at.maps[i].map.shape));
			}
	}
}
