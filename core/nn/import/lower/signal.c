/* SPDX-License-Identifier: MIT */
#include "nn/import/lower/parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static bool has_pads(const struct signal *signal)
{
	return signal->pads[0] || signal->pads[1] || signal->pads[2] || signal->pads[3];
}

int signal_input(struct lowering *l, int index, const struct signal **out, struct error *e)
{
	static const char *const padding[] = {"Conv", "ConvTranspose", "AveragePool", "MaxPool", "Identity",
		"Dropout", "Pad", "Quant", NULL};
	const struct graph_tensor *tensor = graph_input(l->node, index);
	const struct signal *signal = tensor ? signal_of(l, tensor) : NULL;
	bool pads = false;

	*out = signal;
	if (!signal || !signal->known)
		return node_error(
			l, -EBADMSG, e, "its input %d must be what the picture makes, not a constant", index);
	for (const char *const *type = padding; *type; type++)
		pads = pads || strcmp(l->node->type, *type) == 0;
	if (has_pads(signal) && !pads)
		return node_error(l, -EBADMSG, e, "reads what a Pad makes; only convolutions and pools can");
	if (signal->ended)
		return node_error(
			l, -EBADMSG, e, "comes after a softmax or the like, which must end the network");
	return 0;
}

static int axis_size(struct shape shape, char axis)
{
	return axis == 'C' ? shape.channels : axis == 'H' ? shape.height : shape.width;
}

/* The dimension of the tensor that is the channels; −1: they are mixed with others. */
static int channel_dimension(const struct signal *signal, const struct graph_tensor *tensor)
{
	size_t before = 1, dims = 1;

	for (int i = 0; signal->order[i] != 'C'; i++)
		before *= (size_t)axis_size(signal->shape, signal->order[i]);
	for (int i = 0; i < tensor->rank; i++) {
		if (dims == before && tensor->dims[i] == signal->shape.channels)
			return i;
		dims *= (size_t)tensor->dims[i];
	}
	return -1;
}

int channel_numbers(struct lowering *l, const struct graph_tensor *constant, const struct signal *signal,
	const struct graph_tensor *place, const double **out, struct error *e)
{
	int channels = signal->shape.channels, dimension = channel_dimension(signal, place), rc;
	size_t count = constant->constant->count;
	double *numbers;

	if ((rc = numbers_take(l, channels, 0, &numbers, e)))
		return rc;
	*out = numbers;
	for (int i = 0; count != 1 && i < constant->rank; i++) {
		int at = place->rank - constant->rank + i;

		if (constant->dims[i] != 1 && (at != dimension || constant->dims[i] != channels))
			return node_error(l, -EBADMSG, e,
				"its constant of %zu numbers is neither one number nor one for each of %d "
				"channels",
				count, channels);
	}
	for (int c = 0; c < channels && count; c++)
		numbers[c] = graph_value(constant->constant, count == 1 ? 0 : (size_t)c);
	return count ? 0 : node_error(l, -EBADMSG, e, "its constant is empty");
}

/* Axes of one pixel or channel are the same in any order. */
bool signal_is_picture(const struct signal *signal, const struct graph_tensor *tensor)
{
	const int *pads = signal->pads;
	const int sizes[] = {1, signal->shape.channels, signal->shape.height + pads[0] + pads[2],
		signal->shape.width + pads[1] + pads[3]};
	char order[4] = "", *to = order;

	for (int i = 0; i < 3; i++)
		if (axis_size(signal->shape, "CHW"[i]) != 1)
			*to++ = "CHW"[i];
	const char *expected = order;
	for (int i = 0; i < 3; i++)
		if (axis_size(signal->shape, signal->order[i]) != 1 && signal->order[i] != *expected++)
			return false;
	return tensor->rank == 4 && memcmp(tensor->dims, sizes, sizeof(sizes)) == 0;
}

int signal_plain(struct lowering *l, const struct signal *signal, struct error *e)
{
	if (signal->step_count == 0)
		return 0;
	return node_error(l, -EBADMSG, e, "what it reads is not quantised; %s", l->options->advice);
}

bool signal_is_codes(const struct lowering *l, const struct signal *signal)
{
	return signal->term_count == 1 && signal->step_count == 0 &&
	       built_tensor(l, signal->terms[0].source).bits != TENSOR_SUMS;
}

int signal_step(struct lowering *l, struct signal *signal, struct step step, struct error *e)
{
	if (signal->step_count == STEP_LIMIT)
		return node_error(l, -EBADMSG, e, "more than %d operations follow each other without a Quant",
			STEP_LIMIT);
	signal->steps[signal->step_count++] = step;
	return 0;
}

static double affine(double x, double factor, double summand)
{
	return x * factor + summand;
}

static int scaled(struct lowering *l, struct signal *signal, const double *factor, const double *summand,
	struct error *e)
{
	int channels = signal->shape.channels, rc = 0;
	double *changed;

	for (int k = 0; k <= signal->term_count; k++) {
		bool last = k == signal->term_count;
		const double *from = last ? signal->summand : signal->terms[k].scale;

		if ((rc = numbers_take(l, channels, 0, &changed, e)))
			return rc;
		for (int c = 0; c < channels; c++)
			changed[c] = from[c] * (factor ? factor[c] : 1) + (last && summand ? summand[c] : 0);
		*(last ? &signal->summand : &signal->terms[k].scale) = changed;
	}
	return 0;
}

int signal_affine(struct lowering *l, struct signal *signal, const double *factor, const double *summand,
	struct error *e)
{
	int channels = signal->shape.channels, rc;
	double *ones, *zeros;

	for (int c = 0; c < channels; c++)
		if ((factor && !isfinite(factor[c])) || (summand && !isfinite(summand[c])))
			return node_error(l, -EBADMSG, e, "computes with a number that is not finite");
	if (signal->step_count == 0)
		return scaled(l, signal, factor, summand, e);
	if ((rc = numbers_take(l, channels, 1, &ones, e)) || (rc = numbers_take(l, channels, 0, &zeros, e)))
		return rc;
	return signal_step(
		l, signal, (struct step){affine, factor ? factor : ones, summand ? summand : zeros}, e);
}
