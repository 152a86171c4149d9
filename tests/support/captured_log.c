/* SPDX-License-Identifier: MIT */
#include "support/captured_log.h"

#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct {
	pthread_mutex_t lock;
	char warnings[20][600];
	unsigned count;
} captured_log = {.lock = PTHREAD_MUTEX_INITIALIZER};

void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level > LOG_WARNING)
		return;
	va_start(arguments, format);
	pthread_mutex_lock(&captured_log.lock);
	if (captured_log.count < sizeof(captured_log.warnings) / sizeof(captured_log.warnings[0]))
		vsnprintf(captured_log.warnings[captured_log.count++], sizeof(captured_log.warnings[0]),
			format, arguments);
	pthread_mutex_unlock(&captured_log.lock);
	va_end(arguments);
}

unsigned captured_log_count(const char *text)
{
	unsigned times = 0;

	pthread_mutex_lock(&captured_log.lock);
	for (unsigned i = 0; i < captured_log.count; i++)
		times += strstr(captured_log.warnings[i], text) != NULL;
	pthread_mutex_unlock(&captured_log.lock);
	return times;
}

const char *captured_log_first(void)
{
	return captured_log.warnings[0];
}

void captured_log_clear(void)
{
	pthread_mutex_lock(&captured_log.lock);
	captured_log.count = 0;
	pthread_mutex_unlock(&captured_log.lock);
}
