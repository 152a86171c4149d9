/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 1024
#define HELD_BYTES 16384 /* lines beyond this size are dropped from the terminal */

static enum log_level maximum = LOG_INFO;
static bool coloured;
static bool to_journal;

/* Lines held back. `bytes` grows after the bytes are there, so that log_release needs no lock. */
static struct {
	atomic_bool active;
	atomic_size_t bytes;
	char text[HELD_BYTES];
	pthread_mutex_t lock; /* guards the rest */
	unsigned count;
	char newest[LINE_BYTES];
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* systemd.exec(5): the variable holds the device and inode of the journal's stream. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat s;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && !fstat(fd, &s) &&
	       s.st_dev == (dev_t)device && s.st_ino == (ino_t)inode;
}

void log_configure(enum log_level level, bool colour)
{
	maximum = level;
	coloured = colour;
	to_journal = is_journal(STDERR_FILENO);
}

void log_hold(void)
{
	atomic_store(&held.active, true);
}

void log_release(void)
{
	atomic_store(&held.active, false);
	size_t bytes = atomic_exchange(&held.bytes, 0);
	/* When stderr is closed, no other place is left to report it. */
	if (write(STDERR_FILENO, held.text, bytes) < 0)
		return;
}

unsigned log_held(char *newest, size_t size)
{
	pthread_mutex_lock(&held.lock);
	snprintf(newest, size, "%s", held.newest);
	unsigned count = held.count;
	pthread_mutex_unlock(&held.lock);
	return count;
}

/* `text` is where the line's own text begins. */
static void hold(const char *line, size_t used, const char *text)
{
	pthread_mutex_lock(&held.lock);
	size_t bytes = atomic_load(&held.bytes);
	if (used <= HELD_BYTES - bytes) {
		memcpy(held.text + bytes, line, used);
		atomic_store(&held.bytes, bytes + used);
	}
	snprintf(held.newest, sizeof(held.newest), "%.*s", (int)(line + used - 1 - text), text);
	held.count++;
	pthread_mutex_unlock(&held.lock);
}

void log_defuse(char *text, size_t size)
{
	unsigned char *c = (unsigned char *)text;

	for (size_t i = 0; i < size; i++) {
		if (c[i] == 0xc2 && i + 1 < size && c[i + 1] >= 0x80 && c[i + 1] < 0xa0)
			c[i] = c[i + 1] = '?';
		if (c[i] < 0x20 || c[i] == 0x7f)
			c[i] = '?';
	}
}

void log_line(enum log_level level, const char *format, ...)
{
	/* priority: the prefix that sd-daemon(3) defines */
	static const struct {
		const char *priority, *word, *colour;
	} style[] = {{"<3>", "error: ", "\033[31m"}, {"<4>", "warning: ", "\033[33m"}, {"<6>", "", ""},
		{"<7>", "debug: ", "\033[2m"}};
	char line[LINE_BYTES];
	va_list arguments;

	if (level > maximum)
		return;
	bool paint = coloured && style[level].colour[0];
	int used = snprintf(line, sizeof(line), "%stwobit: %s%s%s", to_journal ? style[level].priority : "",
		paint ? style[level].colour : "", style[level].word, paint ? "\033[0m" : "");
	int text = used;
	va_start(arguments, format);
	int more = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, arguments);
	va_end(arguments);
	if (more < 0)
		return;
	used += more;
	if (used > (int)sizeof(line) - 2)
		used = (int)sizeof(line) - 2;
	log_defuse(line + text, (size_t)(used - text));
	line[used++] = '\n';
	if (atomic_load(&held.active)) {
		hold(line, (size_t)used, line + text);
		return;
	}
	/*
	 * One write a line: lines of different threads never mix. When stderr is closed, no other place is
	 * left to report it.
	 */
	if (write(STDERR_FILENO, line, (size_t)used) < 0)
		return;
}
