/* SPDX-License-Identifier: MIT */
/* Layers (convolutions, matrices, pools) and nodes that only reshape. */
#include "nn/import/qonnx/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int layer_add(struct qonnx_import *m, enum layer_kind kind, struct layer **out, struct error *e)
{
	static const char *const names[] = {"conv", "fc", "pool"};
	struct network *network = m->network;
	int number = 0;

	if (network->layer_count == LAYER_LIMIT)
		return node_error(m, -EOVERFLOW, e, "would be layer %d, over the limit", LAYER_LIMIT + 1);
	struct layer *layers =
		realloc(network->layers, (size_t)(network->layer_count + 1) * sizeof(*network->layers));
	if (layers)
		network->layers = layers;
	for (int i = 0; i < network->layer_count; i++)
		number += network->layers[i].kind == kind;
	char *name = NULL;
	if (!layers || asprintf(&name, "%s%d", names[kind], number) < 0)
		return node_error(m, -ENOMEM, e, "out of memory");
	*out = &layers[network->layer_count++];
	**out = (struct layer){.name = name,
		.kind = kind,
		.in = m->shape,
		.groups = 1,
		.stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1,
		.input_bits = m->bits,
		.kernel_height = m->shape.height,
		.kernel_width = m->shape.width,
		.out = {1, 1, m->shape.channels}};
	return 0;
}

/* Two numbers of the attribute, `otherwise` when it is missing. */
static int pair_read(struct qonnx_import *m, const char *name, int otherwise, int pair[2], struct error *e)
{
	struct onnx_attribute attribute;

	pair[0] = pair[1] = otherwise;
	if (!onnx_attribute_find(m->node, name, &attribute))
		return 0;
	if (attribute.count != 2)
		return node_error(m, -EBADMSG, e,
			"%s must have 2 numbers, not %d; only pictures are filtered", name, attribute.count);
	for (int i = 0; i < 2; i++) {
		if (attribute.integers[i] < 1 || attribute.integers[i] > SIDE_LIMIT)
			return node_error(
				m, -EBADMSG, e, "%s holds %lld", name, (long long)attribute.integers[i]);
		pair[i] = (int)attribute.integers[i];
	}
	return 0;
}

static int padding_read(struct qonnx_import *m, struct layer *layer, struct error *e)
{
	int *const to[] = {&layer->pad_top, &layer->pad_left, &layer->pad_bottom, &layer->pad_right};
	struct onnx_attribute pads, automatic;
	char text[ONNX_TEXT];

	if (onnx_attribute_find(m->node, "auto_pad", &automatic) && !onnx_text_is(automatic.text, "NOTSET") &&
		!onnx_text_is(automatic.text, "VALID"))
		return node_error(m, -EBADMSG, e, "auto_pad %s; only pads in numbers can be imported",
			onnx_text(automatic.text, text));
	if (!onnx_attribute_find(m->node, "pads", &pads))
		return 0;
	if (pads.count != 4)
		return node_error(m, -EBADMSG, e, "pads must have 4 numbers, not %d", pads.count);
	for (int i = 0; i < 4; i++) {
		if (pads.integers[i] < 0 || pads.integers[i] > SIDE_LIMIT)
			return node_error(m, -EBADMSG, e, "pads holds %lld", (long long)pads.integers[i]);
		*to[i] = (int)pads.integers[i];
	}
	return 0;
}

/* Stride and padding; the kernel's size is set. Makes the output's height and width. */
static int windows_read(struct qonnx_import *m, struct layer *layer, struct error *e)
{
	struct error cause = {0};
	int pair[2];
	int rc = pair_read(m, "dilations", 1, pair, e);

	if (rc == 0 && (pair[0] != 1 || pair[1] != 1))
		return node_error(m, -EBADMSG, e, "its dilations must be 1");
	if (rc == 0)
		rc = pair_read(m, "strides", 1, pair, e);
	if (rc == 0 && pair[0] != pair[1])
		return node_error(m, -EBADMSG, e, "its strides differ: %d and %d", pair[0], pair[1]);
	layer->stride_height = layer->stride_width = pair[0];
	if (rc || (rc = padding_read(m, layer, e)))
		return rc;
	rc = layer_output_shape(layer, &layer->out, &cause);
	return rc ? node_error(m, rc, e, "%s", cause.text) : 0;
}

/* Where a layer's weights stand in their constant: index = Σ place · step. */
struct weight_steps {
	size_t out, y, x, in;
};

/* Integers, of one scale an output channel, which is left in m->sum_scale. */
static int weights_read(struct qonnx_import *m, struct layer *layer, const struct constant *from,
	struct weight_steps steps, struct error *e)
{
	int depth = layer->in.channels / layer->groups;
	int8_t *to = layer->weights;

	for (int o = 0; o < layer->out.channels; o++) {
		int group = o / (layer->out.channels / layer->groups);
		double scale = (double)from->scales[(size_t)o * steps.out], sum = 0;

		for (int y = 0; y < layer->kernel_height; y++)
			for (int x = 0; x < layer->kernel_width; x++)
				for (int i = 0; i < depth; i++) {
					size_t index = (size_t)o * steps.out + (size_t)y * steps.y +
						       (size_t)x * steps.x + (size_t)i * steps.in;
					float weight = from->values[index];

					if ((double)from->scales[index] != scale)
						return node_error(m, -EBADMSG, e,
							"its weights of output channel %d have several "
							"scales",
							o);
					*to++ = (int8_t)weight;
					sum += (double)weight * m->offset[group * depth + i];
				}
		m->sum_scale[o] = scale * m->scale;
		m->sum_offset[o] = sum;
	}
	return 0;
}

/* Bits that hold the weights' range; 0: more than 8. */
static int weight_bits(const struct constant *weights)
{
	if (weights->bipolar)
		return 1;
	for (int bits = 2; bits <= 8; bits *= 2)
		if (weights->low >= -(1 << (bits - 1)) && weights->high < 1 << (bits - 1))
			return bits;
	return 0;
}

static bool sums_fit(const struct layer *layer)
{
	uint64_t taps = layer_weight_count(layer) / (uint64_t)layer->out.channels;

	return taps * ((UINT64_C(1) << (layer->weight_bits - 1)) *
			      ((UINT64_C(1) << layer->input_bits) - 1)) <=
	       INT32_MAX;
}

/* The path goes on at the sums of the layer, whose shapes are set and agree with the constant. */
static int layer_open(struct qonnx_import *m, struct layer *layer, const struct constant *weights,
	struct weight_steps steps, struct error *e)
{
	size_t channels = (size_t)layer->out.channels;

	if (!weights->scales)
		return node_error(m, -EBADMSG, e, "its weights are not quantised");
	layer->weight_bits = weight_bits(weights);
	if (layer->weight_bits == 0)
		return node_error(m, -EBADMSG, e, "its weights go from %g to %g, but must fit 8 signed bits",
			weights->low, weights->high);
	if (!sums_fit(layer))
		return node_error(m, -EOVERFLOW, e, "its sums can leave 32 bits");
	free(m->sum_scale);
	free(m->sum_offset);
	layer->weights = malloc((size_t)layer_weight_count(layer));
	m->sum_scale = calloc(channels, sizeof(*m->sum_scale));
	m->sum_offset = calloc(channels, sizeof(*m->sum_offset));
	if (!layer->weights || !m->sum_scale || !m->sum_offset)
		return node_error(m, -ENOMEM, e, "out of memory");
	int rc = weights_read(m, layer, weights, steps, e);
	m->open = m->network->layer_count - 1;
	m->place = AT_SUMS;
	m->shape = layer->out;
	return rc;
}

static int codes_check(struct qonnx_import *m, struct error *e)
{
	if (m->place == AT_CODES)
		return 0;
	return node_error(m, -EBADMSG, e, "what it reads is not quantised; a Quant must stand before it");
}

/* The model pads with the number 0, twobit with code 0. */
static int padding_check(struct qonnx_import *m, const struct layer *layer, struct error *e)
{
	bool padded = layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right;

	for (int c = 0; padded && c < m->shape.channels; c++)
		if (m->offset[c] != 0)
			return node_error(m, -EBADMSG, e,
				"pads with 0 what has no code for 0 (channel %d: code 0 stands for %g)", c,
				m->scale * m->offset[c]);
	return 0;
}

int conv_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *weights, *bias;
	struct layer *layer;
	int64_t groups = attribute_integer(m, "group", 1);
	int kernel[2];
	int rc = 0;

	if ((rc = codes_check(m, e)) || (rc = constant_needed(m, 1, "the weights", &weights, e)) ||
		(rc = constant_input(m, 2, &bias, e)))
		return rc;
	const int *dims = weights->dims; /* out, in a group, height, width */
	if (weights->rank != 4 || m->flat || groups < 1 || groups > m->shape.channels ||
		m->shape.channels % groups || dims[1] != m->shape.channels / groups || dims[0] % groups)
		return node_error(m, -EBADMSG, e,
			"its weights do not fit a picture of %d channels in %lld groups", m->shape.channels,
			(long long)groups);
	if ((rc = pair_read(m, "kernel_shape", dims[2], kernel, e)))
		return rc;
	struct onnx_attribute given;
	if (onnx_attribute_find(m->node, "kernel_shape", &given) &&
		(kernel[0] != dims[2] || kernel[1] != dims[3]))
		return node_error(m, -EBADMSG, e, "its kernel_shape is not that of its weights");
	if ((rc = layer_add(m, LAYER_CONV, &layer, e)))
		return rc;
	layer->groups = (int)groups;
	layer->kernel_height = dims[2];
	layer->kernel_width = dims[3];
	layer->out.channels = dims[0];
	if ((rc = windows_read(m, layer, e)) || (rc = padding_check(m, layer, e)))
		return rc;
	size_t window = (size_t)dims[2] * (size_t)dims[3];
	const struct weight_steps steps = {window * (size_t)dims[1], (size_t)dims[3], 1, window};
	rc = layer_open(m, layer, weights, steps, e);
	if (rc || !bias)
		return rc;
	const struct constant column = {3, {(int)bias->count, 1, 1}, bias->count, bias->values, bias->scales};
	return step_constant(m, STEP_ADD, &column, 1, e);
}

/*
 * A matrix from the flattened input, channel before row before column there, channel last here. out_first:
 * [out, in], else [in, out].
 */
static int matrix_follow(
	struct qonnx_import *m, const struct constant *weights, bool out_first, struct error *e)
{
	const size_t height = (size_t)m->shape.height, width = (size_t)m->shape.width;
	struct layer *layer;
	int rc = codes_check(m, e);

	if (rc)
		return rc;
	if (!m->flat)
		return node_error(m, -EBADMSG, e, "needs a Flatten or Reshape before it");
	if (weights->rank != 2 || (uint64_t)weights->dims[out_first] != shape_size(m->shape))
		return node_error(m, -EBADMSG, e, "its weights do not fit an input of %zu numbers",
			shape_size(m->shape));
	int out = weights->dims[!out_first];
	if ((rc = layer_add(m, LAYER_FULLY_CONNECTED, &layer, e)))
		return rc;
	layer->out.channels = out;
	size_t step = out_first ? 1 : (size_t)out;
	const struct weight_steps steps = {
		out_first ? shape_size(m->shape) : 1, width * step, step, height * width * step};
	return layer_open(m, layer, weights, steps, e);
}

int matmul_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *weights;
	int rc = constant_needed(m, 1, "the weights", &weights, e);

	return rc ? rc : matrix_follow(m, weights, false, e);
}

int gemm_follow(struct qonnx_import *m, struct error *e)
{
	struct onnx_attribute alpha = {.number = 1}, beta = {.number = 1};
	const struct constant *weights, *bias;
	int rc = 0;

	onnx_attribute_find(m->node, "alpha", &alpha);
	onnx_attribute_find(m->node, "beta", &beta);
	if (attribute_integer(m, "transA", 0))
		return node_error(m, -EBADMSG, e, "transposes its input");
	if ((rc = constant_needed(m, 1, "the weights", &weights, e)) ||
		(rc = constant_input(m, 2, &bias, e)) ||
		(rc = matrix_follow(m, weights, attribute_integer(m, "transB", 0) != 0, e)))
		return rc;
	const struct constant factor = {0, {0}, 1, &alpha.number};
	if (alpha.number != 1 && (rc = step_constant(m, STEP_MULTIPLY, &factor, 1, e)))
		return rc;
	return bias ? step_constant(m, STEP_ADD, bias, (double)beta.number, e) : 0;
}

/*
 * A pool behind a layer's sums takes the largest of its codes instead. Its position among the steps is kept:
 * layer_end_codes checks that this is valid.
 */
int pool_follow(struct qonnx_import *m, struct error *e)
{
	struct onnx_attribute shape;
	struct layer *layer;
	int kernel[2];
	int rc = pair_read(m, "kernel_shape", 1, kernel, e);

	if (rc)
		return rc;
	if (m->place == AT_INPUT || m->flat || m->node->output_count > 1 ||
		!onnx_attribute_find(m->node, "kernel_shape", &shape))
		return node_error(m, -EBADMSG, e,
			"must stand behind a Quant or a layer, have a kernel_shape and one output");
	if (m->place == AT_CODES && m->scale < 0)
		return node_error(m, -EBADMSG, e, "the largest number there is the least code");
	if ((rc = layer_add(m, LAYER_MAX_POOL, &layer, e)))
		return rc;
	layer->kernel_height = kernel[0];
	layer->kernel_width = kernel[1];
	layer->output_bits = m->bits;
	if ((rc = windows_read(m, layer, e)))
		return rc;
	int rest_y = (layer->in.height + layer->pad_top + layer->pad_bottom - kernel[0]) % layer->stride_height;
	int rest_x = (layer->in.width + layer->pad_left + layer->pad_right - kernel[1]) % layer->stride_width;
	if (attribute_integer(m, "ceil_mode", 0) && (rest_y || rest_x))
		return node_error(m, -EBADMSG, e, "ceil_mode adds windows that lie partly outside");
	m->shape = layer->out;
	return m->place == AT_SUMS ? step_add(m, STEP_POOL, NULL, 0, e) : 0;
}

int identity_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *training;
	int rc = 0;

	if (!onnx_text_is(m->node->type, "Dropout") || (rc = constant_input(m, 2, &training, e)) || !training)
		return rc;
	return constant_number(training, 0) == 0
		       ? 0
		       : node_error(m, -EBADMSG, e, "is in training mode; export with the model's eval()");
}

int flatten_follow(struct qonnx_import *m, struct error *e)
{
	int64_t axis = attribute_integer(m, "axis", 1);

	if (axis != 1 && axis != (m->flat ? -1 : -3))
		return node_error(m, -EBADMSG, e, "its axis must be 1");
	m->flat = true;
	return 0;
}

/* To [pictures, numbers of one]; or to what it is already. */
int reshape_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *shape;
	int rc = constant_needed(m, 1, "the shape", &shape, e);

	if (rc)
		return rc;
	const double all = (double)shape_size(m->shape);
	const double sizes[] = {m->shape.channels, m->shape.height, m->shape.width};
	const size_t rank = m->flat ? 2 : 4;
	bool first = shape->count >= 2 && constant_number(shape, 0) <= 1 && constant_number(shape, 0) >= -1;
	if (first && shape->count == 2 &&
		(constant_number(shape, 1) == all ||
			(constant_number(shape, 1) == -1 && constant_number(shape, 0) != -1))) {
		m->flat = true;
		return 0;
	}
	for (size_t i = 1; first && i < shape->count && rank == 4; i++)
		first = shape->count == 4 &&
			(constant_number(shape, i) == sizes[i - 1] || constant_number(shape, i) == 0);
	return first && shape->count == 4 && rank == 4
		       ? 0
		       : node_error(m, -EBADMSG, e, "must flatten each picture to %g numbers", all);
}

int softmax_follow(struct qonnx_import *m, struct error *e)
{
	int64_t axis = attribute_integer(m, "axis", -1);

	if (m->place != AT_SUMS || !m->flat || (axis != 1 && axis != -1))
		return node_error(m, -EBADMSG, e, "must stand behind the scores, along axis 1");
	m->place = AT_END;
	return 0;
}

/* The difference of each channel between the quantised pixel and its code, the byte; false: it differs. */
static bool input_codes(struct qonnx_import *m, const struct quant *quant, double range)
{
	for (int c = 0; c < m->shape.channels; c++)
		for (int pixel = 0; pixel <= UINT8_MAX; pixel++) {
			double number = steps_apply(m, c, pixel / range);
			double difference = quant_apply(quant, number) - pixel;

			if (pixel == 0)
				m->offset[c] = difference;
			else if (!(difference == m->offset[c]))
				return false;
		}
	return true;
}

/* Pictures go from 0 to 1, or from 0 to 255: the one for which every byte has a code of its own. */
static int input_quantise(struct qonnx_import *m, const struct quant *quant, struct error *e)
{
	m->offset = calloc((size_t)m->shape.channels, sizeof(*m->offset));
	if (!m->offset)
		return node_error(m, -ENOMEM, e, "out of memory");
	if (quant->bipolar || (!input_codes(m, quant, 255) && !input_codes(m, quant, 1)))
		return node_error(m, -EBADMSG, e,
			"must give each of a pixel's 256 values a code of its own: 8 bits, with a scale of "
			"1/255 "
			"for pictures from 0 to 1, or of 1 for pictures from 0 to 255");
	steps_clear(m);
	m->scale = quant->scale;
	m->bits = 8;
	m->levels = UINT8_MAX;
	m->place = AT_CODES;
	return 0;
}

/* Quantising codes again is ignored when no number changes. */
static int codes_quantise(struct qonnx_import *m, const struct quant *quant, struct error *e)
{
	for (int c = 0; c < m->shape.channels; c++)
		for (int code = 0; code <= m->levels; code++) {
			double number = m->scale * (code + m->offset[c]);

			if (!(fabs(quant_apply(quant, number) * quant->scale - number) <=
				    1e-6 * fabs(m->scale)))
				return node_error(m, -EBADMSG, e,
					"quantises what is quantised already, otherwise than before");
		}
	return 0;
}

int quant_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *scale;
	struct quant quant;
	int rc = quant_read(m, &scale, &quant, e);

	if (rc)
		return rc;
	for (size_t i = 1; i < scale->count; i++)
		if (scale->values[i] != scale->values[0])
			return node_error(m, -EBADMSG, e,
				"its scale differs between channels; activations need one scale");
	quant.scale = (double)scale->values[0];
	if (m->place == AT_INPUT)
		return input_quantise(m, &quant, e);
	return m->place == AT_CODES ? codes_quantise(m, &quant, e) : layer_end_codes(m, &quant, e);
}
