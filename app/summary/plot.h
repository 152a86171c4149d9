/* SPDX-License-Identifier: MIT */
/* When labels were shown, in columns of equal time. */
#ifndef APP_SUMMARY_PLOT_H
#define APP_SUMMARY_PLOT_H

#include "summary/episodes.h"

#define PLOT_COLUMNS 48
#define PLOT_TICKS 10

/* The columns begin at whole minutes, hours … of the local time. */
struct plot_columns {
	int64_t begin;	/* CLOCK_REALTIME, ns */
	int64_t length; /* of a column, ns */
	int count;	/* up to PLOT_COLUMNS */
};

struct plot_columns plot_columns_of(const struct summary_data *data);

/* Round times of the local day to write at an axis, up to PLOT_TICKS: the first one and, in *step, the time
 * between two; ns. */
int64_t plot_ticks(const struct plot_columns *columns, int64_t *step);

/* The share of each column in which that label was shown, 0 … 1; of logs at the same time it may be more. */
void plot_shares(const struct summary_data *data, const struct label_sum *label,
	const struct plot_columns *columns, double shares[PLOT_COLUMNS]);

#endif
