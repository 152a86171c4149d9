/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/printable.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 1024
#define ERASE "\r\033[K" /* the line that the cursor is in */
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

/* The line below the messages. */
static struct {
	atomic_bool shown;
	pthread_mutex_t lock; /* guards the text, and what is written while it is shown */
	char text[LINE_BYTES];
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER};

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

/* Cuts the text to the terminal's width: a line that wraps could not be replaced. */
static void cut_to_terminal(char *text)
{
	struct winsize terminal = {0};
	int columns = 0;

	ioctl(STDERR_FILENO, TIOCGWINSZ, &terminal);
	int most = terminal.ws_col ? terminal.ws_col - 1 : 79;
	while (*text) {
		size_t size = utf8_length(text);
		columns += utf8_columns(text);
		if (columns > most)
			*text = '\0';
		else
			text += size;
	}
}

/* Writes a line, if any, above the progress line and that line again. The caller holds the lock. */
static void write_above_progress(const char *line, size_t size)
{
	char text[2 * LINE_BYTES + sizeof(ERASE) + 1];

	int used = snprintf(text, sizeof(text), ERASE "%.*s%s", (int)size, line, progress.text);
	/* When stderr is closed, no other place is left to report it. */
	if (write(STDERR_FILENO, text, (size_t)used) < 0)
		return;
}

void log_progress(const char *format, ...)
{
	va_list arguments;

	pthread_mutex_lock(&progress.lock);
	va_start(arguments, format);
	vsnprintf(progress.text, sizeof(progress.text), format, arguments);
	va_end(arguments);
	printable_make(progress.text);
	cut_to_terminal(progress.text);
	atomic_store(&progress.shown, true);
	write_above_progress("", 0);
	pthread_mutex_unlock(&progress.lock);
}

void log_progress_end(void)
{
	pthread_mutex_lock(&progress.lock);
	progress.text[0] = '\0';
	if (atomic_exchange(&progress.shown, false))
		write_above_progress("", 0);
	pthread_mutex_unlock(&progress.lock);
}

/* One write a line: lines of different threads never mix. */
static void write_line(const char *line, size_t size)
{
	if (atomic_load(&progress.shown)) {
		pthread_mutex_lock(&progress.lock);
		write_above_progress(line, size);
		pthread_mutex_unlock(&progress.lock);
		return;
	}
	/* When stderr is closed, no other place is left to report it. */
	if (write(STDERR_FILENO, line, size) < 0)
		return;
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
	line[used] = '\0';
	printable_make(line + text);
	line[used++] = '\n';
	if (atomic_load(&held.active))
		hold(line, (size_t)used, line + text);
	else
		write_line(line, (size_t)used);
}
