/* SPDX-License-Identifier: MIT */
/* Makes quantisation points of QONNX's own operators; core/nn/import/lower does the rest. */
#include "nn/import/qonnx/qonnx.h"

#include "base/error.h"
#include "nn/import/lower/lower.h"
#include "nn/import/model/graph.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { BITS_LIMIT = 32 };

static int rounding_read(struct graph *graph, const struct graph_node *node, const char *preset,
	double (**round)(double), struct error *e)
{
	const struct onnx_attribute *mode = graph_attribute(node, "rounding_mode");
	char text[ONNX_TEXT];

	*round = rounding_find(mode ? onnx_text(mode->text, text) : preset);
	return *round ? 0
		      : graph_error(graph, node, -EBADMSG, e, "the rounding mode \"%s\" is unknown", text);
}

/* A bit width: one whole number. */
static int width_read(
	struct graph *graph, const struct graph_node *node, int index, double *width, struct error *e)
{
	const struct graph_constant *bits;
	int rc = graph_constant_needed(graph, node, index, "the bit width", &bits, e);

	if (rc)
		return rc;
	*width = bits->count ? graph_value(bits, 0) : 0;
	for (size_t i = 0; i < bits->count || i == 0; i++)
		if (bits->count == 0 || graph_value(bits, i) != *width ||
			!(*width >= 1 && *width <= BITS_LIMIT) || *width != floor(*width))
			return graph_error(graph, node, -EBADMSG, e,
				"its bit width must be one whole number from 1 to %d", BITS_LIMIT);
	return 0;
}

/* The range of the whole numbers; one signed bit means −1 and +1. */
static void range_set(const struct graph_node *node, double width, struct quantisation *quantisation)
{
	bool is_signed = graph_integer(node, "signed", 1) != 0;
	double narrow = graph_integer(node, "narrow", 0) != 0;
	double half = ldexp(0.5, (int)width);

	quantisation->bipolar = is_signed && width == 1;
	quantisation->low = is_signed ? -half + narrow : 0;
	quantisation->high = is_signed ? half - 1 : 2 * half - 1 - narrow;
	if (quantisation->bipolar) {
		quantisation->low = -1;
		quantisation->high = 1;
	}
}

static int scale_read(struct graph *graph, const struct graph_node *node, struct quantisation *quantisation,
	struct error *e)
{
	const struct graph_constant *scale;
	int rc = graph_constant_needed(graph, node, 1, "the scale", &scale, e);

	if (rc)
		return rc;
	if (scale->scales)
		return graph_error(graph, node, -EBADMSG, e, "its scale is itself quantised");
	for (size_t i = 0; i < scale->count; i++)
		if (!(graph_value(scale, i) > 0))
			return graph_error(graph, node, -EBADMSG, e, "its scale is %g, but must be positive",
				graph_value(scale, i));
	quantisation->scale = node->inputs[1];
	return scale->count ? 0 : graph_error(graph, node, -EBADMSG, e, "its scale is empty");
}

/* Zero points of whole numbers; 0 throughout is none. */
static int zero_read(struct graph *graph, const struct graph_node *node, struct quantisation *quantisation,
	struct error *e)
{
	const struct graph_constant *zero;
	int rc = graph_constant_needed(graph, node, 2, "the zero point", &zero, e);

	for (size_t i = 0; rc == 0 && i < zero->count; i++) {
		double number = graph_value(zero, i);

		if (number != rint(number) || fabs(number) > INT16_MAX)
			return graph_error(
				graph, node, -EBADMSG, e, "its zero point is %g, not a whole number", number);
		if (number != 0)
			quantisation->zero = node->inputs[2];
	}
	return rc;
}

static int quant_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct quantisation quantisation = {0};
	double width = 0;
	int rc = 0;

	if ((rc = scale_read(graph, node, &quantisation, e)) ||
		(rc = zero_read(graph, node, &quantisation, e)) ||
		(rc = rounding_read(graph, node, "ROUND", &quantisation.round, e)) ||
		(rc = width_read(graph, node, 3, &width, e)))
		return rc;
	range_set(node, width, &quantisation);
	return graph_quantise(graph, node, &quantisation, e);
}

static int bipolar_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct quantisation quantisation = {
		.low = -1, .high = 1, .round = rounding_half_even, .bipolar = true};
	int rc = scale_read(graph, node, &quantisation, e);

	return rc ? rc : graph_quantise(graph, node, &quantisation, e);
}

/*
 * Trunc leaves out the lowest bits of codes: from `in` to `out` bits, which is a quantisation to a coarser
 * scale. Newer versions state that scale; older ones give the codes the finer one again, as an average has it
 * whose sum they cut.
 */
static int trunc_point(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct quantisation quantisation = {0};
	const struct graph_constant *scale, *stated = NULL;
	double in = 0, out = 0, coarser;
	int newer = node->input_count > 5, rc = 0;

	if ((rc = scale_read(graph, node, &quantisation, e)) ||
		(rc = zero_read(graph, node, &quantisation, e)) ||
		(rc = rounding_read(graph, node, "FLOOR", &quantisation.round, e)) ||
		(rc = width_read(graph, node, 3, &in, e)) ||
		(rc = width_read(graph, node, newer ? 5 : 4, &out, e)) ||
		(rc = graph_constant_needed(graph, node, 1, "the scale", &scale, e)) ||
		(newer && (rc = graph_constant_needed(graph, node, 4, "the output's scale", &stated, e))))
		return rc;
	if (quantisation.zero || scale->count != 1 || (stated && stated->count != 1) || out > in)
		return graph_error(graph, node, -EBADMSG, e,
			"only one scale, zero point 0, and no more bits than before can be imported");
	quantisation.finest = graph_value(scale, 0);
	coarser = quantisation.finest * ldexp(1, (int)(in - out));
	if (stated)
		coarser = graph_value(stated, 0);
	else
		quantisation.gain = quantisation.finest / coarser;
	struct graph_tensor *made;
	if ((rc = graph_constant_add(graph, node->inputs[1]->name, 0, NULL, &made, e)))
		return rc;
	made->constant->values[0] = coarser;
	quantisation.scale = made;
	range_set(node, out, &quantisation);
	quantisation.bipolar = false;
	if (!stated) { /* older ones do not clamp */
		quantisation.low = INT16_MIN;
		quantisation.high = INT16_MAX;
	}
	return coarser > 0 ? graph_quantise(graph, node, &quantisation, e)
			   : graph_error(graph, node, -EBADMSG, e, "its scale is %g, but must be positive",
				     coarser);
}

static int point(struct graph *graph, struct graph_node *node, struct error *e)
{
	static const char *const domains[] = {
		"qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"};
	bool known = false;

	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++)
		known = known || strcmp(node->domain, domains[i]) == 0;
	if (!known)
		return 0;
	if (strcmp(node->type, "Quant") == 0)
		return quant_point(graph, node, e);
	if (strcmp(node->type, "BipolarQuant") == 0)
		return bipolar_point(graph, node, e);
	return strcmp(node->type, "Trunc") == 0 ? trunc_point(graph, node, e) : 0;
}

int import_qonnx_as(
	const char *path, const struct lower_options *options, struct network **out, struct error *e)
{
	struct lower_options own = *options;
	struct graph *graph;
	int rc = graph_load(path, &graph, e);

	*out = NULL;
	if (rc)
		return rc;
	if (!own.advice)
		own.advice = "put a QuantIdentity(bit_width=8) before it";
	if (!own.weights_advice)
		own.weights_advice = "use QuantConv2d or QuantLinear, or import onnx with --calibrate";
	rc = graph_fold(graph, point, e);
	if (rc == 0)
		rc = lower(graph, &own, out, e);
	graph_destroy(graph);
	return rc;
}

int import_qonnx(const char *path, struct network **out, struct error *e)
{
	const struct lower_options options = {0};

	return import_qonnx_as(path, &options, out, e);
}
