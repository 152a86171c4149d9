/* SPDX-License-Identifier: MIT */
/* Constants: read from the file when first needed. */
#include "nn/import/model/graph_parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The numbers of the file in place of the tensor's own. */
static int numbers_take(struct graph *graph, const struct graph_node *node, struct graph_tensor *tensor,
	const struct onnx_tensor *from, double *values, size_t count, struct error *e)
{
	char text[ONNX_TEXT];
	struct graph_constant *made = NULL;

	graph->read += count;
	/* External data counts as part of the model. */
	graph->room += 8 * count;
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]))
			return graph_error(graph, node, -EBADMSG, e,
				"its constant \"%s\" holds a number that is not finite",
				onnx_text(from->name, text));
	if (graph->read > 2 * WEIGHT_LIMIT)
		return graph_error(graph, node, -EOVERFLOW, e, "the model's constants are over the limit");
	made = calloc(1, sizeof(*made));
	if (!made)
		return graph_error(graph, node, -ENOMEM, e, "out of memory");
	*made = (struct graph_constant){from->type, count, values, NULL};
	tensor->constant = made;
	tensor->rank = from->rank;
	for (int i = 0; i < from->rank; i++)
		tensor->dims[i] = (int)from->dims[i];
	return 0;
}

int graph_constant_read(struct graph *graph, const struct graph_node *node, struct graph_tensor *tensor,
	const struct onnx_tensor *from, struct error *e)
{
	struct error cause = {0};
	char text[ONNX_TEXT];
	double *values;
	size_t count;
	int rc = onnx_tensor_read(graph->model, from, &values, &count, &cause);

	if (rc)
		return graph_error(graph, node, rc, e, "its constant \"%s\" %s", onnx_text(from->name, text),
			cause.text);
	rc = numbers_take(graph, node, tensor, from, values, count, e);
	if (rc)
		free(values);
	return rc;
}

int graph_constant(const struct graph *graph, const struct graph_node *node, int index,
	const struct graph_constant **out, struct error *e)
{
	struct graph_tensor *tensor = graph_input(node, index);

	*out = NULL;
	if (!tensor)
		return 0;
	if (!graph_is_constant(tensor))
		return graph_error(graph, node, -EBADMSG, e,
			"its input %d must be a constant, not what the picture makes", index);
	if (!tensor->constant) {
		/* Reading is remembered, and changes nothing that can be seen. */
		int rc = graph_constant_read((struct graph *)graph, node, tensor, tensor->initializer, e);
		if (rc)
			return rc;
	}
	*out = tensor->constant;
	return 0;
}

int graph_constant_needed(const struct graph *graph, const struct graph_node *node, int index,
	const char *what, const struct graph_constant **out, struct error *e)
{
	int rc = graph_constant(graph, node, index, out, e);

	if (rc == 0 && !*out)
		return graph_error(graph, node, -EBADMSG, e, "its input %d, %s, is missing", index, what);
	return rc;
}

int graph_constant_fold(
	struct graph *graph, const struct graph_node *node, int64_t type, bool quantised, struct error *e)
{
	struct graph_tensor *tensor = node->outputs[0];
	uint64_t count = quantised ? 2 : 1;

	for (int i = 0; i < tensor->rank; i++) {
		uint64_t size = (uint64_t)tensor->dims[i];

		if (size && count > graph->room / size)
			return graph_error(graph, node, -EOVERFLOW, e,
				"is one more copy of the constants than can be needed");
		count *= size;
	}
	graph->room -= count;
	return graph_constant_make(graph, tensor, type, quantised, e);
}

size_t graph_stretched(const struct graph_tensor *from, const struct graph_tensor *to, size_t index)
{
	size_t place = 0, step = 1;

	for (int i = 0; i < to->rank && i < from->rank; i++) {
		int size = from->dims[from->rank - 1 - i];
		int here = (int)(index % (size_t)to->dims[to->rank - 1 - i]);

		if (size > 1)
			place += step * (size_t)here;
		step *= (size_t)size;
		index /= (size_t)to->dims[to->rank - 1 - i];
	}
	return place;
}

bool graph_stretches(const struct graph_tensor *from, const struct graph_tensor *to)
{
	for (int i = 0; i < from->rank; i++) {
		int size = from->dims[from->rank - 1 - i];

		if (size != 1 && (i >= to->rank || size != to->dims[to->rank - 1 - i]))
			return false;
	}
	return true;
}
