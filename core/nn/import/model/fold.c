/* SPDX-License-Identifier: MIT */
/* Folding: visits the nodes in their order; what depends on constants only becomes a constant. */
#include "nn/import/model/graph_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool reads_constants_only(const struct graph_node *node)
{
	for (int i = 0; i < node->input_count; i++)
		if (node->inputs[i] && !graph_is_constant(node->inputs[i]))
			return false;
	return true;
}

/* 1: no operator of ours computes it. */
static int node_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	int (*const folds[])(struct graph * graph, struct graph_node * node, struct error * e) = {
		fold_quantised, fold_elements, fold_shape, fold_move};
	int rc = 1;

	for (size_t i = 0; i < sizeof(folds) / sizeof(*folds) && rc == 1; i++)
		rc = folds[i](graph, node, e);
	return rc;
}

static int inputs_read(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_constant *constant;
	int rc = 0;

	for (int i = 0; i < node->input_count && rc == 0; i++)
		rc = graph_constant(graph, node, i, &constant, e);
	return rc;
}

static int node_visit(struct graph *graph, struct graph_node *node, graph_point *point, struct error *e)
{
	int rc = 0;

	if (point && !node->quantisation && (rc = point(graph, node, e)))
		return rc;
	if (reads_constants_only(node)) {
		if ((rc = inputs_read(graph, node, e)) == 0)
			rc = node_fold(graph, node, e);
		if (rc == 1)
			return graph_error(graph, node, -EBADMSG, e,
				"the operator %s cannot be imported; it reads constants only: simplify the "
				"model first, with qonnx-cleanup or onnxsim",
				node->type);
		node->folded = rc == 0;
		return rc;
	}
	if (graph_is(node, "Shape") && node->inputs[0]->rank >= 0) {
		rc = fold_shape(graph, node, e);
		node->folded = rc == 0;
		return rc < 0 ? rc : 0;
	}
	return shapes_infer(graph, node, e);
}

int graph_fold(struct graph *graph, graph_point *point, struct error *e)
{
	int rc = 0, count = 0;

	for (int i = 0; i < graph->node_count && rc == 0; i++)
		rc = graph->nodes[i]->folded ? 0 : node_visit(graph, graph->nodes[i], point, e);
	/* What is constant now needs no node. */
	for (int i = 0; i < graph->node_count; i++)
		count += !graph->nodes[i]->folded;
	for (int i = graph->node_count - 1; i >= 0 && rc == 0; i--)
		if (graph->nodes[i]->folded)
			graph_node_remove(graph, graph->nodes[i]);
	if (rc == 0 && count == 0)
		return graph_error(graph, NULL, -EBADMSG, e, "its output does not depend on its input");
	return rc;
}
