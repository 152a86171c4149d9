/* SPDX-License-Identifier: MIT */
#include "nn/import/onnx/float_builder.h"

#include "nn/limits.h"

#include <math.h>
#include <stdlib.h>

int builder_memory(const struct builder *b, struct error *e)
{
	return graph_error(b->graph, b->node, -ENOMEM, e, "out of memory");
}

/* Numbers of tensors of up to two dimensions are channels; others lie as they are. */
static int shape_of(
	const struct builder *b, const struct graph_tensor *tensor, struct shape *out, struct error *e)
{
	uint64_t size = 1;

	for (int i = 0; i < tensor->rank; i++) {
		if (tensor->dims[i] < 1 || (uint64_t)tensor->dims[i] > TENSOR_LIMIT)
			return graph_error(b->graph, b->node, -EBADMSG, e, "the size of \"%s\" is not known",
				tensor->name);
		if ((size *= (uint64_t)tensor->dims[i]) > TENSOR_LIMIT)
			return graph_error(b->graph, b->node, -EOVERFLOW, e,
				"\"%s\" has more than %llu numbers", tensor->name,
				(unsigned long long)TENSOR_LIMIT);
	}
	if (tensor->rank < 0)
		return graph_error(
			b->graph, b->node, -EBADMSG, e, "the size of \"%s\" is not known", tensor->name);
	*out = (struct shape){1, 1, (int)size};
	if (tensor->rank == 4 && tensor->dims[0] == 1)
		*out = (struct shape){tensor->dims[2], tensor->dims[3], tensor->dims[1]};
	return 0;
}

/* The value that the tensor became; −1: none. */
static int value_of(const struct builder *b, const struct graph_tensor *tensor)
{
	for (int i = b->out->op_count; i >= 0; i--)
		if (b->out->values[i].tensor == tensor)
			return i;
	return -1;
}

/* Input `index` of the node becomes the next one of the operation. */
int builder_input(struct builder *b, int index, struct error *e)
{
	const struct graph_tensor *tensor = graph_input(b->node, index);
	int value = tensor ? value_of(b, tensor) : -1;

	if (value < 0)
		return graph_error(
			b->graph, b->node, -EBADMSG, e, "its input %d does not depend on the picture", index);
	if (b->op->input_count == LAYER_INPUTS)
		return graph_error(
			b->graph, b->node, -EBADMSG, e, "reads more than %d tensors", LAYER_INPUTS);
	b->op->inputs[b->op->input_count++] = value;
	b->out->values[value].readers++;
	return 0;
}

struct shape builder_read(const struct builder *b)
{
	return b->out->values[b->op->inputs[0]].shape;
}

/* A copy of constant numbers, of which there must be `count`. */
int builder_numbers(
	struct builder *b, int index, const char *what, size_t count, float **out, struct error *e)
{
	const struct graph_constant *constant;
	int rc = graph_constant_needed(b->graph, b->node, index, what, &constant, e);

	if (rc)
		return rc;
	if (constant->count != count)
		return graph_error(b->graph, b->node, -EBADMSG, e, "%s are %zu numbers, %zu expected", what,
			constant->count, count);
	*out = malloc((count + 1) * sizeof(**out));
	if (!*out)
		return builder_memory(b, e);
	for (size_t i = 0; i < count; i++) {
		(*out)[i] = (float)graph_value(constant, i);
		if (!isfinite((*out)[i]))
			return graph_error(
				b->graph, b->node, -EBADMSG, e, "%s hold what is no finite number", what);
	}
	return 0;
}

int builder_channels(const struct builder *b, float **out, struct error *e)
{
	*out = calloc((size_t)b->made->shape.channels + 1, sizeof(**out));
	return *out ? 0 : builder_memory(b, e);
}

static const struct {
	const char *type;
	float_builder *build;
} builders[] = {
	{"Conv", conv_build},
	{"Gemm", matrix_build},
	{"MatMul", matrix_build},
	{"BatchNormalization", batch_norm_build},
	{"Add", arithmetic_build},
	{"Sub", arithmetic_build},
	{"Mul", arithmetic_build},
	{"Div", arithmetic_build},
	{"Sum", sum_build},
	{"Relu", relu_build},
	{"Clip", clip_build},
	{"LeakyRelu", leaky_build},
	{"PRelu", leaky_build},
	{"Sigmoid", sigmoid_build},
	{"HardSigmoid", hard_sigmoid_build},
	{"Tanh", tanh_build},
	{"Concat", concat_build},
	{"MaxPool", pool_build},
	{"AveragePool", pool_build},
	{"GlobalAveragePool", global_build},
	{"GlobalMaxPool", global_build},
	{"ReduceMean", global_build},
	{"Flatten", copy_build},
	{"Reshape", copy_build},
	{"Squeeze", copy_build},
	{"Unsqueeze", copy_build},
	{"Identity", copy_build},
	{"Dropout", copy_build},
	{"Softmax", copy_build},
	{"LogSoftmax", copy_build},
	{"Transpose", transpose_build},
	{"Pad", pad_build},
	{"Resize", upsample_build},
	{"Upsample", upsample_build},
};

static int node_build(struct builder *b, struct error *e)
{
	int rc;

	b->op = &b->out->ops[b->out->op_count];
	b->made = &b->out->values[b->out->op_count + 1];
	b->op->node = b->node;
	if (b->node->output_count < 1 || !b->node->outputs[0])
		return graph_error(b->graph, b->node, -EBADMSG, e, "makes nothing");
	b->made->tensor = NULL; /* while its inputs are looked up */
	if ((rc = shape_of(b, b->node->outputs[0], &b->made->shape, e)))
		return rc;
	for (size_t i = 0; i < sizeof(builders) / sizeof(*builders); i++) {
		if (!graph_is(b->node, builders[i].type))
			continue;
		b->made->tensor = b->node->outputs[0];
		rc = builders[i].build(b, e);
		b->out->op_count++; /* in any case, for float_graph_finish */
		return rc;
	}
	return graph_error(
		b->graph, b->node, -EBADMSG, e, "this operator cannot be imported from a model of floats");
}

int float_build(struct graph *graph, struct float_graph *out, struct error *e)
{
	struct builder b = {.graph = graph, .out = out};
	int rc;

	*out = (struct float_graph){0};
	if (graph->node_count > FLOAT_OPS_MAXIMUM)
		return graph_error(
			graph, NULL, -EOVERFLOW, e, "has more than %d operators", FLOAT_OPS_MAXIMUM);
	out->ops = calloc((size_t)graph->node_count + 1, sizeof(*out->ops));
	out->values = calloc((size_t)graph->node_count + 1, sizeof(*out->values));
	if (!out->ops || !out->values)
		return graph_error(graph, NULL, -ENOMEM, e, "out of memory");
	out->values[0].tensor = graph->input;
	rc = shape_of(&b, graph->input, &out->values[0].shape, e);
	for (int i = 0; i < graph->node_count && rc == 0; i++) {
		b.node = graph->nodes[i];
		if (!b.node->folded)
			rc = node_build(&b, e);
	}
	b.node = NULL;
	if (rc == 0 && (out->output = value_of(&b, graph->output)) < 1)
		rc = graph_error(graph, NULL, -EBADMSG, e, "its output does not depend on the picture");
	return rc;
}
