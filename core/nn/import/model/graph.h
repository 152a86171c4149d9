/* SPDX-License-Identifier: MIT */
/*
 * A model as a graph that can be changed: nodes that read and make tensors. The importers bring what they
 * read into one form, with quantisation points (quantisation.h) in place of the operators that quantise, and
 * core/nn/import/lower makes a network of it.
 *
 * Everything belongs to the graph and lives as long as it. A function that fails sets one message, which
 * names the file, and the node if there is one.
 */
#ifndef NN_IMPORT_MODEL_GRAPH_H
#define NN_IMPORT_MODEL_GRAPH_H

#include "base/error.h"
#include "nn/import/model/onnx.h"
#include "nn/import/model/quantisation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GRAPH_RANK = ONNX_RANK, GRAPH_EDGES = ONNX_EDGES };

/* Data types of ONNX. */
enum {
	TYPE_FLOAT = 1,
	TYPE_UINT8 = 2,
	TYPE_INT8 = 3,
	TYPE_INT32 = 6,
	TYPE_INT64 = 7,
	TYPE_BOOL = 9,
	TYPE_DOUBLE = 11,
};

/* Numbers of a tensor that do not depend on the picture. */
struct graph_constant {
	int64_t type; /* of ONNX */
	size_t count;
	double *values; /* [count] */
	float *scales;	/* [count], of a quantised one: it stands for values · scales; NULL: for values */
};

struct graph_tensor {
	char *name;
	int rank; /* −1: not known */
	int dims[GRAPH_RANK];
	struct graph_constant *constant;       /* NULL: it depends on the picture, or is not read yet */
	const struct onnx_tensor *initializer; /* of the file */
	struct graph_node *maker;	       /* NULL: nothing makes it */
};

struct graph_node {
	char *name, *type; /* type: the operator of ONNX; a quantisation point: "Quant", whatever it was */
	char *domain;	   /* "" for ONNX's own */
	struct onnx_attribute *attributes; /* their texts lie in the file */
	int attribute_count;
	struct graph_tensor *inputs[GRAPH_EDGES]; /* NULL: left out */
	struct graph_tensor *outputs[GRAPH_EDGES];
	int input_count, output_count;
	struct quantisation *quantisation; /* not NULL: a quantisation point, which reads inputs[0] only */
	bool folded;			   /* inside graph_fold: its outputs are constants */
};

struct graph {
	const char *path;
	struct onnx *model;
	struct graph_node **nodes; /* in an order in which they can be computed, after graph_sort */
	struct graph_tensor **tensors;
	struct graph_tensor *input, *output;
	int node_count, tensor_count;
	int node_room, tensor_room; /* of the arrays */
	size_t room, read;	    /* numbers that folding may still make; numbers that were read */
	void *names;		    /* tree of tensors by name */
	bool sized;		    /* by graph_load_sized, which knows height and width of the picture */
	int height, width;
};

/*
 * Reads the model at the path, which must stay until graph_destroy, and brings its nodes into order. Refuses
 * cycles, tensors that two nodes make, inputs that nothing makes; and models without one picture as input,
 * [1, channels, height, width] or flattened, and one output (*). The number of pictures becomes 1. Nodes that
 * the output does not depend on are left out.
 *
 * (*) Of several outputs the first one counts.
 */
int graph_load(const char *path, struct graph **out, struct error *e);

/* The same; where the model leaves height or width of the picture open, they are these (0: not given). */
int graph_load_sized(const char *path, int height, int width, struct graph **out, struct error *e);

/* Takes NULL. */
void graph_destroy(struct graph *graph);

/* Changes. A new node is the last of graph->nodes until graph_sort. */

/* A constant of the type TYPE_FLOAT with `dims`, and zeros in it. */
int graph_constant_add(struct graph *graph, const char *name, int rank, const int *dims,
	struct graph_tensor **out, struct error *e);

/* Adds an input to the node; NULL: left out. */
int graph_input_add(
	struct graph *graph, struct graph_node *node, struct graph_tensor *input, struct error *e);

/* Takes it out of the graph; what it made has no maker then. */
void graph_node_remove(struct graph *graph, struct graph_node *node);

/* A node that reads the tensor; all former readers, and the graph's output, read what the node makes. */
int graph_insert_after(struct graph *graph, struct graph_tensor *tensor, const char *type,
	struct graph_node **out, struct error *e);

/* A node between the tensor and that input of the reader alone. */
int graph_insert_before(struct graph *graph, struct graph_node *reader, int input, const char *type,
	struct graph_node **out, struct error *e);

/*
 * Makes the node a quantisation point of its inputs[0]; *quantisation is copied. `scale` and `zero` in it are
 * tensors of the graph.
 */
int graph_quantise(struct graph *graph, struct graph_node *node, const struct quantisation *quantisation,
	struct error *e);

/* Brings the nodes into an order in which they can be computed; leaves out what the output does not need. */
int graph_sort(struct graph *graph, struct error *e);

/* Questions. */

/* How many inputs of nodes, and of outputs of the graph, read the tensor; *first is the first such node. */
int graph_readers(const struct graph *graph, const struct graph_tensor *tensor, struct graph_node **first);

static inline bool graph_is_constant(const struct graph_tensor *tensor)
{
	return tensor->constant || tensor->initializer;
}

/* Whether the node is this operator of ONNX (and no quantisation point). */
bool graph_is(const struct graph_node *node, const char *type);

/* The attribute, or NULL; as a number, or `other` when it is missing; as a text, likewise. */
const struct onnx_attribute *graph_attribute(const struct graph_node *node, const char *name);
int64_t graph_integer(const struct graph_node *node, const char *name, int64_t other);
double graph_number(const struct graph_node *node, const char *name, double other);
bool graph_text_is(const struct graph_node *node, const char *name, const char *text);

/* The input, or NULL where it is left out. */
static inline struct graph_tensor *graph_input(const struct graph_node *node, int index)
{
	return index < node->input_count ? node->inputs[index] : NULL;
}

/* The numbers of a constant input, read from the file if need be; left out: *out is NULL and rc 0. */
int graph_constant(const struct graph *graph, const struct graph_node *node, int index,
	const struct graph_constant **out, struct error *e);

/* The same for an input that must be there. `what` it is: "the weights". */
int graph_constant_needed(const struct graph *graph, const struct graph_node *node, int index,
	const char *what, const struct graph_constant **out, struct error *e);

/* A value as a real number. */
static inline double graph_value(const struct graph_constant *constant, size_t index)
{
	double value = constant->values[index];

	return constant->scales ? value * (double)constant->scales[index] : value;
}

/*
 * Where the number of `from` lies that belongs to number `index` of a tensor of the shape of `to`, when
 * `from` is stretched over it.
 */
size_t graph_stretched(const struct graph_tensor *from, const struct graph_tensor *to, size_t index);
bool graph_stretches(const struct graph_tensor *from, const struct graph_tensor *to);

/* Sets one message that names file and node; its value is `code`. */
int graph_error(const struct graph *graph, const struct graph_node *node, int code, struct error *e,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * Computes what depends on constants only, and finds the dimensions of all other tensors. `point` (may be
 * NULL) is called for every node, in their order, so that its constant inputs are folded by then; it makes
 * those that it knows quantisation points (graph_quantise) and leaves the others. A quantisation point of a
 * constant becomes a quantised constant; so does DequantizeLinear of one. Folded nodes leave the graph.
 * Operators that it does not know leave dimensions unknown; only if all that they read is constant, they are
 * refused. May be called again when the graph was changed and sorted.
 */
typedef int graph_point(struct graph *graph, struct graph_node *node, struct error *e);
int graph_fold(struct graph *graph, graph_point *point, struct error *e);

#endif
