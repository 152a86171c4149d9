/* SPDX-License-Identifier: MIT */
/* Folding of operators that compute each number for itself, of tensors that are stretched over each other. */
#include "nn/import/model/graph_parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static double reciprocal(double x)
{
	return 1 / x;
}

static double negative(double x)
{
	return -x;
}

static double sign(double x)
{
	return (x > 0) - (x < 0);
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double relu(double x)
{
	return x > 0 ? x : 0;
}

static double same(double x)
{
	return x;
}

static const struct {
	const char *type;
	double (*compute)(double);
} unary[] = {
	{"Abs", fabs},
	{"Cast", same},
	{"Ceil", ceil},
	{"Exp", exp},
	{"Floor", floor},
	{"Log", log},
	{"Neg", negative},
	{"Reciprocal", reciprocal},
	{"Relu", relu},
	{"Round", rounding_half_even},
	{"Sigmoid", sigmoid},
	{"Sign", sign},
	{"Sqrt", sqrt},
	{"Tanh", tanh},
};

static double sum(double a, double b)
{
	return a + b;
}

static double difference(double a, double b)
{
	return a - b;
}

static double product(double a, double b)
{
	return a * b;
}

static double quotient(double a, double b)
{
	return a / b;
}

static double equal(double a, double b)
{
	return a == b;
}

static double greater(double a, double b)
{
	return a > b;
}

static double less(double a, double b)
{
	return a < b;
}

static const struct {
	const char *type;
	double (*compute)(double a, double b);
	bool many, truth;
} binary[] = {
	{"Add", sum, false, false},
	{"Sub", difference, false, false},
	{"Mul", product, false, false},
	{"Div", quotient, false, false},
	{"Pow", pow, false, false},
	{"Max", fmax, true, false},
	{"Min", fmin, true, false},
	{"Sum", sum, true, false},
	{"Equal", equal, false, true},
	{"Greater", greater, false, true},
	{"Less", less, false, true},
};

static bool is_whole(int64_t type)
{
	return type >= TYPE_UINT8 && type <= TYPE_BOOL;
}

/* As the type keeps it: single precision, or a whole number. */
static double kept(double number, int64_t type)
{
	if (type == TYPE_FLOAT)
		return (double)(float)number;
	if (type == TYPE_BOOL)
		return number != 0;
	return is_whole(type) ? trunc(number) : number;
}

/* The dimensions of all inputs stretched over each other; false: they do not fit. */
static bool stretch_all(const struct graph_node *node, struct graph_tensor *out)
{
	out->rank = 0;
	for (int i = 0; i < node->input_count; i++)
		if (node->inputs[i] && node->inputs[i]->rank > out->rank)
			out->rank = node->inputs[i]->rank;
	for (int d = 0; d < out->rank; d++)
		out->dims[d] = 1;
	for (int i = 0; i < node->input_count; i++) {
		const struct graph_tensor *in = node->inputs[i];

		for (int d = 0; in && d < in->rank; d++) {
			int *to = &out->dims[out->rank - 1 - d], size = in->dims[in->rank - 1 - d];

			if (size != 1 && *to != 1 && *to != size)
				return false;
			*to = size == 1 ? *to : size;
		}
	}
	return true;
}

static double number_at(const struct graph_tensor *from, const struct graph_tensor *to, size_t index)
{
	return graph_value(from->constant, graph_stretched(from, to, index));
}

static int result_make(struct graph *graph, struct graph_node *node, int64_t type, struct error *e)
{
	if (!stretch_all(node, node->outputs[0]))
		return graph_error(graph, node, -EBADMSG, e, "its constants do not fit each other");
	return graph_constant_fold(graph, node, type, false, e);
}

static int result_check(const struct graph *graph, const struct graph_node *node, struct error *e)
{
	const struct graph_constant *made = node->outputs[0]->constant;

	for (size_t i = 0; i < made->count; i++)
		if (!isfinite(made->values[i]))
			return graph_error(graph, node, -EBADMSG, e, "computes a number that is not finite");
	return 0;
}

static int inputs_check(
	const struct graph *graph, const struct graph_node *node, int least, int most, struct error *e)
{
	if (node->input_count < least || node->input_count > most)
		return graph_error(graph, node, -EBADMSG, e, "has %d inputs", node->input_count);
	for (int i = 0; i < least; i++)
		if (!node->inputs[i])
			return graph_error(graph, node, -EBADMSG, e, "its input %d is missing", i);
	return 0;
}

static int unary_fold(
	struct graph *graph, struct graph_node *node, double (*compute)(double), struct error *e)
{
	int rc = inputs_check(graph, node, 1, 1, e);

	if (rc)
		return rc;
	const struct graph_tensor *in = node->inputs[0];
	int64_t type = graph_is(node, "Cast") ? graph_integer(node, "to", TYPE_FLOAT) : in->constant->type;
	if ((rc = result_make(graph, node, type, e)))
		return rc;
	for (size_t i = 0; i < in->constant->count; i++)
		node->outputs[0]->constant->values[i] = kept(compute(graph_value(in->constant, i)), type);
	return result_check(graph, node, e);
}

static int binary_fold(struct graph *graph, struct graph_node *node, size_t operator, struct error * e)
{
	int rc = inputs_check(graph, node, binary[operator].many ? 1 : 2,
		binary[operator].many ? GRAPH_EDGES : 2, e);

	if (rc)
		return rc;
	int64_t type = binary[operator].truth ? TYPE_BOOL : node->inputs[0]->constant->type;
	if ((rc = result_make(graph, node, type, e)))
		return rc;
	const struct graph_tensor *out = node->outputs[0];
	for (size_t i = 0; i < out->constant->count; i++) {
		double number = number_at(node->inputs[0], out, i);

		for (int k = 1; k < node->input_count; k++)
			if (node->inputs[k])
				number = kept(binary[operator].compute(
						      number, number_at(node->inputs[k], out, i)),
					type);
		out->constant->values[i] = number;
	}
	return result_check(graph, node, e);
}

/* The bounds are inputs, or attributes in older models. */
static int clip_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	double low = graph_number(node, "min", -INFINITY), high = graph_number(node, "max", INFINITY);
	int rc = inputs_check(graph, node, 1, 3, e);

	if (rc)
		return rc;
	for (int i = 1; i < node->input_count; i++)
		if (node->inputs[i] && node->inputs[i]->constant->count == 1)
			*(i == 1 ? &low : &high) = graph_value(node->inputs[i]->constant, 0);
	const struct graph_constant *in = node->inputs[0]->constant;
	node->input_count = 1;
	if ((rc = result_make(graph, node, in->type, e)))
		return rc;
	for (size_t i = 0; i < in->count; i++)
		node->outputs[0]->constant->values[i] = fmin(fmax(graph_value(in, i), low), high);
	return 0;
}

static int where_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	int rc = inputs_check(graph, node, 3, 3, e);

	if (rc || (rc = result_make(graph, node, node->inputs[1]->constant->type, e)))
		return rc;
	const struct graph_tensor *out = node->outputs[0];
	for (size_t i = 0; i < out->constant->count; i++)
		out->constant->values[i] =
			number_at(node->inputs[number_at(node->inputs[0], out, i) != 0 ? 1 : 2], out, i);
	return 0;
}

int fold_elements(struct graph *graph, struct graph_node *node, struct error *e)
{
	for (size_t i = 0; i < sizeof(unary) / sizeof(*unary); i++)
		if (graph_is(node, unary[i].type))
			return unary_fold(graph, node, unary[i].compute, e);
	for (size_t i = 0; i < sizeof(binary) / sizeof(*binary); i++)
		if (graph_is(node, binary[i].type))
			return binary_fold(graph, node, i, e);
	if (graph_is(node, "Clip"))
		return clip_fold(graph, node, e);
	return graph_is(node, "Where") ? where_fold(graph, node, e) : 1;
}
