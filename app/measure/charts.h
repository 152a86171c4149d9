/* SPDX-License-Identifier: MIT */
/* The data of the page's charts, as JSON; docs/formats.md is the schema. */
#ifndef APP_MEASURE_CHARTS_H
#define APP_MEASURE_CHARTS_H

#include <jansson.h>

struct measurement;

/* The histogram of latencies, with and without overlap. NULL: one of the two did not run. */
json_t *chart_histogram(const struct measurement *m);

/* A typical stretch of the traced runs: the spans of each stage. NULL: nothing is traced. */
json_t *chart_timeline(const struct measurement *m);

#endif
