/* SPDX-License-Identifier: MIT */
#include "nn/engine_plan.h"

#include <errno.h>
#include <stdlib.h>

/* Whether a row of the window is one run of bytes. */
static bool is_contiguous(const struct layer *layer, enum layout layout)
{
	return layout == LAYOUT_BYTES && layer->groups == 1 && layer->dilation_width == 1;
}

static int round_up(int number, int unit)
{
	return (number + unit - 1) / unit * unit;
}

int engine_count_k_blocks(const struct layer *layer, const struct kernel *kernel)
{
	int depth = layer->in.channels / layer->groups, places = layer->kernel_height * layer->kernel_width;

	if (kernel->taps)
		return round_up(places, kernel->taps);
	if (kernel->layout == LAYOUT_BITS)
		return places * ((depth + 63) / 64);
	if (is_contiguous(layer, kernel->layout))
		places = layer->kernel_height * ((layer->kernel_width * depth + 3) / 4);
	else
		places *= (depth + 3) / 4;
	return kernel->chunk ? round_up(places, kernel->chunk) : places;
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

/* Rows of the window may come again. */
static void plan_k_blocks(const struct layer_plan *plan, const struct feature_map *in,
	const struct gemm_plan *gemm, struct k_block *k_blocks)
{
	const struct layer *layer = &plan->seen;
	int depth = layer->in.channels / layer->groups, next = 0;
	bool contiguous = is_contiguous(layer, in->layout);

	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++) {
			int row = ky % plan->layer->kernel_height;
			size_t offset = (size_t)(row * layer->dilation_height) * in->row +
					(size_t)(kx * layer->dilation_width) * in->pixel;
			plan_run(gemm, k_blocks, &next, offset, (ky * layer->kernel_width + kx) * depth,
				contiguous ? layer->kernel_width * depth : depth, in->layout);
			if (contiguous)
				break;
		}
	for (; next < gemm->k_blocks; next++) /* without weights */
		gemm->offsets[next] = gemm->offsets[next - 1] + (plan->kernel->taps ? 0 : 4);
}

static int plan_gemm(struct layer_plan *plan, const struct feature_map *in)
{
	const struct layer *layer = &plan->seen;
	const struct kernel *kernel = plan->kernel;
	struct gemm_plan *gemm = &plan->gemm;
	bool bits = kernel->layout == LAYOUT_BITS;
	int groups = kernel->taps ? 1 : layer->groups;

	*gemm = (struct gemm_plan){
		.groups = groups,
		.channels = layer->out.channels / groups,
		.k_blocks = engine_count_k_blocks(layer, kernel),
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
		plan_k_blocks(plan, in, gemm, k_blocks);
		kernel->pack(kernel, layer, k_blocks, gemm);
	}
	free(k_blocks);
	return k_blocks && gemm->offsets && gemm->weights ? 0 : -ENOMEM;
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
	if (plan->kernel)
		rc = plan_gemm(plan, in);
	if (!rc && plan->kernel && in->layout == LAYOUT_BITS)
		rc = plan_pixel_sums(plan, in, engine->batch);
	if (!rc)
		rc = engine_pack_epilogue(engine, plan);
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
