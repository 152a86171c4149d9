/* SPDX-License-Identifier: MIT */
#include "nn/reference.h"

#include <errno.h>
#include <stdlib.h>

static uint8_t code_of_thresholds(const struct layer *layer, int channel, int32_t accumulator)
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

static uint8_t code_of_requantise(const struct layer *layer, int channel, int32_t accumulator)
{
	int64_t sum = (int64_t)accumulator * layer->multiplier[channel] + layer->bias[channel];
	int64_t code = sum >> layer->shift[channel]; /* arithmetic: towards −∞ */
	int64_t largest = (1 << layer->output_bits) - 1;

	return (uint8_t)(code < 0 ? 0 : code > largest ? largest : code);
}

uint8_t reference_code(const struct layer *layer, int channel, int32_t accumulator)
{
	if (layer->epilogue == EPILOGUE_REQUANTISE)
		return code_of_requantise(layer, channel, accumulator);
	return code_of_thresholds(layer, channel, accumulator);
}

/* The codes of the pixel that the kernel's (ky, kx) meets for the output at (y, x); NULL where padding lies.
 */
static const uint8_t *pixel_at(const struct layer *layer, const uint8_t *in, int y, int x, int ky, int kx)
{
	int in_y = y * layer->stride - layer->pad_top + ky;
	int in_x = x * layer->stride - layer->pad_left + kx;

	if (in_y < 0 || in_y >= layer->in.height || in_x < 0 || in_x >= layer->in.width)
		return NULL;
	return in + ((size_t)in_y * (size_t)layer->in.width + (size_t)in_x) * (size_t)layer->in.channels;
}

static int32_t accumulate(const struct layer *layer, const uint8_t *in, int y, int x, int channel)
{
	int depth = layer->in.channels / layer->groups;
	int group = channel / (layer->out.channels / layer->groups);
	size_t places = (size_t)layer->kernel_height * (size_t)layer->kernel_width;
	const int8_t *weights = layer->weights + (size_t)channel * places * (size_t)depth;
	int32_t sum = 0;

	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++, weights += depth) {
			const uint8_t *pixel = pixel_at(layer, in, y, x, ky, kx);

			for (int i = 0; pixel && i < depth; i++)
				sum += weights[i] * pixel[group * depth + i];
		}
	return sum;
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

void reference_layer(const struct layer *layer, const uint8_t *in, void *out)
{
	uint8_t *codes = out;
	int32_t *scores = out;

	for (int y = 0; y < layer->out.height; y++)
		for (int x = 0; x < layer->out.width; x++)
			for (int c = 0; c < layer->out.channels; c++)
				if (layer->kind == LAYER_MAX_POOL)
					*codes++ = maximum(layer, in, y, x, c);
				else if (layer->epilogue == EPILOGUE_SCORES)
					*scores++ = accumulate(layer, in, y, x, c);
				else
					*codes++ = reference_code(layer, c, accumulate(layer, in, y, x, c));
}

int reference_run(const struct network *network, int first, int last, const uint8_t *in, void *out)
{
	uint8_t *before = NULL; /* the output of the layer before; NULL: it is `in` */

	for (int i = first; i < last; i++) {
		const struct layer *layer = &network->layers[i];
		uint8_t *after = NULL;

		if (i < last - 1) {
			after = malloc(shape_size(layer->out));
			if (!after) {
				free(before);
				return -ENOMEM;
			}
		}
		reference_layer(layer, before ? before : in, after ? (void *)after : out);
		free(before);
		before = after;
	}
	free(before);
	return 0;
}
