/* SPDX-License-Identifier: MIT */
#include "nn/engine_plan.h"

#include "nn/limits.h"

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

	t->levels = layer_levels(layer);
	t->stride = (channels + SLACK - 1) / SLACK * SLACK;
	size_t each = t->levels > ROW ? (size_t)ROWS_OF_CHANNEL * ROW : (size_t)t->levels;
	t->values = engine_allocate(each * (size_t)t->stride * sizeof(int32_t));
	t->flip = engine_allocate((size_t)t->stride);
	if (!t->values || !t->flip)
		return -ENOMEM;
	for (int c = 0; c < channels; c++) {
		lay_thresholds(t, layer->thresholds + (size_t)c * (size_t)t->levels, c);
		if (layer->invert && layer->invert[c])
			t->flip[c] = (uint8_t)t->levels;
	}
	return 0;
}

/* Brings a channel's shift to 32 or more by larger numbers, where these are in range: the codes are the same.
 */
static bool raise_shift(const struct requantisation *r, int channel)
{
	int by = r->shifts[channel] < 32 ? 32 - (int)r->shifts[channel] : 0;
	int64_t multiplier = r->multipliers[channel], bias = r->biases[channel];
	int64_t most = (int64_t)INT32_MAX >> by, most_bias = BIAS_LIMIT >> by;

	if (multiplier > most || multiplier < -most || bias > most_bias || bias < -most_bias)
		return false;
	r->multipliers[channel] = multiplier * (INT64_C(1) << by);
	r->biases[channel] = bias * (INT64_C(1) << by);
	r->shifts[channel] += by;
	return true;
}

/* Vector code takes the even and the odd of 16 channels apart. */
static void lay_high(const struct requantisation *r, int c)
{
	r->high_multipliers[c] = (int32_t)r->multipliers[c];
	r->high_shifts[c] = (int32_t)r->shifts[c] - 32;
	r->high_biases[c / 16 * 16 + c % 2 * 8 + c % 16 / 2] = r->biases[c];
}

static int allocate_requantisation(struct requantisation *r)
{
	size_t stride = (size_t)(r->channels + SLACK - 1) / SLACK * SLACK;

	r->multipliers = engine_allocate(stride * sizeof(int64_t));
	r->biases = engine_allocate(stride * sizeof(int64_t));
	r->shifts = engine_allocate(stride * sizeof(int64_t));
	r->high_multipliers = engine_allocate(stride * sizeof(int32_t));
	r->high_shifts = engine_allocate(stride * sizeof(int32_t));
	r->high_biases = engine_allocate(stride * sizeof(int64_t));
	r->wide = engine_allocate((size_t)r->channels * sizeof(int));
	bool some = r->multipliers && r->biases && r->shifts;
	return some && r->high_multipliers && r->high_shifts && r->high_biases && r->wide ? 0 : -ENOMEM;
}

static int plan_requantisation(struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	struct requantisation *r = &plan->requantisation;

	r->channels = layer->out.channels;
	r->least = (uint8_t)layer->clamp_low;
	r->largest = (uint8_t)(layer->clamp_high ? layer->clamp_high : layer_levels(layer));
	if (allocate_requantisation(r))
		return -ENOMEM;
	for (int c = 0; c < layer->out.channels; c++) {
		r->multipliers[c] = layer->kind == LAYER_ADD ? 1 : layer->multiplier[c];
		r->biases[c] = layer->bias[c];
		r->shifts[c] = layer->shift[c];
		if (raise_shift(r, c))
			lay_high(r, c);
		else
			r->wide[r->wide_count++] = c;
	}
	return 0;
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

	plan->direct = plan->out_count && engine->maps[plan->out[0]].map.layout == LAYOUT_BYTES &&
		       (plan->layer->epilogue != EPILOGUE_THRESHOLDS ||
			       plan->layer->out.channels % CODES_AT_ONCE == 0);
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
	if (!rc && plan->layer->epilogue == EPILOGUE_THRESHOLDS)
		rc = plan_thresholds(plan);
	if (!rc && plan->layer->epilogue == EPILOGUE_REQUANTISE)
		rc = plan_requantisation(plan);
	return rc;
}

void engine_unpack_layer(struct layer_plan *plan)
{
	free(plan->in);
	free(plan->out);
	free(plan->seen_weights);
	free(plan->gemm.offsets);
	free(plan->gemm.weights);
	free(plan->thresholds.values);
	free(plan->thresholds.flip);
	free(plan->requantisation.multipliers);
	free(plan->requantisation.biases);
	free(plan->requantisation.shifts);
	free(plan->requantisation.high_multipliers);
	free(plan->requantisation.high_shifts);
	free(plan->requantisation.high_biases);
	free(plan->requantisation.wide);
	free(plan->factors);
	free(plan->pixel_sums);
	free(plan->tables);
	free(plan->table_runs);
}
