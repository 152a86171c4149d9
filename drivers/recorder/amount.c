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
#define SECONDS_MAXIMUM 1e9
#define BYTES_MAXIMUM 1e15

static int refuse(const char *text, struct error *e)
{
	return error_set(e, -EINVAL,
		"\"%s\" is no amount: give a time (10min, 12h, 7d), a size (500MB, 20GB), or "
		"both with | between",
		text);
}

static int set(struct amount *out, double number, const char *unit, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) != length || strncmp(units[i].name, unit, length) != 0)
			continue;
		double seconds = number * units[i].seconds, bytes = number * units[i].bytes;
		if (seconds > SECONDS_MAXIMUM || bytes > BYTES_MAXIMUM || (seconds < 1e-3 && bytes < 1))
			return -ERANGE;
		if (seconds > 0)
			out->time = (int64_t)(seconds * 1e9);
		else
			out->bytes = (uint64_t)bytes;
		return 0;
	}
	return -EINVAL;
}

int amount_parse(const char *text, struct amount *out, struct error *e)
{
	const char *at = text;

	*out = (struct amount){0};
	for (;;) {
		char *end;
		size_t digits = strspn(at, "0123456789.");
		double number = strtod(at, &end);
		/* strtod takes more than digits: infinities, hexadecimal. */
		if (!digits || end != at + digits)
			return refuse(text, e);
		size_t length = strcspn(end, "|");
		if (set(out, number, end, length))
			return refuse(text, e);
		if (!end[length])
			return 0;
		at = end + length + 1;
	}
}
