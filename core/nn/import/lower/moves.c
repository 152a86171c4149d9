/* SPDX-License-Identifier: MIT */
/* Operators that only move numbers, and the ends of classifiers. */
#include "nn/import/lower/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reshapes keep the order in which the numbers lie. */
int reshape_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct graph_tensor *to = l->node->outputs[0];
	const struct signal *in;
	size_t count = 1;
	int rc = signal_input(l, 0, &in, e);

	if (rc)
		return rc;
	for (int i = 0; i < to->rank; i++)
		count *= (size_t)to->dims[i];
	if (to->rank < 0 || count != shape_size(in->shape))
		return node_error(
			l, -EBADMSG, e, "must keep each picture's %zu numbers", shape_size(in->shape));
	*out = *in;
	return 0;
}

static int axis_size(const struct signal *signal, char axis)
{
	return axis == 'C'   ? signal->shape.channels
	       : axis == 'H' ? signal->shape.height
			     : signal->shape.width;
}

/* The axes of more than one, in their order, each of which must be a dimension of its own. */
static int axes_find(const struct signal *in, const struct graph_tensor *tensor, char axes[GRAPH_RANK])
{
	int next = 0;

	for (int i = 0; i < tensor->rank; i++) {
		axes[i] = 0;
		while (next < 3 && axis_size(in, in->order[next]) == 1)
			next++;
		if (tensor->dims[i] == 1)
			continue;
		if (next == 3 || axis_size(in, in->order[next]) != tensor->dims[i])
			return -1;
		axes[i] = in->order[next++];
	}
	return 0;
}

static int permutation_at(const struct graph_node *node, int rank, int i)
{
	const struct onnx_attribute *given = graph_attribute(node, "perm");
	int64_t from = !given ? rank - 1 - i : i < given->count && i < ONNX_EDGES ? given->integers[i] : -1;

	return from >= 0 && from < rank ? (int)from : -1;
}

/* Changes the order, from which a matrix then reads. */
int transpose_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct graph_tensor *from = graph_input(l->node, 0);
	char axes[GRAPH_RANK] = {0}, order[4] = "";
	const struct signal *in;
	bool seen[GRAPH_RANK] = {0}, moved = false;
	int rc = signal_input(l, 0, &in, e), count = 0, last = -1;

	if (rc)
		return rc;
	bool apart = axes_find(in, from, axes) == 0;
	for (int i = 0; i < from->rank; i++) {
		int at = permutation_at(l->node, from->rank, i);

		if (at < 0 || seen[at])
			return node_error(
				l, -EBADMSG, e, "its perm is no order of %d dimensions", from->rank);
		seen[at] = true;
		if (from->dims[at] == 1)
			continue;
		moved = moved || at < last;
		last = at;
		if (apart && count < 3)
			order[count++] = axes[at];
	}
	*out = *in;
	if (!moved)
		return 0;
	if (!apart)
		return node_error(l, -EBADMSG, e,
			"its input must be a picture [1, channels, height, width], not mixed dimensions");
	for (int i = 0; i < 3; i++)
		if (!strchr(order, in->order[i]))
			order[count++] = in->order[i];
	memcpy(out->order, order, sizeof(order));
	return 0;
}

/* The same codes in more bits. */
static int widen(struct lowering *l, int bits, struct term *term, struct error *e)
{
	int index, rc;

	if (built_tensor(l, term->source).bits == bits)
		return 0;
	if ((rc = table_build(l, term->source, bits, 1, &index, e)))
		return rc;
	struct layer *layer = &l->built[index].layer;
	for (int code = 0; code < 1 << layer->input_bits; code++)
		layer->table[code] = (uint8_t)code;
	term->source = index;
	return reach_make(l, index, e);
}

static int parts_read(
	struct lowering *l, const struct signal **in, struct shape *shape, int *bits, struct error *e)
{
	int count = l->node->input_count, rc;

	*bits = 1;
	if (count < 1)
		return node_error(l, -EBADMSG, e, "joins nothing");
	for (int i = 0; i < count; i++) {
		if ((rc = signal_input(l, i, &in[i], e)))
			return rc;
		if (!signal_is_codes(l, in[i]))
			return node_error(
				l, -EBADMSG, e, "its input %d is not quantised; %s", i, l->options->advice);
		if (in[i]->shape.height != in[0]->shape.height || in[i]->shape.width != in[0]->shape.width ||
			strcmp(in[i]->order, in[0]->order) != 0)
			return node_error(l, -EBADMSG, e, "joins pictures of different sizes");
		int own = built_tensor(l, in[i]->terms[0].source).bits;
		*bits = own > *bits ? own : *bits;
		shape->channels += in[i]->shape.channels;
	}
	shape->height = in[0]->shape.height;
	shape->width = in[0]->shape.width;
	return 0;
}

/* Up to 8 parts, then the result and up to 7 more, and so on. */
static int concats_build(struct lowering *l, const int *sources, int count, int *index, struct error *e)
{
	int done = 1, rc = 0;

	*index = sources[0];
	while (done < count && rc == 0) {
		int from[LAYER_INPUTS] = {*index}, parts = 1;
		struct shape shape = built_tensor(l, *index).shape;

		for (; parts < LAYER_INPUTS && done < count; parts++, done++) {
			from[parts] = sources[done];
			shape.channels += built_tensor(l, sources[done]).shape.channels;
		}
		if ((rc = layer_build(l, LAYER_CONCAT, from[0], index, e)))
			return rc;
		struct layer *layer = &l->built[*index].layer;
		memcpy(layer->from, from, sizeof(from));
		layer->from_count = parts;
		layer->in = layer->out = shape;
		rc = reach_make(l, *index, e);
	}
	return rc;
}

static int joined(struct lowering *l, const struct signal **in, const struct shape *shape, int bits,
	struct signal *out, struct error *e)
{
	double *scale, *offset, *summand;
	int index = 0, at = 0, rc, sources[GRAPH_EDGES] = {0};

	if ((rc = numbers_take(l, shape->channels, 0, &scale, e)) ||
		(rc = numbers_take(l, shape->channels, 0, &offset, e)) ||
		(rc = numbers_take(l, shape->channels, 0, &summand, e)))
		return rc;
	for (int i = 0; i < l->node->input_count; i++) {
		struct term term = in[i]->terms[0];
		size_t size = (size_t)in[i]->shape.channels * sizeof(double);

		memcpy(scale + at, term.scale, size);
		memcpy(offset + at, term.offset, size);
		memcpy(summand + at, in[i]->summand, size);
		at += in[i]->shape.channels;
		if ((rc = widen(l, bits, &term, e)))
			return rc;
		sources[i] = term.source;
	}
	*out = *in[0];
	out->shape = *shape;
	out->summand = summand;
	rc = concats_build(l, sources, l->node->input_count, &index, e);
	out->terms[0] = (struct term){index, scale, offset};
	return rc;
}

int concat_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct graph_tensor *first = graph_input(l->node, 0), *to = l->node->outputs[0];
	const struct signal *in[GRAPH_EDGES] = {NULL};
	struct shape shape = {0};
	int bits, axis = (int)graph_integer(l->node, "axis", 1), rc = parts_read(l, in, &shape, &bits, e);

	if (rc)
		return rc;
	axis = axis < 0 ? axis + to->rank : axis;
	bool fits = to->rank == 4 ? signal_is_picture(in[0], first) && axis == 1
				  : to->rank == 2 && axis == 1 && shape.height * shape.width == 1;
	if (!fits)
		return node_error(l, -EBADMSG, e, "only channels can be joined, along axis 1");
	return joined(l, in, &shape, bits, out, e);
}

int identity_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct graph_constant *training = NULL;
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (graph_is(l->node, "Dropout") && (rc = graph_constant(l->graph, l->node, 2, &training, e))))
		return rc;
	if (training && training->count && graph_value(training, 0) != 0)
		return node_error(l, -EBADMSG, e, "is in training mode; export with the model's eval()");
	*out = *in;
	return 0;
}

/* Softmax, ArgMax, TopK: the scores are what comes before them. */
int tail_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct graph_tensor *from = graph_input(l->node, 0);
	bool softmax = graph_is(l->node, "Softmax") || graph_is(l->node, "LogSoftmax");
	int64_t axis = graph_integer(l->node, "axis", graph_is(l->node, "ArgMax") ? 0 : -1);
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc)
		return rc;
	axis = axis < 0 ? axis + from->rank : axis;
	bool last = axis >= 0 && axis < from->rank && from->dims[axis] == in->shape.channels;
	if (in->shape.height * in->shape.width != 1 || !(last || (softmax && axis == 0)))
		return node_error(l, -EBADMSG, e, "must stand behind the scores, along their axis");
	*out = *in;
	out->ended = true;
	return 0;
}
