/* SPDX-License-Identifier: MIT */
/* Quant and BipolarQuant: their parameters, and the whole number that they make of a number. */
#include "nn/import/qonnx/parts.h"

#include <errno.h>
#include <math.h>
#include <strings.h>

enum { BITS_LIMIT = 32 };

static double round_away(double x)
{
	return x < 0 ? floor(x) : ceil(x);
}

static double round_half_away(double x)
{
	return x < 0 ? -floor(0.5 - x) : floor(x + 0.5);
}

static double round_half_towards(double x)
{
	return x < 0 ? -ceil(-x - 0.5) : ceil(x - 0.5);
}

/* To the nearest, halves to even: the rounding mode that a C program starts with. */
static double round_half_even(double x)
{
	return rint(x);
}

static const struct {
	const char *name;
	double (*round)(double);
} roundings[] = {
	{"ROUND", round_half_even},
	{"HALF_EVEN", round_half_even},
	{"CEIL", ceil},
	{"FLOOR", floor},
	{"UP", round_away},
	{"DOWN", trunc},
	{"HALF_UP", round_half_away},
	{"HALF_DOWN", round_half_towards},
};

static int rounding_read(struct qonnx_import *m, struct quant *quant, struct error *e)
{
	struct onnx_attribute mode;
	char text[ONNX_TEXT];

	quant->round = round_half_even;
	if (!onnx_attribute_find(m->node, "rounding_mode", &mode))
		return 0;
	onnx_text(mode.text, text);
	for (size_t i = 0; i < sizeof(roundings) / sizeof(*roundings); i++)
		if (strcasecmp(text, roundings[i].name) == 0) {
			quant->round = roundings[i].round;
			return 0;
		}
	return node_error(m, -EBADMSG, e, "the rounding mode \"%s\" is unknown", text);
}

/* The range of the whole numbers; one signed bit means −1 and +1. */
static int range_read(struct qonnx_import *m, struct quant *quant, struct error *e)
{
	const struct constant *bits;
	int rc = constant_needed(m, 3, "the bit width", &bits, e);

	if (rc)
		return rc;
	double width = constant_number(bits, 0);
	bool is_signed = attribute_integer(m, "signed", 1) != 0;
	bool narrow = attribute_integer(m, "narrow", 0) != 0;
	for (size_t i = 0; i < bits->count; i++)
		if (constant_number(bits, i) != width || !(width >= 1 && width <= BITS_LIMIT) ||
			width != floor(width))
			return node_error(m, -EBADMSG, e,
				"its bit width must be one whole number from 1 to %d", BITS_LIMIT);
	quant->bipolar = is_signed && width == 1;
	double half = ldexp(0.5, (int)width);
	quant->low = is_signed ? -half + narrow : 0;
	quant->high = is_signed ? half - 1 : 2 * half - 1 - narrow;
	if (quant->bipolar) {
		quant->low = -1;
		quant->high = 1;
	}
	return 0;
}

static int zero_point_check(struct qonnx_import *m, struct error *e)
{
	const struct constant *zero;
	int rc = constant_needed(m, 2, "the zero point", &zero, e);

	for (size_t i = 0; rc == 0 && i < zero->count; i++)
		if (constant_number(zero, i) != 0)
			return node_error(m, -EBADMSG, e, "its zero point is %g; only 0 can be imported",
				constant_number(zero, i));
	return rc;
}

int quant_read(struct qonnx_import *m, const struct constant **scale, struct quant *quant, struct error *e)
{
	int rc = constant_needed(m, 1, "the scale", scale, e);

	*quant = (struct quant){.low = -1, .high = 1, .bipolar = true, .round = round_half_even};
	if (rc == 0 && (*scale)->scales)
		return node_error(m, -EBADMSG, e, "its scale is itself quantised");
	for (size_t i = 0; rc == 0 && i < (*scale)->count; i++)
		if ((*scale)->values[i] <= 0)
			return node_error(m, -EBADMSG, e, "its scale is %g, but must be positive",
				(double)(*scale)->values[i]);
	if (rc || onnx_text_is(m->node->type, "BipolarQuant"))
		return rc;
	if ((rc = zero_point_check(m, e)) || (rc = rounding_read(m, quant, e)))
		return rc;
	return range_read(m, quant, e);
}

double quant_apply(const struct quant *quant, double number)
{
	if (quant->bipolar)
		return number >= 0 ? 1 : -1;
	double rounded = quant->round(number / quant->scale);
	return fmin(fmax(rounded, quant->low), quant->high);
}
