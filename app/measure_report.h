/* SPDX-License-Identifier: MIT */
/* The pictures of the web page, as SVG in its text; their colours are the page's variables. */
#ifndef APP_MEASURE_REPORT_H
#define APP_MEASURE_REPORT_H

#include "measure.h"

/* A text from outside, with what HTML would take for its own written otherwise. */
void report_text(FILE *file, const char *text);

/* How often a picture took how long, with and without overlap. */
void chart_latencies(FILE *file, const struct measurement *m);

/* A typical stretch of the traced runs, a row a stage. Without traces nothing. */
void chart_timelines(FILE *file, const struct measurement *m);

#endif
