/* SPDX-License-Identifier: MIT */
/* What the page draws its charts from, as members of JSON; docs/formats.md is the schema. */
#ifndef APP_MEASURE_CHARTS_H
#define APP_MEASURE_CHARTS_H

#include <jansson.h>

struct measurement;

/* How often a picture took how long, with and without overlap. NULL: one of both did not run. */
json_t *chart_histogram(const struct measurement *m);

/* A typical stretch of the traced runs, what each stage did when. NULL: nothing is traced. */
json_t *chart_timeline(const struct measurement *m);

#endif
