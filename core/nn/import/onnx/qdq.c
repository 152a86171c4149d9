/* SPDX-License-Identifier: MIT */
#include "nn/import/onnx/integers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t type_of(const struct graph_tensor *tensor)
{
	return tensor->constant	     ? tensor->constant->type
	       : tensor->initializer ? tensor->initializer->type
				     : 0;
}

/* Reads a constant from the file, if it is one. */
static int number_read(const struct graph *graph, const struct graph_node *node,
	const struct graph_tensor *tensor, struct error *e)
{
	struct graph_node reader = *node;
	const struct graph_constant *constant;

	reader.inputs[0] = (struct graph_tensor *)tensor;
	reader.input_count = 1;
	return graph_constant(graph, &reader, 0, &constant, e);
}

int integers_point(struct graph *graph, struct graph_node *node, const struct graph_tensor *scale,
	const struct graph_tensor *zero, struct error *e)
{
	int64_t type = zero ? type_of(zero) : TYPE_UINT8;
	const struct quantisation quantisation = {
		.scale = scale,
		.zero = zero,
		.low = type == TYPE_INT8 ? INT8_MIN : 0,
		.high = type == TYPE_INT8 ? INT8_MAX : UINT8_MAX,
		.round = rounding_half_even,
		.zero_after = true,
	};

	if (type != TYPE_UINT8 && type != TYPE_INT8)
		return graph_error(graph, node, -EBADMSG, e,
			"makes codes of ONNX's data type %lld; only uint8 and int8 can be imported: quantise "
			"to "
			"8 bits, or give the model of floats and --calibrate",
			(long long)type);
	if (!scale || !graph_is_constant(scale))
		return graph_error(graph, node, -EBADMSG, e,
			"its scale depends on the picture; quantise statically, or give the model of floats "
			"and "
			"--calibrate");
	int rc = number_read(graph, node, scale, e);
	rc = rc ? rc : number_read(graph, node, zero, e);
	return rc ? rc : graph_quantise(graph, node, &quantisation, e);
}

/* Whether both are the same numbers; zero points that are left out are 0. */
static int numbers_same(const struct graph *graph, const struct graph_node *reader, int index,
	const struct graph_tensor *other, bool *same, struct error *e)
{
	struct graph_node other_node = {.name = reader->name,
		.type = reader->type,
		.domain = reader->domain,
		.inputs = {(struct graph_tensor *)other},
		.input_count = other ? 1 : 0};
	const struct graph_constant *a, *b;
	int rc = 0;

	if ((rc = graph_constant(graph, reader, index, &a, e)) ||
		(rc = graph_constant(graph, &other_node, 0, &b, e)))
		return rc;
	size_t count = a ? a->count : b ? b->count : 0;
	*same = !a || !b || a->count == b->count;
	for (size_t i = 0; i < count && *same; i++)
		*same = (a ? graph_value(a, i) : 0) == (b ? graph_value(b, i) : 0);
	return 0;
}

/* Operators that pass codes on as they are. */
static bool is_passing(const struct graph_node *node)
{
	static const char *const types[] = {"Identity", "Dropout", "Reshape", "Flatten", "Squeeze",
		"Unsqueeze", "Transpose", "MaxPool", "Slice", "Gather", "Pad"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (graph_is(node, types[i]))
			return true;
	return false;
}

/* The quantisation point whose codes the tensor holds, perhaps moved; NULL: none. */
static struct graph_node *point_of(const struct graph_tensor *tensor)
{
	struct graph_node *maker = tensor ? tensor->maker : NULL;

	while (maker && !maker->quantisation && is_passing(maker) && maker->inputs[0])
		maker = maker->inputs[0]->maker;
	return maker && maker->quantisation ? maker : NULL;
}

static int text_set(const struct graph *graph, char **text, const char *value, struct error *e)
{
	char *copy = strdup(value);

	if (!copy)
		return error_set(e, -ENOMEM, "%s: out of memory", graph->path);
	free(*text);
	*text = copy;
	return 0;
}

/* The codes that it reads are numbers already, since they come from a quantisation point. */
static int dequantize_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_node *point = point_of(node->inputs[0]);
	bool same_scale = false, same_zero = false;
	int rc = 0;

	if (!point)
		return graph_error(graph, node, -EBADMSG, e,
			"reads what no QuantizeLinear makes; only integers of 8 bits between a "
			"QuantizeLinear and a "
			"DequantizeLinear can be imported");
	if ((rc = numbers_same(graph, node, 1, point->quantisation->scale, &same_scale, e)) ||
		(rc = numbers_same(graph, node, 2, point->quantisation->zero, &same_zero, e)))
		return rc;
	if (!same_scale || !same_zero)
		return graph_error(graph, node, -EBADMSG, e,
			"has another scale or zero point than the QuantizeLinear that it reads");
	node->input_count = 1;
	return text_set(graph, &node->type, "Identity", e);
}

/* A Clip of codes, as Brevitas has it for fewer than 8 bits, narrows what the point before it makes. */
static int clip_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct graph_node *point = point_of(node->inputs[0]), *reader;
	const struct graph_constant *low, *high;
	int rc = 0;

	if (!point || graph_readers(graph, node->outputs[0], &reader) != 1 || !reader ||
		!graph_is(reader, "DequantizeLinear"))
		return 0;
	if ((rc = graph_constant(graph, node, 1, &low, e)) || (rc = graph_constant(graph, node, 2, &high, e)))
		return rc;
	if (low && low->count == 1)
		point->quantisation->low = fmax(point->quantisation->low, low->values[0]);
	if (high && high->count == 1)
		point->quantisation->high = fmin(point->quantisation->high, high->values[0]);
	if (point->quantisation->low > point->quantisation->high)
		return graph_error(graph, node, -EBADMSG, e, "leaves no code");
	node->input_count = 1;
	return text_set(graph, &node->type, "Identity", e);
}

/* A Cast of codes to their own type, as PyTorch's exporter writes it, leaves them as they are. */
static int cast_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	int64_t to = graph_integer(node, "to", 0);
	struct graph_node *reader;

	if (!point_of(node->inputs[0]) || (to != TYPE_UINT8 && to != TYPE_INT8) ||
		graph_readers(graph, node->outputs[0], &reader) < 1 || !reader)
		return 0;
	return text_set(graph, &node->type, "Identity", e);
}

/* Whether the tensor holds codes, and not the numbers that they stand for; *zero is their zero point then. */
static bool holds_codes(const struct graph_tensor *tensor, const struct graph_tensor **zero)
{
	const struct graph_node *maker = tensor ? tensor->maker : NULL;

	while (maker && !maker->quantisation && is_passing(maker))
		maker = maker->inputs[0] ? maker->inputs[0]->maker : NULL;
	if (!maker || (!maker->quantisation && !graph_is(maker, "QuantizeLinear")))
		return false;
	*zero = maker->quantisation ? maker->quantisation->zero : graph_input(maker, 2);
	return true;
}

static bool pads_nothing(const struct graph_constant *pads)
{
	for (size_t i = 0; pads && i < pads->count; i++)
		if (pads->values[i] != 0)
			return false;
	return pads;
}

static int pad_rewrite(
	struct graph *graph, struct graph_node *node, const struct graph_tensor *zero, struct error *e)
{
	const struct graph_constant *pads;
	bool same;
	int rc = numbers_same(graph, node, 2, zero, &same, e);

	if (rc || (rc = graph_constant(graph, node, 1, &pads, e)))
		return rc;
	if (!same && !pads_nothing(pads))
		return graph_error(graph, node, -EBADMSG, e,
			"pads codes with another one than their zero point; only padding with 0 can be "
			"imported");
	if (node->input_count > 2)
		node->inputs[2] = NULL;
	return 0;
}

int pads_rewrite(struct graph *graph, struct error *e)
{
	const struct graph_tensor *zero;
	int rc = 0;

	for (int i = 0; i < graph->node_count && rc == 0; i++)
		if (graph_is(graph->nodes[i], "Pad") && holds_codes(graph_input(graph->nodes[i], 0), &zero))
			rc = pad_rewrite(graph, graph->nodes[i], zero, e);
	return rc;
}

int qdq_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	if (!graph_input(node, 0) || graph_is_constant(node->inputs[0]))
		return 0; /* weights: they are folded */
	if (graph_is(node, "QuantizeLinear"))
		return integers_point(graph, node, graph_input(node, 1), graph_input(node, 2), e);
	if (graph_is(node, "DequantizeLinear"))
		return dequantize_point(graph, node, e);
	if (graph_is(node, "Cast"))
		return cast_point(graph, node, e);
	return graph_is(node, "Clip") ? clip_point(graph, node, e) : 0;
}
