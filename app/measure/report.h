/* SPDX-License-Identifier: MIT */
/* The web page: assets/report/report.html, which draws what `twobit measure --json` prints. */
#ifndef APP_MEASURE_REPORT_H
#define APP_MEASURE_REPORT_H

#include <jansson.h>
#include <stdio.h>

/* The page with the document in it, in one file. 0 or a negative errno value; -ENOMEM without a document. */
int measure_report(FILE *file, const json_t *document);

#endif
