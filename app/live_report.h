/* SPDX-License-Identifier: MIT */
/* What `live` prints when it ends. */
#ifndef APP_LIVE_REPORT_H
#define APP_LIVE_REPORT_H

#include "line.h"

/*
 * On stdout: a table for people, or one JSON object (docs/guide.md lists its fields). `display` says how it
 * was shown.
 */
void live_report_print(const struct line_report *report, const char *display, bool json);

#endif
