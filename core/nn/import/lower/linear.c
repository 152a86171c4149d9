/* SPDX-License-Identifier: MIT */
/* Convolutions and matrices: a layer of sums for each term of codes that they read. */
#include "nn/import/lower/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCALE_LIMIT = 8 /* scales among a term's channels, each of which takes a layer of its own */ };

/* A linear operator: a layer without weights, and where they lie in their constant. */
struct linear {
	struct layer like;
	const struct graph_constant *weights;
	ptrdiff_t first, group, out, y, x, in; /* steps in it; out and in: within the group */
	int factor[2];			       /* of a transposed convolution: zeros between the pixels */
	bool padded;
	double *scale; /* [out]: of the weights */
};

static size_t weight_place(const struct linear *w, int o, int y, int x, int i)
{
	int outs = w->like.out.channels / w->like.groups;

	return (size_t)(w->first + w->group * (o / outs) + w->out * (o % outs) + w->y * y + w->x * x +
			w->in * i);
}

static int depth_of(const struct linear *w)
{
	return w->like.in.channels / w->like.groups;
}

/* The channel of the input that tap i of output o reads. */
static int channel_of(const struct linear *w, int o, int i)
{
	return o / (w->like.out.channels / w->like.groups) * depth_of(w) + i;
}

/* One scale for each output channel. */
static int scales_read(struct lowering *l, struct linear *w, struct error *e)
{
	int rc = numbers_take(l, w->like.out.channels, 0, &w->scale, e);

	if (!rc && !w->weights->scales)
		return node_error(
			l, -EBADMSG, e, "its weights are not quantised; %s", l->options->weights_advice);
	for (int o = 0; o < w->like.out.channels && rc == 0; o++) {
		float scale = w->weights->scales[weight_place(w, o, 0, 0, 0)];

		w->scale[o] = (double)scale;
		for (int y = 0; y < w->like.kernel_height; y++)
			for (int x = 0; x < w->like.kernel_width; x++)
				for (int i = 0; i < depth_of(w); i++)
					if (w->weights->scales[weight_place(w, o, y, x, i)] != scale)
						return node_error(l, -EBADMSG, e,
							"its weights of output channel %d have several "
							"scales",
							o);
	}
	return rc;
}

/* The part of a weight that a layer of 8 bits holds: its lowest 8 bits, or what is above them. */
static double weight_part(double weight, bool upper)
{
	double above = floor((weight + 128) / 256);

	return upper ? above : weight - 256 * above;
}

/* Which weights a layer takes: the part, and the input channels of one scale (NaN: all). */
struct selection {
	int parts; /* 1: whole weights */
	bool upper;
	const double *scales;
	double scale;
};

static double selected_weight(
	const struct linear *w, const struct selection *selection, int o, int y, int x, int i)
{
	if (!isnan(selection->scale) && selection->scales[channel_of(w, o, i)] != selection->scale)
		return 0;
	double weight = w->weights->values[weight_place(w, o, y, x, i)];
	return selection->parts > 1 ? weight_part(weight, selection->upper) : weight;
}

/* What is to be added to 8-bit weights to give those of an output channel; beyond OFFSET_LIMIT: none does. */
static int offset_find(const struct linear *w, const struct selection *selection, int o)
{
	double least = 0, most = 0;

	for (int y = 0; y < w->like.kernel_height; y++)
		for (int x = 0; x < w->like.kernel_width; x++)
			for (int i = 0; i < depth_of(w); i++) {
				double weight = selected_weight(w, selection, o, y, x, i);

				least = fmin(least, weight);
				most = fmax(most, weight);
			}
	if (most - least > UINT8_MAX)
		return OFFSET_LIMIT + 1;
	return (int)(most > INT8_MAX ? most - INT8_MAX : least < INT8_MIN ? least - INT8_MIN : 0);
}

static int offsets_fill(struct lowering *l, const struct linear *w, const struct selection *selection,
	struct layer *layer, struct error *e)
{
	size_t channels = (size_t)layer->out.channels;
	bool needed = false;
	int8_t *offsets = calloc(channels, 1);
	int rc = lowering_charge(l, channels, 1, e);

	if (rc || !offsets) {
		free(offsets);
		return rc ? rc : node_error(l, -ENOMEM, e, "out of memory");
	}
	for (int o = 0; o < layer->out.channels; o++) {
		offsets[o] = (int8_t)offset_find(w, selection, o);
		needed = needed || offsets[o];
	}
	if (needed)
		layer->weight_offset = offsets;
	else
		free(offsets);
	return 0;
}

static int bits_of(const struct layer *layer, double least, double most, bool zeros)
{
	if (layer->weight_offset)
		return 8;
	return !zeros && least >= -1 && most <= 1 ? 1
	       : least >= -2 && most <= 1	  ? 2
	       : least >= -8 && most <= 7	  ? 4
						  : 8;
}

static int weights_fill(struct lowering *l, const struct linear *w, const struct selection *selection,
	struct layer *layer, struct error *e)
{
	double least = 0, most = 0;
	bool zeros = false;

	int rc = lowering_charge(l, (size_t)layer_weight_count(layer), 1, e);
	if (rc || (selection->parts == 1 && (rc = offsets_fill(l, w, selection, layer, e))))
		return rc;
	layer->weights = malloc((size_t)layer_weight_count(layer) + 1);
	if (!layer->weights)
		return node_error(l, -ENOMEM, e, "out of memory");
	int8_t *to = layer->weights;
	for (int o = 0; o < layer->out.channels; o++)
		for (int y = 0; y < layer->kernel_height; y++)
			for (int x = 0; x < layer->kernel_width; x++)
				for (int i = 0; i < depth_of(w); i++) {
					double weight = selected_weight(w, selection, o, y, x, i) -
							(layer->weight_offset ? layer->weight_offset[o] : 0);

					if (fabs(weight) > 128)
						return node_error(l, -EBADMSG, e,
							"its weights need more than 16 bits; use fewer");
					least = fmin(least, weight);
					most = fmax(most, weight);
					zeros = zeros || weight == 0;
					*to++ = (int8_t)weight;
				}
	layer->weight_bits = bits_of(layer, least, most, zeros);
	return 0;
}

static int sums_check(struct lowering *l, const struct layer *layer, struct error *e)
{
	uint64_t taps = layer_weight_count(layer) / (uint64_t)layer->out.channels;
	uint64_t weight = layer->weight_offset ? WEIGHT_MOST : UINT64_C(1) << (layer->weight_bits - 1);
	uint64_t most = weight * ((UINT64_C(1) << layer->input_bits) - 1);

	return taps <= INT32_MAX / most ? 0 : node_error(l, -EOVERFLOW, e, "its sums can leave 32 bits");
}

static int conv_build(struct lowering *l, const struct linear *w, const struct term *term, int zero,
	const struct selection *selection, int *index, struct error *e)
{
	int rc = layer_build(l, w->like.kind, term->source, index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer, made = w->like;
	made.from[0] = term->source;
	made.from_count = 1;
	made.input_bits = layer->input_bits;
	made.output_bits = TENSOR_SUMS;
	made.epilogue = EPILOGUE_SUMS;
	made.pad_code = (uint8_t)(w->padded ? zero : 0);
	*layer = made;
	if (layer_weight_count(layer) > WEIGHT_LIMIT)
		return node_error(l, -EOVERFLOW, e, "has more weights than a network can have");
	if ((rc = weights_fill(l, w, selection, layer, e)) || (rc = sums_check(l, layer, e)))
		return rc;
	return reach_make(l, *index, e);
}

/* Adds the layer's sums to the signal: Σ weights · scale(s) of the term. */
static int sums_add(struct lowering *l, const struct linear *w, const struct term *term, int index,
	bool upper, double same, struct signal *out, struct error *e)
{
	double *scale, *offset;
	int rc = out->term_count == TERM_LIMIT ? signal_combine(l, out, e) : 0;

	if (rc || (rc = numbers_take(l, w->like.out.channels, 0, &scale, e)) ||
		(rc = numbers_take(l, w->like.out.channels, 0, &offset, e)))
		return rc;
	for (int o = 0; o < w->like.out.channels; o++)
		scale[o] = w->scale[o] * (isnan(same) ? term->scale[channel_of(w, o, 0)] : same) *
			   (upper ? 256 : 1);
	out->terms[out->term_count++] = (struct term){index, scale, offset};
	return 0;
}

/* Layers for the weights: one of 8 bits with offsets, or two whose parts make 16. */
static int parts_of(const struct linear *w, struct selection selection)
{
	selection.parts = 1;
	for (int o = 0; o < w->like.out.channels; o++)
		if (abs(offset_find(w, &selection, o)) > OFFSET_LIMIT)
			return 2;
	return 1;
}

/* The scales among the channels; NaN alone where each group of them has one. */
static int scales_find(struct lowering *l, const struct linear *w, const struct term *term,
	double scales[SCALE_LIMIT], int *count, struct error *e)
{
	bool grouped = true;

	for (int c = 0; c < w->like.in.channels; c++)
		grouped = grouped && term->scale[c] == term->scale[c / depth_of(w) * depth_of(w)];
	*count = 0;
	if (grouped)
		scales[(*count)++] = NAN;
	for (int c = 0; c < w->like.in.channels && !grouped; c++) {
		int i = 0;

		while (i < *count && scales[i] != term->scale[c])
			i++;
		if (i < *count || term->scale[c] == 0)
			continue;
		if (*count == SCALE_LIMIT)
			return node_error(l, -EBADMSG, e, "reads channels of more than %d scales; %s",
				SCALE_LIMIT, l->options->advice);
		scales[(*count)++] = term->scale[c];
	}
	return 0;
}

static int term_lower(struct lowering *l, const struct linear *w, const struct term *term, int zero,
	struct signal *out, struct error *e)
{
	double scales[SCALE_LIMIT];
	int count, index, rc = scales_find(l, w, term, scales, &count, e);

	for (int s = 0; s < count && rc == 0; s++) {
		struct selection selection = {.scales = term->scale, .scale = scales[s]};

		selection.parts = parts_of(w, selection);
		for (int part = 0; part < selection.parts && rc == 0; part++) {
			selection.upper = part == 1;
			rc = conv_build(l, w, term, zero, &selection, &index, e);
			if (rc == 0)
				rc = sums_add(l, w, term, index, part == 1, scales[s], out, e);
		}
	}
	return rc;
}

/* What the offsets and the summand of the input come to, over all taps: padding has its code for 0. */
static int constants_sum(struct lowering *l, const struct linear *w, const struct code_terms *codes,
	struct signal *out, struct error *e)
{
	double *input, *summand;
	int rc = numbers_take(l, w->like.in.channels, 0, &input, e);

	if (rc || (rc = numbers_take(l, w->like.out.channels, 0, &summand, e)))
		return rc;
	for (int c = 0; c < w->like.in.channels; c++) {
		input[c] = codes->summand[c];
		for (int k = 0; k < codes->count; k++)
			input[c] += codes->terms[k].scale[c] * codes->terms[k].offset[c];
	}
	for (int o = 0; o < w->like.out.channels; o++) {
		for (int y = 0; y < w->like.kernel_height; y++)
			for (int x = 0; x < w->like.kernel_width; x++)
				for (int i = 0; i < depth_of(w); i++)
					summand[o] += w->weights->values[weight_place(w, o, y, x, i)] *
						      input[channel_of(w, o, i)];
		summand[o] *= w->scale[o];
	}
	out->summand = summand;
	return 0;
}

/* Zeros between the pixels of a transposed convolution. */
static int stuff(struct lowering *l, const struct linear *w, struct term *term, int zero, struct error *e)
{
	struct shape in = built_tensor(l, term->source).shape;
	const struct spatial spatial = {LAYER_UPSAMPLE, {1, 1}, {w->factor[0], w->factor[1]}, {0},
		{(in.height - 1) * w->factor[0] + 1, (in.width - 1) * w->factor[1] + 1, in.channels}};
	int index, rc;

	if (w->factor[0] * w->factor[1] <= 1)
		return 0;
	if ((rc = spatial_build(l, term->source, &spatial, &index, e)))
		return rc;
	l->built[index].layer.stuffed = true;
	l->built[index].layer.pad_code = (uint8_t)zero;
	term->source = index;
	return reach_make(l, index, e);
}

static int linear_lower(
	struct lowering *l, struct linear *w, const struct signal *in, struct signal *out, struct error *e)
{
	struct code_terms codes;
	int rc = 0;

	if ((rc = scales_read(l, w, e)) || (rc = signal_codes(l, in, w->padded, &codes, e)))
		return rc;
	*out = (struct signal){.known = true, .shape = w->like.out, .order = "CHW"};
	if ((rc = constants_sum(l, w, &codes, out, e)))
		return rc;
	for (int k = 0; k < codes.count && rc == 0; k++) {
		rc = stuff(l, w, &codes.terms[k], codes.zeros[k], e);
		if (rc == 0)
			rc = term_lower(l, w, &codes.terms[k], codes.zeros[k], out, e);
	}
	return rc;
}

static int bias_add(struct lowering *l, int input, double factor, struct signal *out, struct error *e)
{
	const struct graph_constant *bias;
	int channels = out->shape.channels, rc = graph_constant(l->graph, l->node, input, &bias, e);
	double *summand;

	if (rc || !bias)
		return rc;
	if (bias->count != 1 && bias->count != (size_t)channels)
		return node_error(l, -EBADMSG, e,
			"its constant of %zu numbers is neither one number nor one for each of %d channels",
			bias->count, channels);
	if ((rc = numbers_take(l, channels, 0, &summand, e)))
		return rc;
	for (int c = 0; c < channels; c++)
		summand[c] = factor * graph_value(bias, bias->count == 1 ? 0 : (size_t)c);
	return signal_affine(l, out, NULL, summand, e);
}

/* Kernel, stride, dilation and padding of the node, into the layer. */
static int window_set(
	struct lowering *l, const struct signal *in, struct linear *w, const int *dims, struct error *e)
{
	struct layer *layer = &w->like;
	int kernel[2], stride[2], dilation[2], pads[4], rc;

	if ((rc = pair_read(l, "kernel_shape", 0, kernel, e)) ||
		(rc = pair_read(l, "strides", 1, stride, e)) ||
		(rc = pair_read(l, "dilations", 1, dilation, e)))
		return rc;
	if (kernel[0] && (kernel[0] != dims[0] || kernel[1] != dims[1]))
		return node_error(l, -EBADMSG, e, "its kernel_shape is not that of its weights");
	if ((rc = pads_read(l, in, dims, stride, dilation, pads, e)))
		return rc;
	layer->kernel_height = dims[0];
	layer->kernel_width = dims[1];
	layer->stride_height = stride[0];
	layer->stride_width = stride[1];
	layer->dilation_height = dilation[0];
	layer->dilation_width = dilation[1];
	layer->pad_top = pads[0];
	layer->pad_left = pads[1];
	layer->pad_bottom = pads[2];
	layer->pad_right = pads[3];
	w->padded = pads[0] || pads[1] || pads[2] || pads[3];
	return 0;
}

static int shape_set(struct lowering *l, struct layer *layer, struct error *e)
{
	struct error cause = {0};
	int rc = layer_output_shape(layer, &layer->out, &cause);

	return rc ? node_error(l, rc, e, "%s", cause.text) : 0;
}

static int convolution_open(struct lowering *l, const char *what, const struct signal **in,
	const struct graph_tensor **weights, struct linear *w, struct error *e)
{
	int rc = signal_input(l, 0, in, e);

	if (rc || (rc = graph_constant_needed(l->graph, l->node, 1, "the weights", &w->weights, e)))
		return rc;
	*weights = l->node->inputs[1];
	if ((*weights)->rank != 4 || !signal_is_picture(*in, l->node->inputs[0]))
		return node_error(l, -EBADMSG, e,
			"%s of pictures only can be imported, of [1, channels, height, width]", what);
	w->like = (struct layer){.kind = LAYER_CONV, .in = (*in)->shape, .groups = 1};
	return 0;
}

static int groups_read(struct lowering *l, struct layer *layer, int in, int out, struct error *e)
{
	int64_t groups = graph_integer(l->node, "group", 1);

	if (groups < 1 || groups > layer->in.channels || layer->in.channels % groups ||
		in != layer->in.channels || out % groups)
		return node_error(l, -EBADMSG, e,
			"its weights do not fit a picture of %d channels in %lld groups", layer->in.channels,
			(long long)groups);
	layer->groups = (int)groups;
	layer->out.channels = out;
	return 0;
}

int conv_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct linear w = {.factor = {1, 1}};
	const struct graph_tensor *weights;
	const struct signal *in;
	int rc = convolution_open(l, "convolutions", &in, &weights, &w, e);

	if (rc)
		return rc;
	const int *dims = weights->dims; /* out, in a group, height, width */
	int64_t groups = graph_integer(l->node, "group", 1);
	int64_t ins = groups >= 1 && groups <= CHANNEL_LIMIT ? dims[1] * groups : 0;
	if ((rc = groups_read(l, &w.like, ins <= CHANNEL_LIMIT ? (int)ins : 0, dims[0], e)) ||
		(rc = window_set(l, in, &w, dims + 2, e)) || (rc = shape_set(l, &w.like, e)))
		return rc;
	w.x = 1;
	w.y = dims[3];
	w.in = w.y * dims[2];
	w.out = w.in * dims[1];
	w.group = w.out * (dims[0] / w.like.groups);
	rc = linear_lower(l, &w, in, out, e);
	return rc ? rc : bias_add(l, 2, 1, out, e);
}

/* A convolution of stride 1 with the kernel turned round, over the pixels with zeros between them. */
static int transposed_pads(struct lowering *l, struct linear *w, struct error *e)
{
	struct layer *layer = &w->like;
	int rows = (layer->kernel_height - 1) * layer->dilation_height, more[2] = {0, 0};
	int columns = (layer->kernel_width - 1) * layer->dilation_width;
	const struct onnx_attribute *output = graph_attribute(l->node, "output_padding");

	if (graph_attribute(l->node, "output_shape") || layer->kernel_height > SIDE_LIMIT)
		return node_error(l, -EBADMSG, e, "its output_shape cannot be imported; give pads instead");
	for (int i = 0; output && i < output->count && i < 2; i++)
		if (output->integers[i] < 0 || output->integers[i] > SIDE_LIMIT)
			return node_error(
				l, -EBADMSG, e, "output_padding holds %lld", (long long)output->integers[i]);
		else
			more[i] = (int)output->integers[i];
	layer->pad_top = rows - layer->pad_top;
	layer->pad_left = columns - layer->pad_left;
	layer->pad_bottom = rows - layer->pad_bottom + more[0];
	layer->pad_right = columns - layer->pad_right + more[1];
	w->factor[0] = layer->stride_height;
	w->factor[1] = layer->stride_width;
	layer->stride_height = layer->stride_width = 1;
	layer->in.height = (layer->in.height - 1) * w->factor[0] + 1;
	layer->in.width = (layer->in.width - 1) * w->factor[1] + 1;
	w->padded = true;
	return 0;
}

int transposed_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct linear w = {.factor = {1, 1}};
	const struct graph_tensor *weights;
	const struct signal *in;
	int rc = convolution_open(l, "transposed convolutions", &in, &weights, &w, e);

	if (rc)
		return rc;
	const int *dims = weights->dims; /* in, out a group, height, width */
	int64_t groups = graph_integer(l->node, "group", 1);
	int64_t outs = groups >= 1 && groups <= CHANNEL_LIMIT ? dims[1] * groups : 0;
	if ((rc = groups_read(l, &w.like, dims[0], outs <= CHANNEL_LIMIT ? (int)outs : 0, e)) ||
		(rc = window_set(l, in, &w, dims + 2, e)) || (rc = transposed_pads(l, &w, e)) ||
		(rc = shape_set(l, &w.like, e)))
		return rc;
	w.x = -1;
	w.y = -dims[3];
	w.first = (ptrdiff_t)dims[2] * dims[3] - 1;
	w.out = (ptrdiff_t)dims[2] * dims[3];
	w.in = w.out * dims[1];
	w.group = w.in * (dims[0] / w.like.groups);
	rc = linear_lower(l, &w, in, out, e);
	return rc ? rc : bias_add(l, 2, 1, out, e);
}

/* Steps of the input's numbers in a flattened row, in the order in which they lie in the graph. */
static void row_steps(const struct signal *in, struct linear *w, ptrdiff_t step)
{
	for (int i = 2; i >= 0; i--)
		switch (in->order[i]) {
		case 'C':
			w->in = step;
			step *= in->shape.channels;
			break;
		case 'H':
			w->y = step;
			step *= in->shape.height;
			break;
		default:
			w->x = step;
			step *= in->shape.width;
		}
}

static int matrix_lower(struct lowering *l, bool out_first, struct signal *out, struct error *e)
{
	struct linear w = {.factor = {1, 1}};
	const struct graph_tensor *row = l->node->inputs[0], *weights;
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = graph_constant_needed(l->graph, l->node, 1, "the weights", &w.weights, e)))
		return rc;
	size_t all = shape_size(in->shape);
	if (row->rank < 1 || (size_t)row->dims[row->rank - 1] != all)
		return node_error(l, -EBADMSG, e, "needs a Flatten or Reshape before it");
	weights = l->node->inputs[1];
	if (weights->rank != 2 || (size_t)weights->dims[out_first] != all)
		return node_error(l, -EBADMSG, e, "its weights do not fit an input of %zu numbers", all);
	int outs = weights->dims[!out_first];
	if (outs > CHANNEL_LIMIT)
		return node_error(l, -EOVERFLOW, e, "makes %d numbers, more than %d", outs, CHANNEL_LIMIT);
	w.like = (struct layer){.kind = LAYER_FULLY_CONNECTED,
		.in = in->shape,
		.out = {1, 1, outs},
		.kernel_height = in->shape.height,
		.kernel_width = in->shape.width,
		LAYER_STEPS_OF_ONE,
		.groups = 1};
	row_steps(in, &w, out_first ? 1 : outs);
	w.out = out_first ? (ptrdiff_t)all : 1;
	return linear_lower(l, &w, in, out, e);
}

int matmul_lower(struct lowering *l, struct signal *out, struct error *e)
{
	return matrix_lower(l, false, out, e);
}

int gemm_lower(struct lowering *l, struct signal *out, struct error *e)
{
	double alpha = graph_number(l->node, "alpha", 1), beta = graph_number(l->node, "beta", 1), *factor;
	int rc;

	if (graph_integer(l->node, "transA", 0))
		return node_error(l, -EBADMSG, e, "transposes its input");
	if ((rc = matrix_lower(l, graph_integer(l->node, "transB", 0) != 0, out, e)))
		return rc;
	if (alpha != 1 && ((rc = numbers_take(l, out->shape.channels, alpha, &factor, e)) ||
				  (rc = signal_affine(l, out, factor, NULL, e))))
		return rc;
	return bias_add(l, 2, beta, out, e);
}
