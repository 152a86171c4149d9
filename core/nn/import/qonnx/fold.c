/* SPDX-License-Identifier: MIT */
/* What a model computes from constants alone: quantised weights, possibly in another order. */
#include "nn/import/qonnx/parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* One of the attributes that a constant's value can stand in. */
int constant_node(struct qonnx_import *m, struct constant **out, struct error *e)
{
	struct onnx_attribute attribute;
	float number = 0;

	if (onnx_attribute_find(m->node, "value", &attribute))
		return constant_of_tensor(m, &attribute.tensor, out, e);
	if (onnx_attribute_find(m->node, "value_float", &attribute))
		number = attribute.number;
	else if (onnx_attribute_find(m->node, "value_int", &attribute))
		number = (float)attribute.integer;
	else
		return node_error(
			m, -EBADMSG, e, "only a value of a tensor, a float or an int can be imported");
	if (!isfinite(number))
		return node_error(m, -EBADMSG, e, "is not finite");
	int rc = constant_create(m, &(struct constant){.count = 1}, false, out, e);
	if (rc == 0)
		(*out)->values[0] = number;
	return rc;
}

/*
 * Where the number of `from` lies that belongs to number `index` of a tensor like `to`, when `from` is
 * stretched over it; dimensions count from the last.
 */
static size_t stretched(const struct constant *from, const struct constant *to, size_t index)
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

static bool stretches(const struct constant *from, const struct constant *to)
{
	for (int i = 0; i < from->rank; i++) {
		int size = from->dims[from->rank - 1 - i];

		if (size != 1 && (i >= to->rank || size != to->dims[to->rank - 1 - i]))
			return false;
	}
	return true;
}

int quant_fold(struct qonnx_import *m, struct constant **out, struct error *e)
{
	const struct constant *from, *scale;
	struct quant quant;
	int rc = 0;

	if ((rc = constant_needed(m, 0, "what it quantises", &from, e)) ||
		(rc = quant_read(m, &scale, &quant, e)))
		return rc;
	if (from->scales)
		return node_error(m, -EBADMSG, e, "quantises what is quantised already");
	if (!stretches(scale, from))
		return node_error(m, -EBADMSG, e, "its scale has not the shape of what it quantises");
	if ((rc = constant_create(m, from, true, out, e)))
		return rc;
	(*out)->low = quant.low;
	(*out)->high = quant.high;
	(*out)->bipolar = quant.bipolar;
	quant.scale = 1;
	for (size_t i = 0; i < from->count; i++) {
		float step = scale->values[stretched(scale, from, i)];

		/* Divided in single precision, as the exporter does, so that halves are the same. */
		float number = quant.bipolar ? from->values[i] : from->values[i] / step;

		(*out)->values[i] = (float)quant_apply(&quant, (double)number);
		(*out)->scales[i] = step;
	}
	return 0;
}

int identity_fold(struct qonnx_import *m, struct constant **out, struct error *e)
{
	const struct constant *from;
	int rc = constant_needed(m, 0, "what it passes on", &from, e);

	if (rc == 0)
		rc = constant_create(m, from, from->scales != NULL, out, e);
	if (rc)
		return rc;
	memcpy((*out)->values, from->values, from->count * sizeof(*from->values));
	if (from->scales)
		memcpy((*out)->scales, from->scales, from->count * sizeof(*from->scales));
	return 0;
}

int reshape_fold(struct qonnx_import *m, struct constant **out, struct error *e)
{
	const struct constant *from, *shape;
	size_t known = 1;
	int rc = 0, open = -1;

	if ((rc = constant_needed(m, 0, "what it reshapes", &from, e)) ||
		(rc = constant_needed(m, 1, "the shape", &shape, e)))
		return rc;
	struct constant to = *from;
	to.rank = shape->count <= ONNX_RANK ? (int)shape->count : 0;
	for (int i = 0; i < to.rank; i++) {
		float size = shape->values[i];

		if (size == -1 && open < 0)
			open = i;
		else if (size >= 1 && (double)size <= (double)from->count)
			known *= (size_t)(to.dims[i] = (int)size);
		else
			return node_error(m, -EBADMSG, e, "its shape holds %g", (double)size);
		if (known > from->count)
			break;
	}
	if (open >= 0 && known <= from->count)
		known *= (size_t)(to.dims[open] = (int)(from->count / known));
	if (to.rank == 0 || known != from->count)
		return node_error(
			m, -EBADMSG, e, "its shape does not hold the %zu numbers of its input", from->count);
	rc = identity_fold(m, out, e);
	if (rc == 0) {
		(*out)->rank = to.rank;
		memcpy((*out)->dims, to.dims, sizeof(to.dims));
	}
	return rc;
}

/* perm[i] is the dimension of the input that becomes dimension i; by default they are mirrored. */
static int permutation_read(struct qonnx_import *m, int rank, int perm[ONNX_RANK], struct error *e)
{
	struct onnx_attribute attribute;
	unsigned seen = 0;

	bool given = onnx_attribute_find(m->node, "perm", &attribute);
	for (int i = 0; i < rank; i++) {
		int64_t from = given ? (i < attribute.count ? attribute.integers[i] : -1) : rank - 1 - i;

		if (from < 0 || from >= rank || (seen & 1U << from))
			return node_error(m, -EBADMSG, e, "its perm is no order of %d dimensions", rank);
		seen |= 1U << from;
		perm[i] = (int)from;
	}
	return 0;
}

int transpose_fold(struct qonnx_import *m, struct constant **out, struct error *e)
{
	size_t strides[ONNX_RANK] = {0}, stride = 1;
	int perm[ONNX_RANK] = {0};
	const struct constant *from;
	int rc = 0;

	if ((rc = constant_needed(m, 0, "what it transposes", &from, e)) ||
		(rc = permutation_read(m, from->rank, perm, e)) ||
		(rc = constant_create(m, from, from->scales != NULL, out, e)))
		return rc;
	struct constant *to = *out;
	for (int i = from->rank - 1; i >= 0; i--) {
		strides[i] = stride;
		stride *= (size_t)from->dims[i];
	}
	for (int i = 0; i < from->rank; i++)
		to->dims[i] = from->dims[perm[i]];
	for (size_t index = 0; index < from->count; index++) {
		size_t rest = index, place = 0;

		for (int i = from->rank - 1; i >= 0; i--) {
			place += rest % (size_t)to->dims[i] * strides[perm[i]];
			rest /= (size_t)to->dims[i];
		}
		to->values[index] = from->values[place];
		if (from->scales)
			to->scales[index] = from->scales[place];
	}
	return 0;
}
