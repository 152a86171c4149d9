/* SPDX-License-Identifier: MIT */
/* What `live` prints when it ends. */
#ifndef APP_LIVE_REPORT_H
#define APP_LIVE_REPORT_H

#include "pipeline/pipeline.h"

/*
 * On stdout: a table for people, or one JSON object (docs/guide.md lists its fields). `display` says how it
 * was shown, `caption` what the last picture's caption read.
 */
void live_report_print(
	const struct pipeline_report *report, const char *display, const char *caption, bool json);

#endif
