/* SPDX-License-Identifier: MIT */
/* What the program says on stderr, counted. The test is linked with --wrap=log_line. */
#ifndef UNIT_HEARD_H
#define UNIT_HEARD_H

#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct {
	pthread_mutex_t lock;
	char warnings[20][600];
	unsigned count;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level > LOG_WARNING)
		return;
	va_start(arguments, format);
	pthread_mutex_lock(&heard.lock);
	if (heard.count < sizeof(heard.warnings) / sizeof(heard.warnings[0]))
		vsnprintf(heard.warnings[heard.count++], sizeof(heard.warnings[0]), format, arguments);
	pthread_mutex_unlock(&heard.lock);
	va_end(arguments);
}

/* How many warnings and errors since the last heard_clear hold the text. */
static inline unsigned heard_times(const char *text)
{
	unsigned times = 0;

	pthread_mutex_lock(&heard.lock);
	for (unsigned i = 0; i < heard.count; i++)
		times += strstr(heard.warnings[i], text) != NULL;
	pthread_mutex_unlock(&heard.lock);
	return times;
}

static inline void heard_clear(void)
{
	pthread_mutex_lock(&heard.lock);
	heard.count = 0;
	pthread_mutex_unlock(&heard.lock);
}

#endif
