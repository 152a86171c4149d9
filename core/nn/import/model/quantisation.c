/* SPDX-License-Identifier: MIT */
#include "nn/import/model/quantisation.h"

#include <math.h>
#include <stddef.h>
#include <strings.h>

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

/* The rounding mode that a C program starts with. */
double rounding_half_even(double x)
{
	return rint(x);
}

static const struct {
	const char *name;
	double (*round)(double);
} roundings[] = {
	{"ROUND", rounding_half_even},
	{"HALF_EVEN", rounding_half_even},
	{"CEIL", ceil},
	{"FLOOR", floor},
	{"UP", round_away},
	{"DOWN", trunc},
	{"HALF_UP", round_half_away},
	{"HALF_DOWN", round_half_towards},
};

double (*rounding_find(const char *name))(double)
{
	for (size_t i = 0; i < sizeof(roundings) / sizeof(*roundings); i++)
		if (strcasecmp(name, roundings[i].name) == 0)
			return roundings[i].round;
	return NULL;
}

static double snapped(double x, double tolerance)
{
	double half = rint(2 * x) / 2;

	return fabs(x - half) <= tolerance * fmax(fabs(x), 1) ? half : x;
}

double quantisation_apply(
	const struct quantisation *quantisation, double scale, double zero, double x, double tolerance)
{
	if (quantisation->bipolar)
		return x >= 0 ? 1 : -1;
	if (quantisation->finest > 0)
		x = rounding_half_even(snapped(x / quantisation->finest, tolerance)) * quantisation->finest;
	double quotient = snapped(x / scale, tolerance);
	double whole = quantisation->zero_after ? quantisation->round(quotient) + zero
						: quantisation->round(quotient + zero);
	return fmin(fmax(whole, quantisation->low), quantisation->high);
}
