/* SPDX-License-Identifier: MIT */
#include "nn/engine_plan.h"

#include <errno.h>
#include <stdlib.h>

static int round_up(int number, int unit)
{
	return (number + unit - 1) / unit * unit;
}

/* Codes of a window that are one run of bytes. joined: each of its rows ends where the next begins. */
static int count_run(const struct layer *layer, enum layout layout, bool joined)
{
	int depth = layer->in.channels / layer->groups;

	if (layout != LAYOUT_BYTES || layer->groups > 1 || layer->dilation_width > 1)
		return depth;
	return depth * layer->kernel_width * (joined ? layer->kernel_height : 1);
}

static int count_k_blocks(const struct layer *layer, const struct kernel *kernel, bool joined)
{
	int depth = layer->in.channels / layer->groups, places = layer->kernel_height * layer->kernel_width;

	if (kernel->taps)
		return round_up(places, kernel->taps);
	if (kernel->layout == LAYOUT_BITS)
		return places * ((depth + 63) / 64);
	int run = count_run(layer, kernel->layout, joined);
	return places * depth / run * round_up((run + 3) / 4, kernel->chunk ? kernel->chunk : 1);
}

/* The window is as wide as the input. */
static bool is_joined(const struct layer *layer)
{
	return layer->kernel_width == layer->in.width && !layer->pad_left && !layer->pad_right &&
	       layer->dilation_height == 1;
}

int engine_count_k_blocks(const struct layer *layer, const struct kernel *kernel)
{
	return count_k_blocks(layer, kernel, is_joined(layer));
}

/* Fills offsets and k-blocks for the run of `length` channels that begins at a place of the window. */
static void plan_run(const struct gemm_plan *gemm, struct k_block *k_blocks, int *next, size_t offset,
	int first, int length, const struct kernel *kernel)
{
	int channels = kernel->layout == LAYOUT_BITS ? 64 : 4;
	int bytes = kernel->layout == LAYOUT_BITS ? 8 : 4;

	for (int i = 0; i < length || (kernel->chunk && *next % kernel->chunk); i += channels, (*next)++) {
		int rest = length > i ? length - i : 0; /* 0: without weights */
		gemm->offsets[*next] = (int32_t)(offset + (size_t)(i / channels * bytes));
		k_blocks[*next] = (struct k_block){rest ? first + i : 0, rest < channels ? rest : channels};
	}
}

/* Rows of the window may come again. */
static void plan_k_blocks(const struct layer_plan *plan, const struct feature_map *in, int run,
	const struct gemm_plan *gemm, struct k_block *k_blocks)
{
	const struct layer *layer = &plan->seen;
	int depth = layer->in.channels / layer->groups, next = 0;
	int places = layer->kernel_height * layer->kernel_width;

	for (int place = 0; place < places; place += run / depth) {
		int row = place / layer->kernel_width % plan->layer->kernel_height;
		size_t offset = (size_t)(row * layer->dilation_height) * in->row +
				(size_t)(place % layer->kernel_width * layer->dilation_width) * in->pixel;
		plan_run(gemm, k_blocks, &next, offset, place * depth, run, plan->kernel);
	}
	for (; next < gemm->k_blocks; next++) /* taps without weights */
		gemm->offsets[next] = gemm->offsets[next - 1];
}

static int plan_gemm(struct layer_plan *plan, const struct feature_map *in)
{
	const struct layer *layer = &plan->seen;
	const struct kernel *kernel = plan->kernel;
	struct gemm_plan *gemm = &plan->gemm;
	bool bits = kernel->layout == LAYOUT_BITS;
	int groups = kernel->taps ? 1 : layer->groups;
	bool joined = is_joined(layer) && in->padded_width == in->shape.width;

	*gemm = (struct gemm_plan){
		.groups = groups,
		.channels = layer->out.channels / groups,
		.k_blocks = count_k_blocks(layer, kernel, joined),
		.planes = bits ? layer->input_bits : 1,
		.plane_size = in->words * 8,
		.group_size = bits ? in->words * 8 * in->bits : layer->in.channels / groups,
	};
	size_t lanes =
		(size_t)gemm->groups * (size_t)gemm_vectors(gemm, kernel->lanes) * (size_t)kernel->lanes;
	struct k_block *k_blocks = calloc((size_t)gemm->k_blocks, sizeof(*k_blocks));

	gemm->offsets = engine_allocate((size_t)gemm->k_blocks * sizeof(int32_t));
	gemm->weights = engine_allocate(lanes * (size_t)gemm->k_blocks * (size_t)kernel->word);
	if (k_blocks && gemm->offsets && gemm->weights) {
		plan_k_blocks(plan, in, count_run(layer, in->layout, joined), gemm, k_blocks);
		kernel->pack(kernel, layer, k_blocks, gemm);
	}
	free(k_blocks);
	return k_blocks && gemm->offsets && gemm->weights ? 0 : -ENOMEM;
}

/*
 * For a kernel that wants windows equally far apart: how many columns the tiles count in a row, so that the
 * windows of the next row follow. Those behind the real ones are computed for nothing, which is less work
 * than to copy the codes of every tile that goes on in another row.
 */
static int plan_span(const struct layer_plan *plan, const struct feature_map *in)
{
	const struct layer *layer = plan->layer;
	int unit = plan->kernel->pixels, width = layer->out.width, height = layer->out.height;
	int64_t row = (int64_t)layer->stride_height * in->padded_width, copied = 0;

	if (!unit || row % layer->stride_width || row / layer->stride_width < width)
		return width;
	int64_t span = row / layer->stride_width, tiles = ((height - 1) * span + width + unit - 1) / unit;
	for (int64_t p = 0; p < (int64_t)height * width; p += unit)
		copied += p % width + unit > width ? 2 : 1;
	return tiles < copied ? (int)span : width;
}

/* Sums of the border's pixels stay; those of the others are computed for each picture. */
static int plan_pixel_sums(struct layer_plan *plan, const struct feature_map *in, int batch)
{
	plan->picture_sums = (size_t)in->padded_height * (size_t)in->padded_width * (size_t)in->groups;
	size_t count = plan->picture_sums * (size_t)batch;

	plan->pixel_sums = engine_allocate(count * sizeof(int32_t));
	if (!plan->pixel_sums)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		plan->pixel_sums[i] = in->border * (in->shape.channels / in->groups);
	return 0;
}

static int plan_factors(struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	size_t channels = (size_t)layer->out.channels;

	plan->factor_stride = (channels + SLACK - 1) / SLACK * SLACK;
	plan->factors = engine_allocate((size_t)plan->in_count * plan->factor_stride * sizeof(int32_t));
	if (!plan->factors)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)plan->in_count; i++)
		for (size_t c = 0; c < channels; c++)
			plan->factors[i * plan->factor_stride + c] =
				layer->kind == LAYER_ADD ? layer->factors[i * channels + c] : 1;
	return 0;
}

/* Rows of a table, one after the other, that are the same as the first. */
static int count_rows(const uint8_t *row, size_t codes, int most)
{
	int count = 1;

	while (count < most && !memcmp(row, row + (size_t)count * codes, codes))
		count++;
	return count;
}

static int plan_tables(struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	size_t codes = (size_t)1 << layer->input_bits, rows = (size_t)layer->table_rows;

	plan->tables = engine_allocate(rows * TABLE_CODES);
	plan->table_runs = calloc(rows, sizeof(*plan->table_runs));
	if (!plan->tables || !plan->table_runs)
		return -ENOMEM;
	for (int row = 0, count; row < layer->table_rows; row += count) {
		const uint8_t *from = layer->table + (size_t)row * codes;
		uint8_t *table = plan->tables + (size_t)plan->table_run_count * TABLE_CODES;

		count = count_rows(from, codes, layer->table_rows - row);
		memcpy(table, from, codes);
		plan->table_runs[plan->table_run_count++] = (struct table_run){row, count, table};
	}
	if (plan->table_run_count == 1)
		plan->table_runs[0].count = layer->out.channels;
	return 0;
}

/* Whether an add of codes can sum them in 32 bits. */
static bool is_narrow(const struct engine *engine, const struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	int index = (int)(layer - engine->network->layers);

	for (int c = 0; c < layer->out.channels; c++) {
		int64_t sum = 0;
		for (int i = 0; i < layer_reads(layer); i++) {
			int bits =
				network_tensor(engine->network, network_from(engine->network, index, i)).bits;
			int64_t factor = layer->factors[(size_t)i * (size_t)layer->out.channels + (size_t)c];
			if (bits == TENSOR_SUMS)
				return false;
			sum += (factor < 0 ? -factor : factor) << bits;
		}
		if (sum > INT32_MAX)
			return false;
	}
	return true;
}

static bool is_fused(const struct layer_plan *plan)
{
	const struct requantisation *r = &plan->requantisation;

	return plan->kernel && plan->kernel->run_codes && plan->gemm.groups == 1 &&
	       plan->gemm.channels == r->channels && r->margin && r->in_range && !r->wide_count;
}

int engine_pack_layer(struct engine *engine, struct layer_plan *plan)
{
	const struct feature_map *in = &engine->maps[plan->in[0]].map;
	int rc = 0;

	if (plan->layer->kind == LAYER_ADD)
		plan->narrow = is_narrow(engine, plan);
	if (plan->layer->kind == LAYER_ADD || plan->layer->kind == LAYER_AVERAGE_POOL)
		rc = plan_factors(plan);
	if (plan->layer->kind == LAYER_TABLE)
		rc = plan_tables(plan);
	if (plan->kernel) {
		rc = plan_gemm(plan, in);
		plan->span = plan_span(plan, in);
	}
	if (!rc && plan->kernel && in->layout == LAYOUT_BITS)
		rc = plan_pixel_sums(plan, in, engine->batch);
	if (!rc)
		rc = engine_pack_epilogue(engine, plan);
	if (!rc && plan->kernel && plan->requantisation.margin)
		plan->requantisation.in_range = engine_estimates_stay(plan);
	plan->fused = !rc && is_fused(plan);
	plan->direct = plan->out_count && engine->maps[plan->out[0]].map.layout == LAYOUT_BYTES &&
		       (!plan->thresholds.values || plan->layer->out.channels % CODES_AT_ONCE == 0);
	return rc;
}

void engine_unpack_layer(struct layer_plan *plan)
{
	free(plan->in);
	free(plan->out);
	free(plan->seen_weights);
	free(plan->gemm.offsets);
	free(plan->gemm.weights);
	engine_unpack_epilogue(plan);
	free(plan->factors);
	free(plan->pixel_sums);
	free(plan->tables);
	free(plan->table_runs);
}
