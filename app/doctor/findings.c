/* SPDX-License-Identifier: MIT */
#include "doctor/findings.h"

#include "base/printable.h"
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name, *colour;
} states[] = {
	[FINDING_GOOD] = {"good", "32"},
	[FINDING_NOTE] = {"note", "33"},
	[FINDING_BAD] = {"BAD", "31"},
};

static void print_finding(
	const struct doctor *doctor, enum finding finding, const char *message, const char *advice)
{
	const char *state = states[finding].name, *shown = PRINTABLE(message);

	if (doctor->colour)
		printf("%-10s \033[%sm%-4s\033[0m  %s\n", doctor->part, states[finding].colour, state, shown);
	else
		printf("%-10s %-4s  %s\n", doctor->part, state, shown);
	if (advice)
		printf("%-10s       → %s\n", "", PRINTABLE(advice));
}

void doctor_find(struct doctor *doctor, enum finding finding, const char *advice, const char *format, ...)
{
	char message[768];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	doctor->counts[finding]++;
	if (!doctor->rows) {
		print_finding(doctor, finding, message, advice);
		return;
	}
	output_append(doctor->rows,
		output_pack("{s:s, s:s, s:o, s:o}", "part", doctor->part, "state",
			finding == FINDING_BAD ? "bad" : states[finding].name, "sentence",
			output_text(message), "advice", advice ? output_text(advice) : json_null()));
}
