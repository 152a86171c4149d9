/* SPDX-License-Identifier: MIT */
#include "nn/reference.h"

#include <errno.h>
#include <stdlib.h>

static int64_t bounded(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static uint8_t code_of_thresholds(const struct layer *layer, int channel, int64_t accumulator)
{
	int levels = (1 << layer->output_bits) - 1;
	const int32_t *thresholds = layer->thresholds + (size_t)channel * (size_t)levels;
	int code = 0;

	for (int i = 0; i < levels; i++)
		code += accumulator >= thresholds[i];
	if (layer->invert && layer->invert[channel])
		code = levels - code;
	return (uint8_t)code;
}

static uint8_t code_of_requantise(const struct layer *layer, int channel, int64_t accumulator)
{
	int64_t sum = accumulator * layer->multiplier[channel] + layer->bias[channel];
	int64_t code = sum >> layer->shift[channel]; /* arithmetic: towards −∞ */

	if (layer->clamp_low || layer->clamp_high)
		return (uint8_t)bounded(code, layer->clamp_low, layer->clamp_high);
	return (uint8_t)bounded(code, 0, (1 << layer->output_bits) - 1);
}

uint8_t reference_code(const struct layer *layer, int channel, int64_t accumulator)
{
	if (layer->epilogue == EPILOGUE_REQUANTISE)
		return code_of_requantise(layer, channel, accumulator);
	return code_of_thresholds(layer, channel, accumulator);
}

/* An element of a tensor of the shape layer->in, given by the place of its pixel's first. */
static int32_t element(const struct reference_input *in, size_t index)
{
	return in->tensor.bits == TENSOR_SUMS ? ((const int32_t *)in->data)[index]
					      : ((const uint8_t *)in->data)[index];
}

/*
 * The codes of the pixel that the kernel's (ky, kx) meets for the output at (y, x); NULL where padding lies.
 */
static const uint8_t *pixel_at(const struct layer *layer, const uint8_t *in, int y, int x, int ky, int kx)
{
	int in_y = y * layer->stride_height - layer->pad_top + ky * layer->dilation_height;
	int in_x = x * layer->stride_width - layer->pad_left + kx * layer->dilation_width;

	if (in_y < 0 || in_y >= layer->in.height || in_x < 0 || in_x >= layer->in.width)
		return NULL;
	return in + ((size_t)in_y * (size_t)layer->in.width + (size_t)in_x) * (size_t)layer->in.channels;
}

static int32_t dot_product(const struct layer *layer, const uint8_t *in, int y, int x, int channel)
{
	int depth = layer->in.channels / layer->groups;
	int group = channel / (layer->out.channels / layer->groups);
	size_t places = (size_t)layer->kernel_height * (size_t)layer->kernel_width;
	const int8_t *weights = layer->weights + (size_t)channel * places * (size_t)depth;
	int offset = layer->weight_offset ? layer->weight_offset[channel] : 0;
	int32_t sum = 0;

	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++, weights += depth) {
			const uint8_t *pixel = pixel_at(layer, in, y, x, ky, kx);

			for (int i = 0; i < depth; i++)
				sum += (weights[i] + offset) *
				       (pixel ? pixel[group * depth + i] : layer->pad_code);
		}
	return sum;
}

static int32_t window_sum(const struct layer *layer, const uint8_t *in, int y, int x, int channel)
{
	int32_t sum = 0, inside = 0;

	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++) {
			const uint8_t *pixel = pixel_at(layer, in, y, x, ky, kx);

			sum += pixel ? pixel[channel] : layer->pad_code;
			inside += pixel != NULL;
		}
	return layer->pixels && inside ? sum * (layer->pixels / inside) : sum;
}

/* The sum with its bias, shifted; codes and sums are bounded by the clamp. */
static int64_t scaled_sum(
	const struct layer *layer, const struct reference_input *in, size_t index, int channel)
{
	size_t channels = (size_t)layer->out.channels;
	int64_t sum = 0;

	for (int i = 0; i < layer_reads(layer); i++)
		sum += (int64_t)layer->factors[(size_t)i * channels + (size_t)channel] *
		       element(&in[i], index);
	if (layer->epilogue == EPILOGUE_SCORES)
		return sum;
	return bounded((sum + layer->bias[channel]) >> layer->shift[channel], INT32_MIN, INT32_MAX);
}

static uint8_t maximum(const struct layer *layer, const uint8_t *in, int y, int x, int channel)
{
	uint8_t largest = 0;

	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++) {
			const uint8_t *pixel = pixel_at(layer, in, y, x, ky, kx);

			if (pixel && pixel[channel] > largest)
				largest = pixel[channel];
		}
	return largest;
}

static uint8_t upsampled(const struct layer *layer, const uint8_t *in, int y, int x, int channel)
{
	int in_y = y / layer->stride_height, in_x = x / layer->stride_width;

	if (layer->stuffed && (y % layer->stride_height || x % layer->stride_width))
		return layer->pad_code;
	return in[((size_t)in_y * (size_t)layer->in.width + (size_t)in_x) * (size_t)layer->in.channels +
		  (size_t)channel];
}

/* Channel by channel through the inputs. */
static uint8_t concatenated(const struct reference_input *in, size_t pixel, int channel)
{
	while (channel >= in->tensor.shape.channels)
		channel -= in++->tensor.shape.channels;
	return ((const uint8_t *)in->data)[pixel * (size_t)in->tensor.shape.channels + (size_t)channel];
}

static uint8_t looked_up(const struct layer *layer, uint8_t code, int channel)
{
	size_t row = layer->table_rows == 1 ? 0 : (size_t)channel;

	return layer->table[(row << layer->input_bits) + code];
}

/* Kinds without an accumulator. */
static uint8_t passed_on(
	const struct layer *layer, const struct reference_input *in, int y, int x, int channel)
{
	size_t pixel = (size_t)y * (size_t)layer->out.width + (size_t)x;
	const uint8_t *codes = in->data;

	switch (layer->kind) {
	case LAYER_MAX_POOL:
		return maximum(layer, codes, y, x, channel);
	case LAYER_UPSAMPLE:
		return upsampled(layer, codes, y, x, channel);
	case LAYER_CONCAT:
		return concatenated(in, pixel, channel);
	default:
		return looked_up(layer, codes[pixel * (size_t)layer->in.channels + (size_t)channel], channel);
	}
}

static int64_t accumulate(
	const struct layer *layer, const struct reference_input *in, int y, int x, int channel)
{
	size_t pixel = (size_t)y * (size_t)layer->out.width + (size_t)x;

	if (layer->kind == LAYER_ADD)
		return scaled_sum(layer, in, pixel * (size_t)layer->out.channels + (size_t)channel, channel);
	if (layer->kind == LAYER_AVERAGE_POOL)
		return window_sum(layer, in->data, y, x, channel);
	return dot_product(layer, in->data, y, x, channel);
}

/* An add has its multiplication behind it already. */
static int64_t finished(const struct layer *layer, int channel, int64_t accumulator)
{
	bool clamped = layer->clamp_low || layer->clamp_high;

	if (layer->kind != LAYER_ADD || layer->epilogue == EPILOGUE_THRESHOLDS)
		return reference_code(layer, channel, accumulator);
	return bounded(accumulator, clamped ? layer->clamp_low : 0,
		clamped ? layer->clamp_high : (1 << layer->output_bits) - 1);
}

static int32_t finished_sum(const struct layer *layer, int64_t accumulator)
{
	if (layer->epilogue == EPILOGUE_SUMS && (layer->clamp_low || layer->clamp_high))
		accumulator = bounded(accumulator, layer->clamp_low, layer->clamp_high);
	return (int32_t)accumulator;
}

void reference_layer(const struct layer *layer, const struct reference_input *in, void *out)
{
	uint8_t *codes = out;
	int32_t *sums = out;

	for (int y = 0; y < layer->out.height; y++)
		for (int x = 0; x < layer->out.width; x++)
			for (int c = 0; c < layer->out.channels; c++)
				if (!layer_has_accumulator(layer))
					*codes++ = passed_on(layer, in, y, x, c);
				else if (layer->output_bits == TENSOR_SUMS)
					*sums++ = finished_sum(layer, accumulate(layer, in, y, x, c));
				else
					*codes++ =
						(uint8_t)finished(layer, c, accumulate(layer, in, y, x, c));
}

static int run_layer(const struct network *network, int index, void *const *made, void *out)
{
	const struct layer *layer = &network->layers[index];
	struct reference_input in[LAYER_INPUTS] = {0};

	int i = 0;
	do {
		int from = network_from(network, index, i);

		in[i] = (struct reference_input){network_tensor(network, from), made[from + 1]};
		if (!in[i].data)
			return -EINVAL;
	} while (++i < layer_reads(layer)); /* at least one */
	reference_layer(layer, in, out);
	return 0;
}

int reference_run(const struct network *network, int first, int last, const void *in, void *out)
{
	void **made = calloc((size_t)last + 1, sizeof(*made)); /* [layer + 1]; of first − 1: in */
	int rc = made ? 0 : -ENOMEM;

	if (made)
		made[first] = (void *)in;
	for (int i = first; i < last && !rc; i++) {
		made[i + 1] = i == last - 1 ? out : malloc(tensor_bytes(network_tensor(network, i)));
		rc = made[i + 1] ? run_layer(network, i, made, made[i + 1]) : -ENOMEM;
	}
	for (int i = first; made && i < last - 1; i++)
		free(made[i + 1]);
	free((void *)made);
	return rc;
}
