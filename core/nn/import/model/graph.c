/* SPDX-License-Identifier: MIT */
/* The graph's parts and how it changes. */
#include "nn/import/model/graph_parts.h"

#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int graph_error(const struct graph *graph, const struct graph_node *node, int code, struct error *e,
	const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (!node)
		return error_set(e, code, "%s: %s", graph->path, text);
	const char *name = node->name;
	if (!name[0] && node->output_count && node->outputs[0])
		name = node->outputs[0]->name;
	return error_set(e, code, "%s: node \"%s\" (%s): %s", graph->path, name, node->type, text);
}

static int memory_short(const struct graph *graph, struct error *e)
{
	return error_set(e, -ENOMEM, "%s: out of memory", graph->path);
}

static void constant_destroy(struct graph_constant *constant)
{
	if (!constant)
		return;
	free(constant->values);
	free(constant->scales);
	free(constant);
}

static void tensor_destroy(struct graph_tensor *tensor)
{
	if (!tensor)
		return;
	constant_destroy(tensor->constant);
	free(tensor->name);
	free(tensor);
}

static void node_destroy(struct graph_node *node)
{
	if (!node)
		return;
	free(node->name);
	free(node->type);
	free(node->domain);
	free(node->attributes);
	free(node->quantisation);
	free(node);
}

static void name_ignore(void *tensor)
{
	(void)tensor; /* the graph's array owns it */
}

void graph_destroy(struct graph *graph)
{
	if (!graph)
		return;
	tdestroy(graph->names, name_ignore);
	for (int i = 0; i < graph->node_count; i++)
		node_destroy(graph->nodes[i]);
	for (int i = 0; i < graph->tensor_count; i++)
		tensor_destroy(graph->tensors[i]);
	free(graph->nodes);
	free(graph->tensors);
	onnx_destroy(graph->model);
	free(graph);
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(((const struct graph_tensor *)a)->name, ((const struct graph_tensor *)b)->name);
}

struct graph_tensor *graph_tensor_find(const struct graph *graph, const char *name)
{
	const struct graph_tensor key = {.name = (char *)name};
	struct graph_tensor *const *found = tfind(&key, &graph->names, name_compare);

	return found ? *found : NULL;
}

/* Room for one more pointer in an array. */
static bool array_grow(void **array, int count, int *room)
{
	if (count < *room)
		return true;
	int larger = *room ? 2 * *room : 64;
	void *grown = realloc(*array, (size_t)larger * sizeof(void *));

	if (!grown)
		return false;
	*array = grown;
	*room = larger;
	return true;
}

int graph_tensor_named(struct graph *graph, char *name, struct graph_tensor **out, struct error *e)
{
	struct graph_tensor *tensor = calloc(1, sizeof(*tensor));
	void *array = graph->tensors;

	*out = NULL;
	if (!tensor || !name || !array_grow(&array, graph->tensor_count, &graph->tensor_room)) {
		free(tensor);
		free(name);
		return memory_short(graph, e);
	}
	graph->tensors = array;
	tensor->name = name;
	tensor->rank = -1;
	if (!tsearch(tensor, &graph->names, name_compare)) {
		tensor_destroy(tensor);
		return memory_short(graph, e);
	}
	graph->tensors[graph->tensor_count++] = tensor;
	*out = tensor;
	return 0;
}

/* A tensor of its own name, derived from `name`; its dimensions are those of `like` (NULL: not known). */
static int tensor_add(struct graph *graph, const char *name, const struct graph_tensor *like,
	struct graph_tensor **out, struct error *e)
{
	char *own = NULL;

	for (int i = graph->tensor_count; !own; i++) {
		if (asprintf(&own, "%s.%d", name, i) < 0)
			return memory_short(graph, e);
		if (graph_tensor_find(graph, own)) {
			free(own);
			own = NULL;
		}
	}
	int rc = graph_tensor_named(graph, own, out, e);
	if (rc == 0 && like && *out) {
		(*out)->rank = like->rank;
		memcpy((*out)->dims, like->dims, sizeof(like->dims));
	}
	return rc;
}

int graph_constant_make(
	struct graph *graph, struct graph_tensor *tensor, int64_t type, bool quantised, struct error *e)
{
	struct graph_constant *made = calloc(1, sizeof(*made));
	size_t count = 1;

	for (int i = 0; i < tensor->rank; i++)
		count *= (size_t)tensor->dims[i];
	if (made) {
		made->type = type;
		made->count = count;
		made->values = calloc(count + 1, sizeof(*made->values));
		made->scales = quantised ? calloc(count + 1, sizeof(*made->scales)) : NULL;
	}
	if (!made || !made->values || (quantised && !made->scales)) {
		constant_destroy(made);
		return memory_short(graph, e);
	}
	constant_destroy(tensor->constant);
	tensor->constant = made;
	return 0;
}

int graph_constant_add(struct graph *graph, const char *name, int rank, const int *dims,
	struct graph_tensor **out, struct error *e)
{
	int rc = tensor_add(graph, name, NULL, out, e);

	if (rc || !*out)
		return rc;
	(*out)->rank = rank;
	for (int i = 0; i < rank; i++)
		(*out)->dims[i] = dims[i];
	return graph_constant_make(graph, *out, TYPE_FLOAT, false, e);
}

int graph_node_put(struct graph *graph, struct graph_node **out, struct error *e)
{
	struct graph_node *node = calloc(1, sizeof(*node));
	void *array = graph->nodes;

	*out = NULL;
	if (!node || !array_grow(&array, graph->node_count, &graph->node_room)) {
		free(node);
		return memory_short(graph, e);
	}
	graph->nodes = array;
	graph->nodes[graph->node_count++] = node;
	*out = node;
	return 0;
}

/* A node of ONNX's own domain with one input and one output. */
static int node_add(struct graph *graph, const char *type, struct graph_tensor *input,
	struct graph_tensor *output, struct graph_node **out, struct error *e)
{
	int rc = graph_node_put(graph, out, e);

	if (rc || !*out)
		return rc;
	(*out)->name = strdup(output->name);
	(*out)->type = strdup(type);
	(*out)->domain = strdup("");
	if (!(*out)->name || !(*out)->type || !(*out)->domain)
		return memory_short(graph, e);
	(*out)->inputs[0] = input;
	(*out)->outputs[0] = output;
	(*out)->input_count = (*out)->output_count = 1;
	output->maker = *out;
	return 0;
}

int graph_input_add(struct graph *graph, struct graph_node *node, struct graph_tensor *input, struct error *e)
{
	if (node->input_count == GRAPH_EDGES)
		return graph_error(graph, node, -EBADMSG, e, "has more than %d inputs", GRAPH_EDGES);
	node->inputs[node->input_count++] = input;
	return 0;
}

void graph_node_remove(struct graph *graph, struct graph_node *node)
{
	int at = 0;

	while (at < graph->node_count && graph->nodes[at] != node)
		at++;
	if (at == graph->node_count)
		return;
	memmove(&graph->nodes[at], &graph->nodes[at + 1],
		(size_t)(graph->node_count - at - 1) * sizeof(void *));
	graph->node_count--;
	for (int i = 0; i < node->output_count; i++)
		if (node->outputs[i] && node->outputs[i]->maker == node)
			node->outputs[i]->maker = NULL;
	node_destroy(node);
}

/* All that read `from`, and the graph's output, read `to`; but not the node `except` (may be NULL). */
static void redirect(struct graph *graph, const struct graph_tensor *from, struct graph_tensor *to,
	const struct graph_node *except)
{
	for (int i = 0; i < graph->node_count; i++) {
		struct graph_node *node = graph->nodes[i];

		for (int k = 0; node != except && k < node->input_count; k++)
			if (node->inputs[k] == from)
				node->inputs[k] = to;
	}
	if (graph->output == from)
		graph->output = to;
}

int graph_insert_after(struct graph *graph, struct graph_tensor *tensor, const char *type,
	struct graph_node **out, struct error *e)
{
	struct graph_tensor *made = NULL;
	int rc = tensor_add(graph, tensor->name, tensor, &made, e);

	if (rc == 0 && made)
		rc = node_add(graph, type, tensor, made, out, e);
	if (rc == 0)
		redirect(graph, tensor, made, *out);
	return rc;
}

int graph_insert_before(struct graph *graph, struct graph_node *reader, int input, const char *type,
	struct graph_node **out, struct error *e)
{
	struct graph_tensor *tensor = reader->inputs[input], *made = NULL;
	int rc = tensor_add(graph, tensor->name, tensor, &made, e);

	if (rc == 0 && made)
		rc = node_add(graph, type, tensor, made, out, e);
	if (rc == 0)
		reader->inputs[input] = made;
	return rc;
}

int graph_quantise(struct graph *graph, struct graph_node *node, const struct quantisation *quantisation,
	struct error *e)
{
	char *type = strdup("Quant");

	free(node->quantisation);
	node->quantisation = malloc(sizeof(*node->quantisation));
	if (!type || !node->quantisation) {
		free(type);
		return memory_short(graph, e);
	}
	*node->quantisation = *quantisation;
	free(node->type);
	node->type = type;
	node->input_count = 1;
	return 0;
}

bool graph_is(const struct graph_node *node, const char *type)
{
	return !node->quantisation && node->domain[0] == '\0' && strcmp(node->type, type) == 0;
}

int graph_readers(const struct graph *graph, const struct graph_tensor *tensor, struct graph_node **first)
{
	int count = graph->output == tensor;

	if (first)
		*first = NULL;
	for (int i = 0; i < graph->node_count; i++)
		for (int k = 0; k < graph->nodes[i]->input_count; k++)
			if (graph->nodes[i]->inputs[k] == tensor) {
				if (first && !*first)
					*first = graph->nodes[i];
				count++;
			}
	return count;
}

const struct onnx_attribute *graph_attribute(const struct graph_node *node, const char *name)
{
	for (int i = 0; i < node->attribute_count; i++)
		if (onnx_text_is(node->attributes[i].name, name))
			return &node->attributes[i];
	return NULL;
}

int64_t graph_integer(const struct graph_node *node, const char *name, int64_t other)
{
	const struct onnx_attribute *attribute = graph_attribute(node, name);

	return attribute ? attribute->integer : other;
}

double graph_number(const struct graph_node *node, const char *name, double other)
{
	const struct onnx_attribute *attribute = graph_attribute(node, name);

	return attribute ? (double)attribute->number : other;
}

bool graph_text_is(const struct graph_node *node, const char *name, const char *text)
{
	const struct onnx_attribute *attribute = graph_attribute(node, name);

	return attribute && onnx_text_is(attribute->text, text);
}
