/* SPDX-License-Identifier: MIT */
/* A graph of a model's file, and the order of its nodes. */
#include "nn/import/model/graph_parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A name as in the file, but what cannot be printed is '?'; NULL: no memory. */
static char *text_copy(struct onnx_bytes bytes)
{
	char *copy = malloc(bytes.size + 1);

	for (size_t i = 0; copy && i < bytes.size; i++)
		copy[i] = (char)(bytes.data[i] >= ' ' && bytes.data[i] <= '~' ? bytes.data[i] : '?');
	if (copy)
		copy[bytes.size] = '\0';
	return copy;
}

/* The tensor of this name, made if need be; an empty name: NULL. */
static int edge_find(struct graph *graph, struct onnx_bytes name, struct graph_tensor **out, struct error *e)
{
	char *text = text_copy(name);

	*out = NULL;
	if (name.size == 0 || !text) {
		free(text);
		return name.size ? graph_error(graph, NULL, -ENOMEM, e, "out of memory") : 0;
	}
	*out = graph_tensor_find(graph, text);
	if (!*out)
		return graph_tensor_named(graph, text, out, e);
	free(text);
	return 0;
}

static int twice(struct graph *graph, const struct graph_tensor *tensor, struct error *e)
{
	return graph_error(graph, NULL, -EBADMSG, e, "two tensors are called \"%.80s\"", tensor->name);
}

static int initializers_read(struct graph *graph, struct error *e)
{
	for (int i = 0; i < graph->model->tensor_count; i++) {
		const struct onnx_tensor *from = &graph->model->tensors[i];
		struct graph_tensor *tensor;
		int rc = edge_find(graph, from->name, &tensor, e);

		if (rc)
			return rc;
		if (!tensor)
			continue; /* nothing can read it */
		if (tensor->initializer)
			return twice(graph, tensor, e);
		tensor->initializer = from;
		tensor->rank = from->rank <= GRAPH_RANK ? from->rank : -1;
		for (int k = 0; k < tensor->rank; k++)
			if (from->dims[k] >= 0 && (uint64_t)from->dims[k] <= WEIGHT_LIMIT)
				tensor->dims[k] = (int)from->dims[k];
			else
				tensor->rank = -1;
	}
	return 0;
}

static int attributes_read(
	struct graph *graph, struct graph_node *node, struct onnx_bytes message, struct error *e)
{
	struct onnx_bytes rest = message;
	struct onnx_attribute attribute;

	while (onnx_attribute_next(&rest, &attribute) == 1)
		node->attribute_count++;
	node->attributes = calloc((size_t)node->attribute_count + 1, sizeof(*node->attributes));
	if (!node->attributes)
		return graph_error(graph, NULL, -ENOMEM, e, "out of memory");
	for (int i = 0; i < node->attribute_count; i++)
		onnx_attribute_next(&message, &node->attributes[i]);
	return 0;
}

static int edges_read(
	struct graph *graph, struct graph_node *node, const struct onnx_node *from, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < node->input_count && rc == 0; i++)
		rc = edge_find(graph, from->inputs[i], &node->inputs[i], e);
	for (int i = 0; i < node->output_count && rc == 0; i++) {
		rc = edge_find(graph, from->outputs[i], &node->outputs[i], e);
		if (rc || !node->outputs[i])
			continue;
		if (node->outputs[i]->maker || node->outputs[i]->initializer ||
			node->outputs[i] == graph->input)
			return twice(graph, node->outputs[i], e);
		node->outputs[i]->maker = node;
	}
	return rc;
}

static int node_read(struct graph *graph, const struct onnx_node *from, struct error *e)
{
	struct graph_node *node;
	int rc = graph_node_put(graph, &node, e);

	if (rc)
		return rc;
	node->name = text_copy(from->name);
	node->type = text_copy(from->type);
	node->domain =
		text_copy(onnx_text_is(from->domain, "ai.onnx") ? (struct onnx_bytes){0} : from->domain);
	if (!node->name || !node->type || !node->domain)
		return graph_error(graph, NULL, -ENOMEM, e, "out of memory");
	if (from->input_count > GRAPH_EDGES || from->output_count > GRAPH_EDGES || from->output_count < 1)
		return graph_error(graph, node, -EBADMSG, e,
			"has %d inputs and %d outputs; at most %d can be", from->input_count,
			from->output_count, GRAPH_EDGES);
	node->input_count = from->input_count;
	node->output_count = from->output_count;
	rc = attributes_read(graph, node, from->message, e);
	return rc ? rc : edges_read(graph, node, from, e);
}

/* A dimension of the picture: of the model, or given where the model leaves it open. */
static int64_t input_size(const struct graph *graph, const struct onnx_input *from, int at)
{
	int given = from->rank != 4 || at < 2 ? 0 : at == 2 ? graph->height : graph->width;

	return from->dims[at] < 1 && given ? given : from->dims[at];
}

/* [pictures, channels, height, width], or [pictures, numbers]; the pictures may be any number. */
static int input_set(struct graph *graph, const struct onnx_input *from, struct error *e)
{
	struct graph_tensor *input;
	int rc = edge_find(graph, from->name, &input, e);

	if (rc)
		return rc;
	bool fits = input && (from->rank == 4 || (from->rank == 2 && from->dims[1] > 0));
	for (int i = 1; fits && i < from->rank; i++)
		fits = input_size(graph, from, i) >= 1 && input_size(graph, from, i) <= CHANNEL_LIMIT;
	if (!fits)
		return graph_error(graph, NULL, -EBADMSG, e,
			"the input \"%s\" must be of pictures [1, channels, height, width], with numbers for "
			"them%s",
			input ? input->name : "",
			graph->sized ? "; --size WxH gives height and width where the model leaves them open"
				     : "");
	input->rank = from->rank;
	input->dims[0] = 1;
	for (int i = 1; i < from->rank; i++)
		input->dims[i] = (int)input_size(graph, from, i);
	graph->input = input;
	return 0;
}

static int input_read(struct graph *graph, struct error *e)
{
	const struct onnx_input *picture = NULL;
	int count = 0;

	for (int i = 0; i < graph->model->input_count; i++) {
		struct graph_tensor *tensor;
		int rc = edge_find(graph, graph->model->inputs[i].name, &tensor, e);

		if (rc)
			return rc;
		if (tensor && tensor->initializer)
			continue; /* older models list their tensors here as well */
		picture = &graph->model->inputs[i];
		count++;
	}
	if (count != 1)
		return graph_error(
			graph, NULL, -EBADMSG, e, "has %d inputs, but must have one, the picture", count);
	return input_set(graph, picture, e);
}

static int output_read(struct graph *graph, struct error *e)
{
	char text[ONNX_TEXT];
	int rc;

	if (graph->model->output_count < 1)
		return graph_error(graph, NULL, -EBADMSG, e, "has no output, but must have one");
	if ((rc = edge_find(graph, graph->model->outputs[0], &graph->output, e)))
		return rc;
	if (!graph->output || !graph->output->maker)
		return graph_error(graph, NULL, -EBADMSG, e, "nothing makes the output \"%s\"",
			onnx_text(graph->model->outputs[0], text));
	return 0;
}

static int model_take(struct graph *graph, struct error *e)
{
	int rc = 0;

	if ((rc = initializers_read(graph, e)) || (rc = input_read(graph, e)))
		return rc;
	for (int i = 0; i < graph->model->node_count && rc == 0; i++)
		rc = node_read(graph, &graph->model->nodes[i], e);
	if (rc || (rc = output_read(graph, e)))
		return rc;
	return graph_sort(graph, e);
}

static int load(struct graph *graph, struct error *e)
{
	int rc = onnx_load(graph->path, &graph->model, e);

	if (rc)
		return rc;
	graph->room = 8 * (graph->model->size + 1024);
	return model_take(graph, e);
}

static int loaded(const char *path, const struct graph *begin, struct graph **out, struct error *e)
{
	struct graph *graph = malloc(sizeof(*graph));
	int rc;

	*out = NULL;
	if (!graph)
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	*graph = *begin;
	graph->path = path;
	rc = load(graph, e);
	if (rc == 0)
		*out = graph;
	else
		graph_destroy(graph);
	return rc;
}

int graph_load(const char *path, struct graph **out, struct error *e)
{
	return loaded(path, &(struct graph){0}, out, e);
}

int graph_load_sized(const char *path, int height, int width, struct graph **out, struct error *e)
{
	return loaded(path, &(struct graph){.sized = true, .height = height, .width = width}, out, e);
}

/* The order: depth first from the output, without recursion, since a chain can have 65,536 nodes. */
struct sorting {
	struct graph_node **stack, **sorted;
	int *next; /* [stack]: the input to look at next */
	int depth, count;
};

/* What is known of a node; marks are sorted by its address. */
struct mark {
	struct graph_node *node;
	enum { MARK_NEW, MARK_OPEN, MARK_DONE } state;
};

static int mark_compare(const void *a, const void *b)
{
	const struct graph_node *x = ((const struct mark *)a)->node, *y = ((const struct mark *)b)->node;

	return x < y ? -1 : x > y;
}

static struct mark *mark_of(struct mark *marks, int count, struct graph_node *node)
{
	return bsearch(&(struct mark){node, MARK_NEW}, marks, (size_t)count, sizeof(*marks), mark_compare);
}

static int sort_push(struct graph *graph, struct sorting *s, struct mark *marks, struct graph_tensor *tensor,
	const struct graph_node *reader, struct error *e)
{
	if (!tensor || tensor == graph->input || graph_is_constant(tensor))
		return 0;
	struct mark *mark = tensor->maker ? mark_of(marks, graph->node_count, tensor->maker) : NULL;
	if (!mark)
		return graph_error(
			graph, reader, -EBADMSG, e, "reads \"%.80s\", which nothing gives", tensor->name);
	if (mark->state == MARK_OPEN)
		return graph_error(graph, reader, -EBADMSG, e,
			"reads \"%.80s\", which depends on this node itself", tensor->name);
	if (mark->state == MARK_DONE)
		return 0;
	mark->state = MARK_OPEN;
	s->next[s->depth] = 0;
	s->stack[s->depth++] = mark->node;
	return 0;
}

static int sort_walk(struct graph *graph, struct sorting *s, struct mark *marks, struct error *e)
{
	int rc = sort_push(graph, s, marks, graph->output, NULL, e);

	while (rc == 0 && s->depth > 0) {
		struct graph_node *node = s->stack[s->depth - 1];
		int input = s->next[s->depth - 1]++;

		if (input < node->input_count) {
			rc = sort_push(graph, s, marks, node->inputs[input], node, e);
			continue;
		}
		mark_of(marks, graph->node_count, node)->state = MARK_DONE;
		s->sorted[s->count++] = node;
		s->depth--;
	}
	return rc;
}

/* Takes the sorted nodes over; the others go. */
static void sort_take(struct graph *graph, const struct sorting *s, const struct mark *marks)
{
	int all = graph->node_count;

	for (int i = 0; i < all; i++)
		if (marks[i].state != MARK_DONE)
			graph_node_remove(graph, marks[i].node);
	memcpy(graph->nodes, s->sorted, (size_t)s->count * sizeof(void *));
	graph->node_count = s->count;
}

static int sort_with(struct graph *graph, struct sorting *s, struct mark *marks, struct error *e)
{
	size_t count = (size_t)graph->node_count;
	int rc;

	for (size_t i = 0; i < count; i++)
		marks[i].node = graph->nodes[i];
	qsort(marks, count, sizeof(*marks), mark_compare);
	rc = sort_walk(graph, s, marks, e);
	if (rc == 0)
		sort_take(graph, s, marks);
	return rc;
}

int graph_sort(struct graph *graph, struct error *e)
{
	size_t count = (size_t)graph->node_count + 1;
	struct sorting s = {.stack = calloc(count, sizeof(void *)),
		.sorted = calloc(count, sizeof(void *)),
		.next = calloc(count, sizeof(*s.next))};
	struct mark *marks = calloc(count, sizeof(*marks));
	int rc;

	if (s.stack && s.sorted && s.next && marks)
		rc = sort_with(graph, &s, marks, e);
	else
		rc = graph_error(graph, NULL, -ENOMEM, e, "out of memory");
	free((void *)s.stack);
	free((void *)s.sorted);
	free(s.next);
	free(marks);
	return rc;
}
