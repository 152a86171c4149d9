/* SPDX-License-Identifier: MIT */
#include "summary/plot.h"

#include "base/clock.h"

#include <time.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const int64_t lengths[] = {NS_PER_S, 5 * NS_PER_S, 15 * NS_PER_S, 30 * NS_PER_S, MINUTE, 5 * MINUTE,
	15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY};

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

/* The midnight before, by the local time. */
static int64_t midnight(int64_t time)
{
	time_t seconds = (time_t)(time / NS_PER_S);
	struct tm tm;

	localtime_r(&seconds, &tm);
	int64_t since = (tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec;
	return (seconds - since) * NS_PER_S;
}

struct plot_columns plot_columns_of(const struct summary_data *data)
{
	int64_t day = midnight(data->begin), length = DAY;

	for (size_t i = LENGTHS; i-- && (data->end - data->begin) / lengths[i] < PLOT_COLUMNS - 1;)
		length = lengths[i];
	while ((data->end - day) / length >= PLOT_COLUMNS && length >= DAY)
		length *= 2;
	int64_t begin = day + (data->begin - day) / length * length;
	return (struct plot_columns){begin, length, (int)((data->end - begin) / length) + 1};
}

int64_t plot_ticks(const struct plot_columns *columns, int64_t *step)
{
	int64_t day = midnight(columns->begin), span = columns->count * columns->length;

	*step = DAY;
	for (size_t i = LENGTHS; i-- && span / lengths[i] < PLOT_TICKS;)
		*step = lengths[i];
	while (span / *step >= PLOT_TICKS)
		*step *= 2;
	return day + (columns->begin - day + *step - 1) / *step * *step;
}

void plot_shares(const struct summary_data *data, const struct label_sum *label,
	const struct plot_columns *columns, double shares[PLOT_COLUMNS])
{
	for (int i = 0; i < PLOT_COLUMNS; i++)
		shares[i] = 0;
	for (size_t k = 0; k < data->episode_count; k++) {
		const struct episode *episode = &data->episodes[k];
		if (&data->labels[episode->label] != label)
			continue;
		for (int64_t at = episode->begin; at < episode->end;) {
			int64_t column = (at - columns->begin) / columns->length;
			int64_t next = columns->begin + (column + 1) * columns->length;
			int64_t until = next < episode->end ? next : episode->end;
			shares[column] += (double)(until - at) / (double)columns->length;
			at = until;
		}
	}
}
