/* SPDX-License-Identifier: MIT */
#include "recorder/amount.h"

#include "base/error.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double seconds, bytes;
} units[] = {
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

/* Years and petabytes are mistakes. */
#define SECONDS_MAXIMUM (30 * 365.25 * 86400)
#define BYTES_MAXIMUM 1e15

/* -EINVAL: no unit; -ERANGE: too large or too small; -EEXIST: there is one of that kind. */
static int set(struct amount *out, double number, const char *unit, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) != length || strncmp(units[i].name, unit, length) != 0)
			continue;
		double seconds = number * units[i].seconds, bytes = number * units[i].bytes;
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

static int parse(const char *at, struct amount *out)
{
	for (;;) {
		char *end;
		size_t digits = strspn(at, "0123456789.");
		double number = strtod(at, &end);
		/* strtod takes more than digits: infinities, hexadecimal. */
		if (!digits || end != at + digits)
			return -EINVAL;
		size_t length = strcspn(end, "|");
		int status = set(out, number, end, length);
		if (status || !end[length])
			return status;
		at = end + length + 1;
	}
}

int amount_parse(const char *text, struct amount *out, struct error *e)
{
	*out = (struct amount){0};
	int status = parse(text, out);

	if (!status)
		return 0;
	return error_set(e, -EINVAL, "%s",
		status == -ERANGE ? "more than 0, at most 30 years or 1000TB"
		: status == -EEXIST
			? "one time and one size at most"
			: "a time (10min, 12h, 7d), a size (500MB, 20GB), or both with | between");
}
