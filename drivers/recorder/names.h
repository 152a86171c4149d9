/* SPDX-License-Identifier: MIT */
/*
 * Names of recordings: a path whose last part may hold %Y %m %d %H %M %S %y %j %s (as in date(1)), %i (the
 * first free number, of at least four digits) and %%. It ends in .mkv; the log has the same name with another
 * suffix. No file is replaced: if a name is taken, -2, -3 … is put before its suffix.
 */
#ifndef RECORDER_NAMES_H
#define RECORDER_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct error;

/* -EINVAL with a message: it is no such pattern, or too long. */
int names_check(const char *pattern, struct error *e);

/* The folder of the pattern's files; "." if the pattern has none. */
void names_folder(const char *pattern, char *out, size_t size);

/*
 * A path for a recording that begins at `time`; no such video and no log of either kind exists yet. *number,
 * from 1: the first number to try for %i, or for -2, -3 … in a pattern without parts of the time; it is set
 * to the number found. -ENAMETOOLONG; -EEXIST: all names are taken.
 */
int names_next(const char *pattern, time_t time, unsigned *number, char out[PATH_MAX]);

/* Whether a file name (without folder) could be a recording of the pattern. */
bool names_match(const char *pattern, const char *name);

/* The path with its .mkv replaced by `suffix` (".jsonl", ".csv"). */
void names_log(const char *path, const char *suffix, char *out, size_t size);

#endif
