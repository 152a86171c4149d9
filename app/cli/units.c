/* SPDX-License-Identifier: MIT */
#include "cli/units.h"

#include "base/error.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	double size;
};

/* Units for printing come first, the largest first; the others are only parsed. */
static const struct unit time_units[] = {
	{"h", 3600}, {"min", 60}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"", 1}};
static const struct unit byte_units[] = {{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}};

/* "1h": prints the value in the largest of four units in which it is a whole number. */
static void print_number(char *out, size_t size, double value, const struct unit *units)
{
	int i = 0;

	while (i < 3 && (value < units[i].size || fmod(value, units[i].size) > 0))
		i++;
	snprintf(out, size, "%.10g%s", value / units[i].size, value > 0 ? units[i].name : "");
}

void duration_print(char *out, size_t size, double seconds)
{
	print_number(out, size, seconds, time_units);
}

void bytes_print(char *out, size_t size, double bytes)
{
	print_number(out, size, bytes, byte_units);
}

int duration_parse(const char *text, double *seconds)
{
	char *end;
	double value = strtod(text, &end);

	for (size_t i = 0; end != text && i < sizeof(time_units) / sizeof(time_units[0]); i++) {
		if (strcmp(end, time_units[i].name) != 0)
			continue;
		*seconds = value * time_units[i].size;
		return 0;
	}
	return -EINVAL;
}

/* Units of amounts: each is a time or a size. */
static const struct {
	const char *name;
	double seconds, bytes;
} amount_units[] = {
	{"s", 1, 0},
	{"min", 60, 0},
	{"m", 60, 0},
	{"h", 3600, 0},
	{"d", 86400, 0},
	{"B", 0, 1},
	{"kB", 0, 1e3},
	{"MB", 0, 1e6},
	{"GB", 0, 1e9},
	{"TB", 0, 1e12},
	{"KiB", 0, 1024.0},
	{"MiB", 0, 1048576.0},
	{"GiB", 0, 1073741824.0},
	{"TiB", 0, 1099511627776.0},
};

/* Larger amounts are mistakes. */
#define SECONDS_MAXIMUM (30 * 365.25 * 86400)
#define BYTES_MAXIMUM 1e15

/* -EINVAL: unknown unit; -ERANGE: too large or too small; -EEXIST: *out already has a time or size. */
static int amount_set(struct amount *out, double number, const char *unit, size_t length)
{
	for (size_t i = 0; i < sizeof(amount_units) / sizeof(amount_units[0]); i++) {
		if (strlen(amount_units[i].name) != length ||
			strncmp(amount_units[i].name, unit, length) != 0)
			continue;
		double seconds = number * amount_units[i].seconds, bytes = number * amount_units[i].bytes;
		if (seconds > SECONDS_MAXIMUM || bytes > BYTES_MAXIMUM || (seconds < 1e-3 && bytes < 1))
			return -ERANGE;
		if (seconds > 0 ? out->time != 0 : out->bytes != 0)
			return -EEXIST;
		if (seconds > 0)
			out->time = (int64_t)(seconds * 1e9);
		else
			out->bytes = (uint64_t)bytes;
		return 0;
	}
	return -EINVAL;
}

static int parse_parts(const char *at, struct amount *out)
{
	for (;;) {
		char *end;
		size_t digits = strspn(at, "0123456789.");
		double number = strtod(at, &end);
		/* strtod also accepts infinities and hexadecimal. */
		if (!digits || end != at + digits)
			return -EINVAL;
		size_t length = strcspn(end, "|");
		int status = amount_set(out, number, end, length);
		if (status || !end[length])
			return status;
		at = end + length + 1;
	}
}

int amount_parse(const char *text, struct amount *out, struct error *e)
{
	*out = (struct amount){0};
	int status = parse_parts(text, out);

	if (!status)
		return 0;
	return error_set(e, -EINVAL, "%s",
		status == -ERANGE ? "more than 0, at most 30 years or 1000TB"
		: status == -EEXIST
			? "one time and one size at most"
			: "a time (10min, 12h, 7d), a size (500MB, 20GB), or both with | between");
}
