/* SPDX-License-Identifier: MIT */
#include "nn/import/onnx/float_builder.h"

#include <stdlib.h>

enum { OPS_OF_NODE = 2 /* at most */ };

static const struct {
	const char *type;
	float_builder *build;
} builders[] = {
	{"Conv", conv_build},
	{"ConvTranspose", transposed_build},
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
	if ((rc = builder_shape(b, b->node->outputs[0], &b->made->shape, e)))
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
	size_t room = (size_t)graph->node_count * OPS_OF_NODE + 1;
	out->ops = calloc(room, sizeof(*out->ops));
	out->values = calloc(room, sizeof(*out->values));
	if (!out->ops || !out->values)
		return graph_error(graph, NULL, -ENOMEM, e, "out of memory");
	out->values[0].tensor = graph->input;
	rc = builder_shape(&b, graph->input, &out->values[0].shape, e);
	for (int i = 0; i < graph->node_count && rc == 0; i++) {
		b.node = graph->nodes[i];
		if (!b.node->folded)
			rc = node_build(&b, e);
	}
	b.node = NULL;
	if (rc == 0 && (out->output = builder_value(&b, graph->output)) < 1)
		rc = graph_error(graph, NULL, -EBADMSG, e, "its output does not depend on the picture");
	return rc;
}
