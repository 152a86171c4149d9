/* SPDX-License-Identifier: MIT */
/* Where a taught network goes. All that can be wrong with it is said before a picture is taken. */
#ifndef APP_TEACH_TARGET_H
#define APP_TEACH_TARGET_H

#include <limits.h>
#include <stdbool.h>

struct error;

/*
 * The folder for what the user calls `name`, without a slash at its end. add: it exists, and is not a link to
 * another place; else it does not exist. -EINVAL: it cannot be a network's name; -EEXIST, -ENOENT; others:
 * the folder that it goes into is not there, or cannot be written.
 */
int target_find(const char *name, bool add, char folder[PATH_MAX], struct error *e);

#endif
