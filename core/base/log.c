/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level maximum = LOG_INFO;
static bool coloured;

void log_configure(enum log_level level, bool colour)
{
	maximum = level;
	coloured = colour;
}

void log_line(enum log_level level, const char *format, ...)
{
	static const struct {
		const char *word, *colour;
	} style[] = {{"error: ", "\033[31m"}, {"warning: ", "\033[33m"}, {"", ""}, {"debug: ", "\033[2m"}};
	char line[1024];
	va_list arguments;

	if (level > maximum)
		return;
	bool paint = coloured && style[level].colour[0];
	int used = snprintf(line, sizeof(line), "twobit: %s%s%s", paint ? style[level].colour : "",
		style[level].word, paint ? "\033[0m" : "");
	va_start(arguments, format);
	int more = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, arguments);
	va_end(arguments);
	if (more < 0)
		return;
	used += more;
	if (used > (int)sizeof(line) - 2)
		used = (int)sizeof(line) - 2;
	line[used++] = '\n';
	/* One write a line: lines of different threads never mix. Nobody to tell when stderr is gone. */
	if (write(STDERR_FILENO, line, (size_t)used) < 0)
		return;
}
