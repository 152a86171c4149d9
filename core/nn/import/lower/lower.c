/* SPDX-License-Identifier: MIT */
/* Walks over the graph's nodes in their order; each makes a signal of those that it reads. */
#include "nn/import/lower/lower.h"

#include "nn/import/lower/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int quant_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	return rc ? rc : signal_quantise(l, in, l->node, out, e);
}

static const struct {
	const char *type;
	int (*lower)(struct lowering *l, struct signal *out, struct error *e);
} operators[] = {
	{"ArgMax", tail_lower},
	{"AveragePool", average_pool_lower},
	{"Cast", identity_lower},
	{"Concat", concat_lower},
	{"Conv", conv_lower},
	{"ConvTranspose", transposed_lower},
	{"DepthToSpace", depth_lower},
	{"Dropout", identity_lower},
	{"Flatten", reshape_lower},
	{"Gemm", gemm_lower},
	{"GlobalAveragePool", global_average_lower},
	{"GlobalMaxPool", global_max_lower},
	{"Identity", identity_lower},
	{"LogSoftmax", tail_lower},
	{"MatMul", matmul_lower},
	{"MaxPool", max_pool_lower},
	{"Pad", pad_lower},
	{"ReduceMean", mean_lower},
	{"Reshape", reshape_lower},
	{"Resize", resize_lower},
	{"Softmax", tail_lower},
	{"Squeeze", reshape_lower},
	{"TopK", tail_lower},
	{"Transpose", transpose_lower},
	{"Unsqueeze", reshape_lower},
	{"Upsample", resize_lower},
};

static int operator_unknown(struct lowering *l, struct error *e)
{
	if (strcmp(l->node->domain, "finn.custom_op.general") == 0 ||
		strcmp(l->node->type, "MultiThreshold") == 0)
		return node_error(l, -EBADMSG, e,
			"the operator %s of domain %s is FINN's own; export the model with export_qonnx "
			"instead",
			l->node->type, l->node->domain);
	if (l->node->domain[0])
		return node_error(l, -EBADMSG, e, "the operator %s of domain %s cannot be imported",
			l->node->type, l->node->domain);
	if (graph_is(l->node, "QuantizeLinear") || graph_is(l->node, "DequantizeLinear"))
		return node_error(l, -EBADMSG, e,
			"the operator %s cannot be imported from QONNX; use import onnx", l->node->type);
	return node_error(l, -EBADMSG, e, "the operator %s cannot be imported", l->node->type);
}

static int node_lower(struct lowering *l, struct signal *out, struct error *e)
{
	if (l->node->quantisation)
		return quant_lower(l, out, e);
	int rc = element_lower(l, out, e);
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators) && rc == 1; i++)
		if (graph_is(l->node, operators[i].type))
			rc = operators[i].lower(l, out, e);
	return rc == 1 ? operator_unknown(l, e) : rc;
}

/* After the end only reshapes follow, which change nothing. */
static bool follows_end(const struct lowering *l)
{
	const struct graph_tensor *in = graph_input(l->node, 0);
	const struct signal *signal = in ? signal_of(l, in) : NULL;

	return signal && signal->known && signal->ended &&
	       (graph_is(l->node, "Identity") || graph_is(l->node, "Squeeze") ||
		       graph_is(l->node, "Flatten") || graph_is(l->node, "Reshape") ||
		       graph_is(l->node, "Cast"));
}

static int node_visit(struct lowering *l, struct error *e)
{
	struct signal out = {0};
	int rc = 0;

	if (follows_end(l))
		out = *signal_of(l, l->node->inputs[0]);
	else
		rc = node_lower(l, &out, e);
	out.known = true;
	for (int i = 0; i < l->node->output_count && rc == 0; i++)
		if (l->node->outputs[i])
			*signal_of(l, l->node->outputs[i]) = out;
	return rc;
}

static int side_of_square(int count)
{
	int side = 1;

	while (side * side < count)
		side++;
	return side * side == count ? side : 0;
}

/* A row of numbers is a grey picture, if it can be a square. */
static struct shape input_shape(const struct graph_tensor *input)
{
	int side = input->rank == 2 ? side_of_square(input->dims[1]) : 0;

	if (input->rank == 2)
		return side ? (struct shape){side, side, 1} : (struct shape){1, 1, input->dims[1]};
	return (struct shape){input->dims[2], input->dims[3], input->dims[1]};
}

static int input_begin(struct lowering *l, struct error *e)
{
	const struct lower_options *options = l->options;
	struct signal *input = signal_of(l, l->graph->input);
	double *scale, *offset, *summand;
	int rc;

	*input = (struct signal){.known = true, .shape = input_shape(l->graph->input), .order = "CHW"};
	if (input->shape.height > SIDE_LIMIT || input->shape.width > SIDE_LIMIT)
		return graph_error(l->graph, NULL, -EBADMSG, e, "the input \"%s\" is larger than %d pixels",
			l->graph->input->name, SIDE_LIMIT);
	int channels = input->shape.channels;
	if (options->mean && options->channels != 1 && options->channels != channels)
		return graph_error(l->graph, NULL, -EBADMSG, e,
			"a mean of %d numbers does not fit %d channels", options->channels, channels);
	if ((rc = numbers_take(l, channels, 1.0 / UINT8_MAX, &scale, e)) ||
		(rc = numbers_take(l, channels, 0, &offset, e)) ||
		(rc = numbers_take(l, channels, 0, &summand, e)))
		return rc;
	for (int c = 0; c < channels && options->mean; c++) {
		int i = options->channels == 1 ? 0 : c;

		scale[c] = 1.0 / UINT8_MAX / options->std[i];
		double zero = -options->mean[i] * UINT8_MAX;

		/* A mean that is a pixel can stand for 0 in padding. */
		if (fabs(zero - rint(zero)) < 1e-6)
			offset[c] = rint(zero);
		else
			summand[c] = scale[c] * zero;
	}
	input->terms[0] = (struct term){NETWORK_INPUT, scale, offset};
	input->term_count = 1;
	input->summand = summand;
	l->pixel_scale = scale;
	l->pixel_summand = summand;
	return 0;
}

static int graph_walk(struct lowering *l, struct error *e)
{
	int rc = input_begin(l, e);

	for (int i = 0; i < l->graph->node_count && rc == 0; i++) {
		l->node = l->graph->nodes[i];
		rc = node_visit(l, e);
	}
	return rc ? rc : lowering_finish(l, signal_of(l, l->graph->output), e);
}

static void lowering_end(struct lowering *l)
{
	for (int i = 0; i < l->built_count; i++) {
		free(l->built[i].layer.name);
		layer_free_arrays(&l->built[i].layer);
	}
	for (int i = 0; i < l->block_count; i++)
		free(l->blocks[i]);
	free((void *)l->blocks);
	free(l->built);
	free(l->signals);
}

int lower(struct graph *graph, const struct lower_options *options, struct network **out, struct error *e)
{
	struct lowering l = {.graph = graph, .options = options};
	int rc;

	*out = NULL;
	l.signals = calloc((size_t)graph->tensor_count + 1, sizeof(*l.signals));
	rc = l.signals ? graph_walk(&l, e) : graph_error(graph, NULL, -ENOMEM, e, "out of memory");
	lowering_end(&l);
	if (rc == 0)
		*out = l.network;
	else
		network_destroy(l.network);
	return rc;
}
