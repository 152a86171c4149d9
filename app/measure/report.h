/* SPDX-License-Identifier: MIT */
/* The web page: assets/report/report.html draws the output of `twobit measure --json`. */
#ifndef APP_MEASURE_REPORT_H
#define APP_MEASURE_REPORT_H

#include <jansson.h>
#include <stdio.h>

/* Writes the page with the document in it. 0 or a negative errno value; -ENOMEM if the document is NULL. */
int measure_report(FILE *file, const json_t *document);

#endif
