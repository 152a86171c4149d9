/* SPDX-License-Identifier: MIT */
/* Messages for the user, on stderr, one line each: "twobit: warning: …". Safe from any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped. Default: LOG_INFO, no colour. Call before threads start. */
void log_configure(enum log_level level, bool colour);

/* The text becomes printable (base/printable.h): names of others cannot end a line or control a terminal. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A line about work that is under way, for a terminal: it stays below the messages, and the next one replaces
 * it. It is cut to the terminal's width. The caller knows that stderr is a terminal.
 */
void log_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_progress_end(void); /* removes the line, if there is one */

/*
 * For a display that draws on stderr's terminal: log_hold starts to hold lines back, log_release prints them
 * and is async-signal-safe. log_held counts the lines held so far and copies the newest, without colour and
 * line end.
 */
void log_hold(void);
void log_release(void);
unsigned log_held(char *newest, size_t size);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
