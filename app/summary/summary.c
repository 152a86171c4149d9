/* SPDX-License-Identifier: MIT */
/* `twobit summary`: what was seen and when, from logs of labels. */
#include "base/clock.h"
#include "base/error.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "summary/episodes.h"
#include "summary/plot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

struct summary_values {
	int top;
	bool json;
};

static const struct option options[] = {
	{"top-k", 'k', OPTION_INTEGER, "N", "So many labels at most, those shown longest [20]",
		offsetof(struct summary_values, top), 1, 65536},
	{"json", 0, OPTION_FLAG, NULL, "Print one JSON object", offsetof(struct summary_values, json)},
	{0},
};

/* "3:05:09", "5:09" */
static void print_span(char *text, size_t size, int64_t nanoseconds)
{
	int64_t s = (nanoseconds + NS_PER_S / 2) / NS_PER_S;

	if (s < 3600)
		snprintf(text, size, "%" PRId64 ":%02d", s / 60, (int)(s % 60));
	else
		snprintf(text, size, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
}

static void print_time(char *text, size_t size, const char *format, int64_t time)
{
	time_t seconds = (time_t)(time / NS_PER_S);
	struct tm tm;

	localtime_r(&seconds, &tm);
	if (!strftime(text, size, format, &tm))
		text[0] = '\0';
}

/* Which parts of a time tell it among those of the logs. */
static const char *format_for(const struct summary_data *data)
{
	return data->end - data->begin > 86400 * NS_PER_S ? "%m-%d %H:%M" : "%H:%M:%S";
}

static void print_table(const struct summary_data *data, size_t count)
{
	const char *format = format_for(data);

	printf("%-24s %8s %10s %7s %6s  %-11s  %s\n", "label", "times", "shown", "share", "best", "first",
		"last");
	for (size_t i = 0; i < count; i++) {
		const struct label_sum *label = data->ranked[i];
		char shown[32], first[40], last[40];
		print_span(shown, sizeof(shown), label->shown);
		print_time(first, sizeof(first), format, label->first);
		print_time(last, sizeof(last), format, label->last);
		const char *name = PRINTABLE(label->name);
		printf("%s%*s %8" PRIu64 " %10s %5.1f %% %6.3f  %-11s  %s\n", name,
			utf8_length(name) < 24 ? 24 - (int)utf8_length(name) : 0, "", label->times, shown,
			data->watched ? 100 * (double)label->shown / (double)data->watched : 0.0, label->best,
			first, last);
	}
}

static void print_plot(const struct summary_data *data, size_t count)
{
	static const char *const levels[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	const struct plot_columns columns = plot_columns_of(data);
	char begin[40], end[40], length[32];

	print_time(begin, sizeof(begin), "%m-%d %H:%M:%S", columns.begin);
	print_time(end, sizeof(end), "%m-%d %H:%M:%S", columns.begin + columns.count * columns.length);
	print_span(length, sizeof(length), columns.length);
	printf("\n%s to %s, a column is %s\n", begin, end, length);
	for (size_t i = 0; i < count; i++) {
		double shares[PLOT_COLUMNS];
		plot_shares(data, data->ranked[i], &columns, shares);
		for (int k = 0; k < columns.count; k++) {
			int level = shares[k] > 0 ? 1 + (int)(shares[k] * 7.999) : 0;
			fputs(levels[level > 8 ? 8 : level], stdout);
		}
		printf("  %s\n", PRINTABLE(data->ranked[i]->name));
	}
}

static void print_text(const struct summary_data *data, size_t count)
{
	char begin[40], end[40], watched[32];

	if (!data->frames) {
		printf("no frame was labelled\n");
		return;
	}
	print_time(begin, sizeof(begin), "%Y-%m-%d %H:%M:%S", data->begin);
	print_time(end, sizeof(end), "%Y-%m-%d %H:%M:%S", data->end);
	print_span(watched, sizeof(watched), data->watched);
	printf("%s to %s; %s in %" PRIu64 " %s, %" PRIu64 " labelled frames\n\n", begin, end, watched,
		data->logs, data->logs == 1 ? "log" : "logs", data->frames);
	print_table(data, count);
	print_plot(data, count);
}

static double seconds(int64_t nanoseconds)
{
	return (double)nanoseconds / 1e9;
}

static json_t *label_json(
	const struct summary_data *data, const struct label_sum *label, const struct plot_columns *columns)
{
	double shares[PLOT_COLUMNS];
	json_t *all = json_array();

	plot_shares(data, label, columns, shares);
	for (int i = 0; i < columns->count; i++)
		output_append(all, output_share(shares[i]));
	return output_pack("{s:o, s:I, s:f, s:f, s:f, s:f, s:o}", "label", output_text(label->name), "times",
		(json_int_t)label->times, "seconds", seconds(label->shown), "best", label->best, "first",
		seconds(label->first), "last", seconds(label->last), "columns", all);
}

static void print_json(const struct summary_data *data, size_t count)
{
	struct plot_columns columns = {0, NS_PER_S, 0};
	json_t *labels = json_array();

	if (data->frames)
		columns = plot_columns_of(data);
	for (size_t i = 0; i < count; i++)
		output_append(labels, label_json(data, data->ranked[i], &columns));
	output_json(output_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "logs", (json_int_t)data->logs,
		"frames", (json_int_t)data->frames, "begin", seconds(data->begin), "end", seconds(data->end),
		"seconds", seconds(data->watched), "columns_begin", seconds(columns.begin), "column_seconds",
		seconds(columns.length), "labels", labels));
}

static int summary_run(struct invocation *invocation)
{
	struct summary_values values = {.top = 20};
	struct summary_data data = {0};
	struct error e = {0};
	int count, status = 0;
	int code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (!count)
		return usage_error(
			invocation, "needs a log of labels, as `twobit record` writes beside a video");
	for (int i = 0; i < count && !status; i++)
		status = summary_add(&data, invocation->argv[i], &e);
	if (!status)
		status = summary_rank(&data, &e);
	size_t shown = data.label_count < (size_t)values.top ? data.label_count : (size_t)values.top;
	if (status)
		code = fail(FAILURE_SOURCE, &e);
	else if (values.json)
		print_json(&data, shown);
	else
		print_text(&data, shown);
	summary_finish(&data);
	return output_finish(status ? code : EX_OK);
}

const struct command summary_command = {
	.name = "summary",
	.summary = "Tell from logs what was seen, how long and when",
	.usage = "[OPTION]… LOG.jsonl…",
	.details =
		"LOG.jsonl is a log of labels, as `twobit record` writes beside a video, or alone with\n"
		"--log-only. Several are added up. Times are local; a label's time is that of frames that\n"
		"show it, as captions do, until the next frame.",
	.examples =
		"twobit summary 'twobit-20261130-080000.jsonl'\n"
		"twobit summary --json /srv/cam/*.jsonl\n",
	.options = options,
	.run = summary_run,
};
