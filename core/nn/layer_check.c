/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/limits.h"

#include <errno.h>

static int within(int value, int64_t low, int64_t high, const char *field, struct error *e)
{
	if (value >= low && value <= high)
		return 0;
	return error_set(e, -EBADMSG, "field \"%s\": %d is not within %lld … %lld", field, value,
		(long long)low, (long long)high);
}

static int check_bits(int bits, const char *field, struct error *e)
{
	if (bits == 1 || bits == 2 || bits == 4 || bits == 8)
		return 0;
	return error_set(e, -EBADMSG, "field \"%s\": %d is not 1, 2, 4 or 8", field, bits);
}

static int check_tensor(struct shape shape, const char *field, struct error *e)
{
	int rc = 0;
	if ((rc = within(shape.height, 1, SIDE_LIMIT, field, e)) ||
		(rc = within(shape.width, 1, SIDE_LIMIT, field, e)) ||
		(rc = within(shape.channels, 1, CHANNEL_LIMIT, field, e)))
		return rc;
	uint64_t size = (uint64_t)shape.height * (uint64_t)shape.width * (uint64_t)shape.channels;
	if (size > TENSOR_LIMIT)
		return error_set(e, -EOVERFLOW, "field \"%s\": %llu numbers; a tensor holds at most %llu",
			field, (unsigned long long)size, (unsigned long long)TENSOR_LIMIT);
	return 0;
}

/* Fewer pixels of padding than the kernel spans, so that every window can hold a pixel of the input. */
static int check_window(int in, int kernel, int dilation, int before, int after, struct error *e)
{
	int rc = 0;
	if ((rc = within(kernel, 1, SIDE_LIMIT, "kernel_shape", e)) ||
		(rc = within(dilation, 1, SIDE_LIMIT, "dilation", e)))
		return rc;
	int64_t span = (int64_t)(kernel - 1) * dilation + 1;
	if ((rc = within(before, 0, span - 1, "padding", e)) ||
		(rc = within(after, 0, span - 1, "padding", e)))
		return rc;
	if (span > (int64_t)in + before + after)
		return error_set(e, -EBADMSG,
			"field \"kernel_shape\": a kernel of %lld does not fit into %d pixels padded to %d",
			(long long)span, in, in + before + after);
	return 0;
}

static int windowed_shape(const struct layer *layer, struct shape *out, struct error *e)
{
	const struct shape *in = &layer->in;
	int rc = 0;

	if ((rc = check_window(in->height, layer->kernel_height, layer->dilation_height, layer->pad_top,
		     layer->pad_bottom, e)) ||
		(rc = check_window(in->width, layer->kernel_width, layer->dilation_width, layer->pad_left,
			 layer->pad_right, e)))
		return rc;
	int height = in->height + layer->pad_top + layer->pad_bottom -
		     (layer->kernel_height - 1) * layer->dilation_height - 1;
	int width = in->width + layer->pad_left + layer->pad_right -
		    (layer->kernel_width - 1) * layer->dilation_width - 1;
	out->height = height / layer->stride_height + 1;
	out->width = width / layer->stride_width + 1;
	return 0;
}

/* SIDE_LIMIT² fits into an int. */
static int upsampled(const struct layer *layer, int side, int factor)
{
	return layer->stuffed ? (side - 1) * factor + 1 : side * factor;
}

int layer_output_shape(const struct layer *layer, struct shape *out, struct error *e)
{
	int rc = 0;

	if ((rc = check_tensor(layer->in, "input", e)) ||
		(rc = within(layer->stride_height, 1, SIDE_LIMIT, "kernel_stride", e)) ||
		(rc = within(layer->stride_width, 1, SIDE_LIMIT, "kernel_stride", e)))
		return rc;
	*out = (struct shape){layer->in.height, layer->in.width, layer->out.channels};
	if (layer_has_window(layer) && (rc = windowed_shape(layer, out, e)))
		return rc;
	if (layer->kind == LAYER_UPSAMPLE) {
		out->height = upsampled(layer, layer->in.height, layer->stride_height);
		out->width = upsampled(layer, layer->in.width, layer->stride_width);
	}
	return check_tensor(*out, "output", e);
}

/* Kinds that keep their channels, and those without an accumulator, which keep the bits of their codes too.
 */
static int check_passing(const struct layer *layer, struct error *e)
{
	if (layer->in.channels != layer->out.channels)
		return error_set(e, -EBADMSG,
			"field \"output_channels\": this kind of layer keeps its %d channels, %d found",
			layer->in.channels, layer->out.channels);
	if (layer_has_accumulator(layer))
		return within(layer->groups, 1, 1, "groups", e);
	if (layer->kind != LAYER_TABLE && layer->output_bits != layer->input_bits)
		return error_set(e, -EBADMSG,
			"field \"output_bits\": this kind of layer keeps its %d bits, %d found",
			layer->input_bits, layer->output_bits);
	if (layer->epilogue != EPILOGUE_NONE)
		return error_set(e, -EBADMSG, "field \"epilogue\": this kind of layer has none");
	return within(layer->groups, 1, 1, "groups", e);
}

static int check_fully_connected(const struct layer *layer, struct error *e)
{
	if (layer->kernel_height != layer->in.height || layer->kernel_width != layer->in.width ||
		layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right)
		return error_set(e, -EBADMSG,
			"field \"kernel_shape\": a fully connected layer spans its whole input of %d×%d, "
			"unpadded",
			layer->in.height, layer->in.width);
	return within(layer->groups, 1, 1, "groups", e);
}

static int check_groups(const struct layer *layer, struct error *e)
{
	int groups = layer->groups;
	int rc = within(groups, 1, CHANNEL_LIMIT, "groups", e);
	if (rc)
		return rc;
	if (layer->in.channels % groups || layer->out.channels % groups)
		return error_set(e, -EBADMSG, "field \"groups\": %d do not divide %d and %d channels", groups,
			layer->in.channels, layer->out.channels);
	return 0;
}

/* A clamp keeps codes within those that there are. */
static int check_clamp(const struct layer *layer, struct error *e)
{
	bool sums = layer->epilogue == EPILOGUE_SUMS && layer->kind == LAYER_ADD;
	int low = INT32_MIN, high = INT32_MAX, rc = 0;

	if (!layer->clamp_low && !layer->clamp_high)
		return 0;
	if (!sums && layer->epilogue != EPILOGUE_REQUANTISE)
		return error_set(
			e, -EBADMSG, "field \"clamp\": is for codes of a requantisation and sums of an add");
	if (!sums) {
		low = 0;
		high = layer_levels(layer);
	}
	if ((rc = within(layer->clamp_low, low, high, "clamp", e)))
		return rc;
	return within(layer->clamp_high, layer->clamp_low, high, "clamp", e);
}

static int check_epilogue(const struct layer *layer, struct error *e)
{
	int rc = 0;

	switch (layer->epilogue) {
	case EPILOGUE_THRESHOLDS:
	case EPILOGUE_REQUANTISE:
		rc = check_bits(layer->output_bits, "output_bits", e);
		break;
	case EPILOGUE_SCORES:
		if (layer->out.height != 1 || layer->out.width != 1)
			return error_set(e, -EBADMSG,
				"field \"output\": scores are of 1×1 pixel, here of %d×%d", layer->out.height,
				layer->out.width);
		rc = within(layer->output_bits, TENSOR_SUMS, TENSOR_SUMS, "output_bits", e);
		break;
	case EPILOGUE_SUMS:
		rc = within(layer->output_bits, TENSOR_SUMS, TENSOR_SUMS, "output_bits", e);
		break;
	default:
		return error_set(e, -EBADMSG, "field \"epilogue\": this kind of layer needs one");
	}
	return rc ? rc : check_clamp(layer, e);
}

/* |accumulator| ≤ taps · largest |weight| · largest code, whatever the weights. */
static int check_accumulator(const struct layer *layer, uint64_t largest, struct error *e)
{
	uint64_t taps = (uint64_t)layer->kernel_height * (uint64_t)layer->kernel_width;

	if (layer->pixels)
		taps = (uint64_t)layer->pixels;
	if (layer_has_weights(layer))
		taps = layer_weight_count(layer) / (uint64_t)layer->out.channels;
	largest *= (UINT64_C(1) << layer->input_bits) - 1;
	uint64_t sum = taps * largest;
	if (sum <= INT32_MAX)
		return 0;
	return error_set(e, -EOVERFLOW,
		"field \"input_bits\": sums of %llu products can reach %llu, an accumulator has 32 bits",
		(unsigned long long)taps, (unsigned long long)sum);
}

/* Taps of a window's side that lie within the input, if the first one is at `first`. */
static int taps_inside(int first, int kernel, int dilation, int in)
{
	int begin = first < 0 ? (-first + dilation - 1) / dilation : 0;
	int end = first < in ? (in - 1 - first) / dilation + 1 : 0;

	end = end < kernel ? end : kernel;
	return end > begin ? end - begin : 0;
}

static int rows_inside(const struct layer *l, int y)
{
	return taps_inside(
		y * l->stride_height - l->pad_top, l->kernel_height, l->dilation_height, l->in.height);
}

static int columns_inside(const struct layer *l, int x)
{
	return taps_inside(
		x * l->stride_width - l->pad_left, l->kernel_width, l->dilation_width, l->in.width);
}

int layer_pixels_inside(const struct layer *layer, int y, int x)
{
	return rows_inside(layer, y) * columns_inside(layer, x);
}

/* Each sum of n pixels can be multiplied by pixels / n. */
static int check_pixels(const struct layer *layer, struct error *e)
{
	int rows = -1, rc = within(layer->pixels, 0, INT32_MAX / UINT8_MAX, "pixels", e);

	if (rc || !layer->pixels)
		return rc;
	if (layer->kind != LAYER_AVERAGE_POOL)
		return error_set(e, -EBADMSG, "field \"pixels\": is for average pools");
	if (layer->pad_code)
		return error_set(e, -EBADMSG, "field \"pixels\": padding does not count; leave out pad_code");
	for (int y = 0; y < layer->out.height; y++) {
		if (rows_inside(layer, y) == rows) /* as the one before */
			continue;
		rows = rows_inside(layer, y);
		for (int x = 0; x < layer->out.width; x++) {
			int inside = rows * columns_inside(layer, x);
			if (!inside || layer->pixels % inside)
				return error_set(e, -EBADMSG,
					"field \"pixels\": %d is no multiple of the %d pixels of a window",
					layer->pixels, inside);
		}
	}
	return 0;
}

static int check_weighted(const struct layer *layer, struct error *e)
{
	int rc = 0;

	if (layer->kind == LAYER_FULLY_CONNECTED && (rc = check_fully_connected(layer, e)))
		return rc;
	if ((rc = check_bits(layer->weight_bits, "weight_bits", e)) || (rc = check_groups(layer, e)))
		return rc;
	if (layer_weight_count(layer) > WEIGHT_LIMIT)
		return error_set(e, -EOVERFLOW, "field \"weights\": %llu are over the limit of %llu",
			(unsigned long long)layer_weight_count(layer), (unsigned long long)WEIGHT_LIMIT);
	return 0;
}

static int check_kind(const struct layer *layer, struct error *e)
{
	int rc = 0;

	if (layer_has_weights(layer))
		return check_weighted(layer, e);
	if (layer->kind == LAYER_TABLE && (rc = check_bits(layer->output_bits, "output_bits", e)))
		return rc;
	return check_passing(layer, e);
}

int layer_check_shape(const struct layer *layer, struct error *e)
{
	bool sums = layer->kind == LAYER_ADD && layer->input_bits == TENSOR_SUMS;
	struct shape out;
	int rc = 0;

	if ((!sums && (rc = check_bits(layer->input_bits, "input_bits", e))) ||
		(rc = layer_output_shape(layer, &out, e)))
		return rc;
	if (out.height != layer->out.height || out.width != layer->out.width)
		return error_set(e, -EBADMSG,
			"field \"output\": kernel, stride and padding make %d×%d pixels, %d×%d found",
			out.height, out.width, layer->out.height, layer->out.width);
	if ((rc = within(layer->pad_code, 0, sums ? 0 : (1 << layer->input_bits) - 1, "pad_code", e)) ||
		(rc = check_kind(layer, e)) || (rc = check_pixels(layer, e)) || !layer_has_accumulator(layer))
		return rc;
	rc = check_epilogue(layer, e);
	if (rc || layer->kind == LAYER_ADD)
		return rc;
	return check_accumulator(
		layer, layer_has_weights(layer) ? UINT64_C(1) << (layer->weight_bits - 1) : 1, e);
}

static int missing(const char *field, struct error *e)
{
	return error_set(e, -EBADMSG, "field \"%s\": is missing", field);
}

/* Where the first weight is that is out of range, or 0 if that is none; `count`: there is none. */
static size_t find_bad_weight(const int8_t *weights, size_t count, int low, int high, bool zero_good)
{
	size_t i = 0;
	int bad = 0;

	for (i = 0; i < count; i++) /* no branch: there are millions, and mostly all are good */
		bad |= (weights[i] < low) | (weights[i] > high) | (!zero_good & (weights[i] == 0));
	if (!bad)
		return count;
	for (i = 0; weights[i] >= low && weights[i] <= high && (zero_good || weights[i]);)
		i++;
	return i;
}

static int check_weights(const struct layer *layer, struct error *e)
{
	bool bit = layer->weight_bits == 1;
	int low = bit ? -1 : -(1 << (layer->weight_bits - 1)), high = bit ? 1 : -low - 1;
	size_t count = (size_t)layer_weight_count(layer);
	size_t taps = count / (size_t)layer->out.channels;

	if (!layer->weights)
		return missing("weights", e);
	size_t bad = find_bad_weight(layer->weights, count, low, high, !bit);
	if (bad == count)
		return 0;
	return error_set(e, -EBADMSG,
		"field \"weights\": output channel %zu holds %d, which is no weight of %d bits", bad / taps,
		layer->weights[bad], layer->weight_bits);
}

static int check_weight_offset(const struct layer *layer, struct error *e)
{
	if (!layer->weight_offset)
		return 0;
	if (layer->weight_bits != 8)
		return error_set(e, -EBADMSG, "field \"weight_offset\": is for weights of 8 bits, not %d",
			layer->weight_bits);
	for (int c = 0; c < layer->out.channels; c++)
		if (layer->weight_offset[c] < -OFFSET_LIMIT)
			return error_set(e, -EBADMSG,
				"field \"weight_offset\": channel %d holds %d, which is not within ±%d", c,
				layer->weight_offset[c], OFFSET_LIMIT);
	return check_accumulator(layer, WEIGHT_MOST, e);
}

static int check_thresholds(const struct layer *layer, struct error *e)
{
	int levels = layer_levels(layer);

	if (!layer->thresholds)
		return missing("thresholds", e);
	for (int c = 0; c < layer->out.channels; c++) {
		const int32_t *t = layer->thresholds + (size_t)c * (size_t)levels;
		for (int i = 1; i < levels; i++)
			if (t[i] < t[i - 1])
				return error_set(e, -EBADMSG,
					"field \"thresholds\": channel %d does not ascend: %d comes after %d",
					c, t[i], t[i - 1]);
		if (layer->invert && layer->invert[c] > 1)
			return error_set(e, -EBADMSG, "field \"invert\": channel %d holds %d, not 0 or 1", c,
				layer->invert[c]);
	}
	return 0;
}

static int check_shift_and_bias(const struct layer *layer, struct error *e)
{
	if (!layer->shift)
		return missing("shift", e);
	if (!layer->bias)
		return missing("bias", e);
	for (int c = 0; c < layer->out.channels; c++) {
		if (layer->shift[c] > SHIFT_LIMIT)
			return error_set(e, -EBADMSG,
				"field \"shift\": channel %d shifts by %d, at most %d can be", c,
				layer->shift[c], SHIFT_LIMIT);
		if (layer->bias[c] > BIAS_LIMIT || layer->bias[c] < -BIAS_LIMIT)
			return error_set(e, -EBADMSG,
				"field \"bias\": channel %d adds %lld, which is beyond ±2^62", c,
				(long long)layer->bias[c]);
	}
	return 0;
}

static int check_table(const struct layer *layer, struct error *e)
{
	size_t entries = (size_t)1 << layer->input_bits;

	if (!layer->table)
		return missing("table", e);
	if (layer->table_rows != 1 && layer->table_rows != layer->out.channels)
		return error_set(e, -EBADMSG, "field \"table\": has %d rows; 1 and %d can be",
			layer->table_rows, layer->out.channels);
	for (size_t i = 0; i < (size_t)layer->table_rows * entries; i++)
		if (layer->table[i] > layer_levels(layer))
			return error_set(e, -EBADMSG,
				"field \"table\": row %zu holds %d, which is no code of %d bits", i / entries,
				layer->table[i], layer->output_bits);
	return 0;
}

int layer_check_arrays(const struct layer *layer, struct error *e)
{
	int rc = 0;

	if (layer->kind == LAYER_TABLE)
		return check_table(layer, e);
	if (layer->kind == LAYER_ADD && !layer->factors)
		return missing("factors", e);
	if (layer_has_weights(layer) &&
		((rc = check_weights(layer, e)) || (rc = check_weight_offset(layer, e))))
		return rc;
	if (layer->epilogue == EPILOGUE_REQUANTISE && layer->kind != LAYER_ADD && !layer->multiplier)
		return missing("multiplier", e);
	if (layer->epilogue == EPILOGUE_REQUANTISE ||
		(layer->kind == LAYER_ADD && layer->epilogue != EPILOGUE_SCORES))
		rc = check_shift_and_bias(layer, e);
	return !rc && layer->epilogue == EPILOGUE_THRESHOLDS ? check_thresholds(layer, e) : rc;
}
