/* SPDX-License-Identifier: MIT */
/* Quant and BipolarQuant: their parameters, and what they do to the path. */
#include "nn/import_qonnx_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
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

static int rounding_read(struct import *m, struct quant *quant, struct error *e)
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
static int range_read(struct import *m, struct quant *quant, struct error *e)
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

static int zero_point_check(struct import *m, struct error *e)
{
	const struct constant *zero;
	int rc = constant_needed(m, 2, "the zero point", &zero, e);

	for (size_t i = 0; rc == 0 && i < zero->count; i++)
		if (constant_number(zero, i) != 0)
			return node_error(m, -EBADMSG, e, "its zero point is %g; only 0 can be imported",
				constant_number(zero, i));
	return rc;
}

int quant_read(struct import *m, const struct constant **scale, struct quant *quant, struct error *e)
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

/* The difference of each channel between the quantised pixel and its code, the byte; false: it differs. */
static bool input_codes(struct import *m, const struct quant *quant, double range)
{
	for (int c = 0; c < m->shape.channels; c++)
		for (int pixel = 0; pixel <= UINT8_MAX; pixel++) {
			double number = steps_apply(m, c, pixel / range);
			double difference = quant_apply(quant, number) - pixel;

			if (pixel == 0)
				m->offset[c] = difference;
			else if (!(difference == m->offset[c]))
				return false;
		}
	return true;
}

/* Pictures go from 0 to 1, or from 0 to 255: the one for which every byte has a code of its own. */
static int input_quantise(struct import *m, const struct quant *quant, struct error *e)
{
	m->offset = calloc((size_t)m->shape.channels, sizeof(*m->offset));
	if (!m->offset)
		return node_error(m, -ENOMEM, e, "out of memory");
	if (quant->bipolar || (!input_codes(m, quant, 255) && !input_codes(m, quant, 1)))
		return node_error(m, -EBADMSG, e,
			"must give each of a pixel's 256 values a code of its own: 8 bits, with a scale of "
			"1/255 "
			"for pictures from 0 to 1, or of 1 for pictures from 0 to 255");
	steps_clear(m);
	m->scale = quant->scale;
	m->bits = 8;
	m->levels = UINT8_MAX;
	m->place = AT_CODES;
	return 0;
}

/* Quantising what is quantised: passed over when no number changes. */
static int codes_quantise(struct import *m, const struct quant *quant, struct error *e)
{
	for (int c = 0; c < m->shape.channels; c++)
		for (int code = 0; code <= m->levels; code++) {
			double number = m->scale * (code + m->offset[c]);

			if (!(fabs(quant_apply(quant, number) * quant->scale - number) <=
				    1e-6 * fabs(m->scale)))
				return node_error(m, -EBADMSG, e,
					"quantises what is quantised already, otherwise than before");
		}
	return 0;
}

int quant_follow(struct import *m, struct error *e)
{
	const struct constant *scale;
	struct quant quant;
	int rc = quant_read(m, &scale, &quant, e);

	if (rc)
		return rc;
	for (size_t i = 1; i < scale->count; i++)
		if (scale->values[i] != scale->values[0])
			return node_error(m, -EBADMSG, e,
				"its scale differs between channels; activations need one scale");
	quant.scale = (double)scale->values[0];
	if (m->place == AT_INPUT)
		return input_quantise(m, &quant, e);
	return m->place == AT_CODES ? codes_quantise(m, &quant, e) : layer_end_codes(m, &quant, e);
}
