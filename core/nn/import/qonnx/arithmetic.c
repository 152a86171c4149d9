/* SPDX-License-Identifier: MIT */
/* Arithmetic by constants. On codes it changes their meaning; elsewhere it becomes steps of the path. */
#include "nn/import/qonnx/parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void steps_clear(struct qonnx_import *m)
{
	for (int i = 0; i < m->step_count; i++)
		free(m->steps[i].numbers);
	m->step_count = 0;
}

double step_apply(const struct qonnx_step *step, int channel, double number)
{
	int i = step->count == 1 ? 0 : channel;

	switch (step->kind) {
	case STEP_ADD:
		return number + step->numbers[i];
	case STEP_MULTIPLY:
		return number * step->numbers[i];
	case STEP_DIVIDE:
		return number / step->numbers[i];
	case STEP_RELU:
		return fmax(number, 0);
	default:
		return number;
	}
}

double steps_apply(const struct qonnx_import *m, int channel, double number)
{
	for (int i = 0; i < m->step_count; i++)
		number = step_apply(&m->steps[i], channel, number);
	return number;
}

/* Codes stand for scale · (code + offset): one scale, an offset a channel. */
static int codes_change(
	struct qonnx_import *m, enum step_kind kind, const double *numbers, int count, struct error *e)
{
	if (kind == STEP_ADD) {
		for (int c = 0; c < m->shape.channels; c++)
			m->offset[c] += numbers[count == 1 ? 0 : c] / m->scale;
		return 0;
	}
	for (int i = 0; i < count; i++)
		if (numbers[i] == 0 || numbers[i] != numbers[0])
			return node_error(m, -EBADMSG, e,
				"gives quantised activations a scale that differs between channels, or is 0");
	m->scale = kind == STEP_MULTIPLY ? m->scale * numbers[0] : m->scale / numbers[0];
	return 0;
}

/* Takes `numbers`, also when it fails. */
int step_add(struct qonnx_import *m, enum step_kind kind, double *numbers, int count, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < count && rc == 0; i++)
		if (!isfinite(numbers[i]) || (kind == STEP_DIVIDE && numbers[i] == 0))
			rc = node_error(m, -EBADMSG, e, "computes with %g", numbers[i]);
	if (rc == 0 && m->place != AT_CODES && m->step_count == STEP_LIMIT)
		rc = node_error(m, -EBADMSG, e, "more than %d operations follow each other without a Quant",
			STEP_LIMIT);
	if (rc == 0 && m->place != AT_CODES) {
		m->steps[m->step_count++] = (struct qonnx_step){kind, count, numbers};
		return 0;
	}
	if (rc == 0)
		rc = codes_change(m, kind, numbers, count, e);
	free(numbers);
	return rc;
}

/* Whether the constant has a number for each channel of the path, along the dimension of the channels. */
static bool per_channel(const struct qonnx_import *m, const struct constant *constant)
{
	int channels = m->flat ? 1 : 3; /* the dimension, counted from the last as 1 */

	for (int i = 1; i <= constant->rank; i++)
		if (constant->dims[constant->rank - i] != (i == channels ? m->shape.channels : 1))
			return false;
	return constant->rank >= channels && (!m->flat || m->shape.height * m->shape.width == 1);
}

int step_constant(struct qonnx_import *m, enum step_kind kind, const struct constant *constant, double factor,
	struct error *e)
{
	if (constant->count != 1 && !per_channel(m, constant))
		return node_error(m, -EBADMSG, e,
			"its constant of %zu numbers is neither one number nor one for each of %d channels",
			constant->count, m->shape.channels);
	double *numbers = malloc(constant->count * sizeof(*numbers));
	if (!numbers)
		return node_error(m, -ENOMEM, e, "out of memory");
	for (size_t i = 0; i < constant->count; i++)
		numbers[i] = factor * constant_number(constant, i);
	return step_add(m, kind, numbers, (int)constant->count, e);
}

/* The constant of an operation between two: that input which is not the path. */
static int other_input(struct qonnx_import *m, const struct constant **out, bool *path_first, struct error *e)
{
	const struct onnx_bytes *first = &m->node->inputs[0];

	*path_first = first->size == m->tip.size && memcmp(first->data, m->tip.data, first->size) == 0;
	return constant_needed(m, *path_first ? 1 : 0, "a constant", out, e);
}

int add_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *constant;
	bool path_first;
	int rc = other_input(m, &constant, &path_first, e);

	return rc ? rc : step_constant(m, STEP_ADD, constant, 1, e);
}

int subtract_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *constant;
	bool path_first;
	int rc = other_input(m, &constant, &path_first, e);

	if (rc == 0 && !path_first) {
		double *minus = malloc(sizeof(*minus));
		if (!minus)
			return node_error(m, -ENOMEM, e, "out of memory");
		*minus = -1;
		rc = step_add(m, STEP_MULTIPLY, minus, 1, e);
	}
	return rc ? rc : step_constant(m, STEP_ADD, constant, path_first ? -1 : 1, e);
}

int multiply_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *constant;
	bool path_first;
	int rc = other_input(m, &constant, &path_first, e);

	return rc ? rc : step_constant(m, STEP_MULTIPLY, constant, 1, e);
}

int divide_follow(struct qonnx_import *m, struct error *e)
{
	const struct constant *constant;
	int rc = constant_needed(m, 1, "the divisor", &constant, e);

	return rc ? rc : step_constant(m, STEP_DIVIDE, constant, 1, e);
}

int relu_follow(struct qonnx_import *m, struct error *e)
{
	if (m->place != AT_CODES)
		return step_add(m, STEP_RELU, NULL, 0, e);
	for (int c = 0; c < m->shape.channels; c++)
		if (m->scale * m->offset[c] < 0 || m->scale * (m->levels + m->offset[c]) < 0)
			return node_error(
				m, -EBADMSG, e, "cuts quantised activations; put the Quant behind it");
	return 0;
}

/* (x − mean) / √(variance + ε) · weight + bias, as a factor and a summand a channel. */
static int batch_norm_fold(struct qonnx_import *m, const struct constant *const in[4], double *factor,
	double *summand, struct error *e)
{
	struct onnx_attribute epsilon = {.number = 1e-5F};

	onnx_attribute_find(m->node, "epsilon", &epsilon);
	for (int c = 0; c < m->shape.channels; c++) {
		size_t i = (size_t)c;
		double variance = constant_number(in[3], i) + (double)epsilon.number;

		if (!(variance > 0))
			return node_error(m, -EBADMSG, e, "its variance of channel %d is %g", c, variance);
		factor[c] = constant_number(in[0], i) / sqrt(variance);
		summand[c] = constant_number(in[1], i) - constant_number(in[2], i) * factor[c];
	}
	return 0;
}

int batch_norm_follow(struct qonnx_import *m, struct error *e)
{
	static const char *const names[] = {"the weight", "the bias", "the mean", "the variance"};
	const struct constant *in[4];
	int rc = 0;

	if (attribute_integer(m, "training_mode", 0))
		return node_error(m, -EBADMSG, e, "is in training mode; export with the model's eval()");
	for (int i = 0; i < 4 && rc == 0; i++) {
		rc = constant_needed(m, i + 1, names[i], &in[i], e);
		if (rc == 0 && (in[i]->count != (size_t)m->shape.channels ||
				       (m->flat && m->shape.height * m->shape.width != 1)))
			rc = node_error(m, -EBADMSG, e, "%s has %zu numbers, but there are %d channels",
				names[i], in[i]->count, m->shape.channels);
	}
	if (rc)
		return rc;
	size_t size = (size_t)m->shape.channels * sizeof(double);
	double *factor = malloc(size), *summand = malloc(size);
	if (!factor || !summand)
		rc = node_error(m, -ENOMEM, e, "out of memory");
	else
		rc = batch_norm_fold(m, in, factor, summand, e);
	if (rc) {
		free(factor);
		free(summand);
		return rc;
	}
	rc = step_add(m, STEP_MULTIPLY, factor, m->shape.channels, e);
	if (rc == 0)
		return step_add(m, STEP_ADD, summand, m->shape.channels, e);
	free(summand);
	return rc;
}
