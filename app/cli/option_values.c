/* SPDX-License-Identifier: MIT */
#include "cli/option_values.h"

#include "base/error.h"
#include "cli/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text that becomes a value. */
struct assignment {
	const struct option *option;
	const struct option_origin *origin;
	const char *text;
	void *value;
	struct error *e;
};

static int refuse(const struct assignment *a, const char *expected)
{
	return error_set(a->e, -EINVAL, "takes %s, not \"%s\"", expected, a->text);
}

static int refuse_range(const struct assignment *a, const char *what)
{
	char expected[100];

	snprintf(expected, sizeof(expected), "%s from %.10g to %.10g", what, a->option->minimum,
		a->option->maximum);
	return refuse(a, expected);
}

/* Like refuse_range; `print` chooses the units of the limits. */
static int refuse_units(
	const struct assignment *a, const char *what, void (*print)(char *out, size_t size, double value))
{
	char expected[100], least[32], most[32];

	print(least, sizeof(least), a->option->minimum);
	print(most, sizeof(most), a->option->maximum);
	snprintf(expected, sizeof(expected), "%s from %s to %s", what, least, most);
	return refuse(a, expected);
}

static bool in_range(const struct option *option, double value)
{
	return value >= option->minimum && value <= option->maximum;
}

/* --json, or --json=no to override a file or the environment. */
static int set_flag(const struct assignment *a)
{
	static const char *const texts[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	if (!a->text) {
		*(bool *)a->value = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(a->text, texts[i]) == 0) {
			*(bool *)a->value = i & 1;
			return 0;
		}
	}
	return refuse(a, "yes or no");
}

static int set_text(const struct assignment *a)
{
	*(struct option_text *)a->value = (struct option_text){a->text, *a->origin};
	return 0;
}

/* Texts from one place add up; those from another, which goes over it, replace them. */
static int add_text(const struct assignment *a)
{
	struct option_texts *texts = a->value;
	int count = 0;

	while (texts->items[count])
		count++;
	if (count && texts->origins[count - 1].place != a->origin->place) {
		*texts = (struct option_texts){0};
		count = 0;
	}
	if (count == OPTION_TEXTS_MAXIMUM)
		return error_set(a->e, -EINVAL, "can be given %d times at most", count);
	texts->items[count] = a->text;
	texts->origins[count] = *a->origin;
	return 0;
}

static int set_choice(const struct assignment *a)
{
	char expected[200] = "one of";

	for (const char *const *choice = a->option->choices; *choice; choice++) {
		size_t used = strlen(expected);
		if (strcmp(*choice, a->text) == 0) {
			*(const char **)a->value = *choice;
			return 0;
		}
		snprintf(expected + used, sizeof(expected) - used, " %s", *choice);
	}
	return refuse(a, expected);
}

static int set_integer(const struct assignment *a)
{
	char *end;

	errno = 0;
	long value = strtol(a->text, &end, 10);
	if (end == a->text || *end || errno || !in_range(a->option, (double)value))
		return refuse_range(a, "a whole number");
	*(int *)a->value = (int)value;
	return 0;
}

static int set_number(const struct assignment *a)
{
	char *end;
	double value = strtod(a->text, &end);

	if (end == a->text || *end || !in_range(a->option, value))
		return refuse_range(a, "a number");
	*(double *)a->value = value;
	return 0;
}

static int set_size(const struct assignment *a)
{
	struct option_size size = {0, 0};
	int used = 0;

	if (sscanf(a->text, "%5dx%5d%n", &size.width, &size.height, &used) != 2 || a->text[used] ||
		!in_range(a->option, size.width) || !in_range(a->option, size.height))
		return refuse_range(a, "a size in pixels such as 1280x720, each side");
	*(struct option_size *)a->value = size;
	return 0;
}

static int set_duration(const struct assignment *a)
{
	double seconds;

	if (duration_parse(a->text, &seconds))
		return refuse(a, "a time such as 10s, 500ms or 2m");
	if (!in_range(a->option, seconds))
		return refuse_units(a, "a time", duration_print);
	*(double *)a->value = seconds;
	return 0;
}

static int set_amount(const struct assignment *a)
{
	struct amount amount;
	struct error e;

	if (amount_parse(a->text, &amount, &e))
		return refuse(a, e.text);
	*(struct amount *)a->value = amount;
	return 0;
}

static int set_bytes(const struct assignment *a)
{
	struct amount amount;

	if (amount_parse(a->text, &amount, NULL) || amount.time || !in_range(a->option, (double)amount.bytes))
		return refuse_units(a, "a size", bytes_print);
	*(size_t *)a->value = (size_t)amount.bytes;
	return 0;
}

static int (*const setters[])(const struct assignment *a) = {
	[OPTION_FLAG] = set_flag,
	[OPTION_TEXT] = set_text,
	[OPTION_TEXTS] = add_text,
	[OPTION_CHOICE] = set_choice,
	[OPTION_INTEGER] = set_integer,
	[OPTION_NUMBER] = set_number,
	[OPTION_SIZE] = set_size,
	[OPTION_DURATION] = set_duration,
	[OPTION_AMOUNT] = set_amount,
	[OPTION_BYTES] = set_bytes,
};

int option_set(const struct option *option, const struct option_origin *origin, const char *text, void *value,
	struct error *e)
{
	const struct assignment a = {option, origin, text, value, e};

	return setters[option->kind](&a);
}
