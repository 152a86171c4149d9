/* SPDX-License-Identifier: MIT */
/* The picture of a summary: columns are as high as their share, where the time is; a day of any length fits.
 */
#include "base/clock.h"
#include "summary/chart.h"
#include "summary/plot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR (60 * MINUTE)
#define MIDNIGHT (INT64_C(1796083200) * NS_PER_S) /* 2026-12-01, UTC */

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

/* Watched from 8 to 18 o'clock: columns of a quarter of an hour. */
static struct summary_data day(struct label_sum *labels, size_t label_count, const struct label_sum **ranked,
	struct episode *episodes, size_t episode_count)
{
	for (size_t i = 0; i < label_count; i++)
		ranked[i] = &labels[i];
	return (struct summary_data){.labels = labels,
		.label_count = label_count,
		.ranked = ranked,
		.episodes = episodes,
		.episode_count = episode_count,
		.logs = 1,
		.frames = 36000,
		.begin = MIDNIGHT + 8 * HOUR,
		.end = MIDNIGHT + 18 * HOUR - NS_PER_S,
		.watched = 10 * HOUR - NS_PER_S};
}

/* Green pixels, one above the other at x. */
static int green(const struct picture *picture, int x)
{
	int count = 0;

	for (int y = 0; y < picture->height; y++) {
		const uint8_t *p = picture->data + 4 * ((size_t)y * (size_t)picture->width + (size_t)x);
		count += p[1] > p[2] + 50;
	}
	return count;
}

static void columns_are_as_high_as_their_share(void **state)
{
	struct label_sum labels[] = {{.name = (char *)"cat"}, {.name = (char *)"\xff no UTF-8 \x1b"}};
	struct episode episodes[] = {{0, MIDNIGHT + 8 * HOUR, MIDNIGHT + 8 * HOUR + 15 * MINUTE},
		{1, MIDNIGHT + 17 * HOUR + 45 * MINUTE, MIDNIGHT + 17 * HOUR + 50 * MINUTE}};
	const struct label_sum *ranked[2];
	struct summary_data data = day(labels, 2, ranked, episodes, 2);
	struct picture picture = {0}, one = {0};

	(void)state;
	assert_int_equal(chart_draw(&data, 2, &picture, NULL), 0);
	assert_int_equal(chart_draw(&data, 1, &one, NULL), 0);
	int row = picture.height - one.height, first = 0, last = picture.width - 1;
	while (first < last && !green(&picture, first))
		first++;
	while (last > first && !green(&picture, last))
		last--;
	/* All of the first column of 40, and a third of the last. */
	int whole = green(&picture, first + 3), third = green(&picture, last - 3);
	assert_in_range(whole, row / 2, row);
	assert_in_range(third, whole / 3 - 1, whole / 3 + 1);
	int width = (last - first) / 40;
	for (int x = first + 2 * width; x < last - 2 * width; x++)
		assert_int_equal(green(&picture, x), 0);
	assert_int_equal(green(&one, last - 3), 0);
	picture_finish(&picture);
	picture_finish(&one);
}

static void no_frame_is_a_picture_too(void **state)
{
	const struct label_sum *ranked[1] = {NULL};
	struct summary_data data = {.ranked = ranked};
	struct picture picture = {0};

	(void)state;
	assert_int_equal(chart_draw(&data, 0, &picture, NULL), 0);
	assert_true(picture.height > 50);
	picture_finish(&picture);
}

static void rows_end_where_a_picture_ends(void **state)
{
	static struct label_sum labels[CHART_ROWS + 1];
	static const struct label_sum *ranked[CHART_ROWS + 1];
	struct picture most = {0}, more = {0};

	(void)state;
	for (size_t i = 0; i <= CHART_ROWS; i++)
		labels[i].name = (char *)"x";
	struct summary_data data = day(labels, CHART_ROWS + 1, ranked, NULL, 0);
	assert_int_equal(chart_draw(&data, CHART_ROWS, &most, NULL), 0);
	assert_int_equal(chart_draw(&data, CHART_ROWS + 1, &more, NULL), 0);
	assert_int_equal(more.height, most.height);
	picture_finish(&most);
	picture_finish(&more);
}

/* Some, but not too many for their texts, at round times. */
static void axis_has_round_times(void **state)
{
	static const int64_t spans[] = {
		NS_PER_S, 7 * NS_PER_S, 3 * MINUTE, HOUR, 10 * HOUR, 30 * HOUR, 240 * HOUR, 24 * 365 * HOUR};

	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct summary_data data = {.begin = MIDNIGHT + 8 * HOUR + 7 * MINUTE,
			.end = MIDNIGHT + 8 * HOUR + 7 * MINUTE + spans[i]};
		struct plot_columns columns = plot_columns_of(&data);
		int64_t step, first = plot_ticks(&columns, &step),
			      end = columns.begin + columns.count * columns.length;
		assert_true(first >= columns.begin);
		assert_int_equal((first - MIDNIGHT) % (step < 24 * HOUR ? step : 24 * HOUR), 0);
		assert_in_range((end - first) / step + 1, 1, PLOT_TICKS + 1);
	}
	struct summary_data hours = {.begin = MIDNIGHT + 8 * HOUR, .end = MIDNIGHT + 18 * HOUR - NS_PER_S};
	struct plot_columns columns = plot_columns_of(&hours);
	int64_t step;
	assert_int_equal(plot_ticks(&columns, &step), MIDNIGHT + 9 * HOUR);
	assert_int_equal(step, 3 * HOUR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_high_as_their_share),
		cmocka_unit_test(no_frame_is_a_picture_too),
		cmocka_unit_test(rows_end_where_a_picture_ends),
		cmocka_unit_test(axis_has_round_times),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
