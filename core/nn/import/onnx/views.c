/* SPDX-License-Identifier: MIT */
#include "nn/import/onnx/integers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether these places are 0, 1, 2 … of all numbers of the tensor. */
static bool takes_all(const struct graph_tensor *tensor, const struct graph_constant *places)
{
	size_t count = 1;

	for (int i = 0; i < tensor->rank; i++)
		count *= (size_t)tensor->dims[i];
	if (tensor->rank < 1 || (size_t)tensor->dims[0] != count || places->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (places->values[i] != (double)i)
			return false;
	return true;
}

int view_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct graph_tensor *places = graph_input(node, 1), *shape;
	const struct graph_constant *numbers;
	int rc = 0;

	if (!graph_is(node, "Gather") || !node->inputs[0] || graph_is_constant(node->inputs[0]) || !places ||
		!graph_is_constant(places) || graph_integer(node, "axis", 0) != 0)
		return 0;
	if ((rc = graph_constant(graph, node, 1, &numbers, e)) || !takes_all(node->inputs[0], numbers))
		return rc;
	if ((rc = graph_constant_add(graph, places->name, 1, &places->rank, &shape, e)))
		return rc;
	for (int i = 0; i < places->rank; i++)
		shape->constant->values[i] = places->dims[i];
	char *type = strdup("Reshape");
	if (!type)
		return graph_error(graph, node, -ENOMEM, e, "out of memory");
	free(node->type);
	node->type = type;
	node->inputs[1] = shape;
	return 0;
}

/* Whether the node only brings the channels of pictures in front, [1, height, width, channels] before. */
static bool brings_channels(const struct graph_node *node)
{
	static const int64_t order[] = {0, 3, 1, 2};
	const struct onnx_attribute *perm = graph_attribute(node, "perm");

	return graph_is(node, "Transpose") && perm && perm->count == 4 &&
	       memcmp(perm->integers, order, sizeof(order)) == 0;
}

int picture_turn(struct graph *graph, struct error *e)
{
	struct graph_tensor *input = graph->input;
	struct graph_node *reader;

	if (input->rank != 4 || graph_readers(graph, input, &reader) != 1 || !reader ||
		!brings_channels(reader))
		return 0;
	char *type = strdup("Identity");
	if (!type)
		return graph_error(graph, reader, -ENOMEM, e, "out of memory");
	free(reader->type);
	reader->type = type;
	const int height = input->dims[1], width = input->dims[2], channels = input->dims[3];
	input->dims[1] = channels;
	input->dims[2] = height;
	input->dims[3] = width;
	return 0;
}
