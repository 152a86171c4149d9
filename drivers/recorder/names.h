/* SPDX-License-Identifier: MIT */
/*
 * Names of recordings: a path whose last part may hold %Y %m %d %H %M %S %y %j %s (as date(1) has them), %i
 * (a number of four digits or more, the first that is free) and %%. It ends in .mkv; the log has the same
 * name with another suffix. No file is ever replaced: a name that is taken gets -2, -3 … before its suffix.
 */
#ifndef RECORDER_NAMES_H
#define RECORDER_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct error;

/* -EINVAL with a message for what is no such pattern, or too long. */
int names_check(const char *pattern, struct error *e);

/* The folder that the pattern's files are in: "." where it names none. */
void names_folder(const char *pattern, char *out, size_t size);

/*
 * A path for a recording begun at `time`, such that neither it nor a log of either kind exists. *number, from
 * 1: where %i, or without any part of the time what makes names different, begins to look; set to what was
 * found. -ENAMETOOLONG, -EEXIST when all are taken.
 */
int names_next(const char *pattern, time_t time, unsigned *number, char out[PATH_MAX]);

/* Whether a file name (without folder) could be a recording of the pattern. */
bool names_match(const char *pattern, const char *name);

/* The path with its .mkv replaced by `suffix` (".jsonl", ".csv"). */
void names_log(const char *path, const char *suffix, char *out, size_t size);

#endif
