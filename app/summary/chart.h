/* SPDX-License-Identifier: MIT */
/* What was seen and when, as a picture. */
#ifndef APP_SUMMARY_CHART_H
#define APP_SUMMARY_CHART_H

#include "image/picture.h"
#include "summary/episodes.h"

#define CHART_ROWS 200 /* the most */

/* Draws the first `count` labels of the ranked data, each in a row, into *out, of its own size. -ENOMEM */
int chart_draw(const struct summary_data *data, size_t count, struct picture *out, struct error *e);

#endif
