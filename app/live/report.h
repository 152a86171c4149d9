/* SPDX-License-Identifier: MIT */
/* The final report of `live`. */
#ifndef APP_LIVE_REPORT_H
#define APP_LIVE_REPORT_H

#include "pipeline/pipeline.h"

/*
 * Prints a table for people, or one JSON object (docs/guide.md lists its fields). display: its description.
 * caption: the last picture's.
 */
void live_report_print(
	const struct pipeline_report *report, const char *display, const char *caption, bool json);

#endif
