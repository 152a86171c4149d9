/* SPDX-License-Identifier: MIT */
#ifndef APP_LIST_CAMERAS_H
#define APP_LIST_CAMERAS_H

#include <jansson.h>

/* Prints the cameras, or gathers them in `rows` if that is not NULL. Returns the exit code. */
int list_cameras(json_t *rows);

#endif
