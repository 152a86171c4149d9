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
int builder_shape(
	const struct builder *b, const struct graph_tensor *tensor, struct shape *out, struct error *e)
{
	uint64_t size = 1;

	for (int i = 0; i < tensor->rank; i++) {
		if (tensor->dims[i] < 1 || tensor->dims[i] > FLOAT_TENSOR_MAXIMUM)
			return graph_error(b->graph, b->node, -EBADMSG, e, "the size of \"%s\" is not known",
				tensor->name);
		if ((size *= (uint64_t)tensor->dims[i]) > FLOAT_TENSOR_MAXIMUM)
			return graph_error(b->graph, b->node, -EOVERFLOW, e,
				"\"%s\" has more than %d numbers", tensor->name, FLOAT_TENSOR_MAXIMUM);
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
int builder_value(const struct builder *b, const struct graph_tensor *tensor)
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
	int value = tensor ? builder_value(b, tensor) : -1;

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
