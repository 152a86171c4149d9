/* SPDX-License-Identifier: MIT */
/* `twobit summary`: what was seen and when, from logs of labels. */
#include "base/clock.h"
#include "base/error.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "image/picture_write.h"
#include "summary/chart.h"
#include "summary/episodes.h"
#include "summary/plot.h"
#include "summary/times.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

struct summary_values {
	int top;
	bool json;
	struct option_text plot;
};

static const struct option options[] = {
	{"top-k", 'k', OPTION_INTEGER, "N", "So many labels at most, those shown longest [20]",
		offsetof(struct summary_values, top), 1, 65536},
	{"json", 0, OPTION_FLAG, NULL, "Print one JSON object", offsetof(struct summary_values, json)},
	{"plot", 0, OPTION_TEXT, "FILE", "Write the plot as a picture, too: .png or .jpg",
		offsetof(struct summary_values, plot)},
	{0},
};

/* Which parts of a time tell it among those of the logs. */
static const char *format_for(const struct summary_data *data)
{
	return data->end - data->begin > 86400 * NS_PER_S ? "%m-%d %H:%M" : "%H:%M:%S";
}

#define NAME_COLUMNS 24

/* Cut to its column of the table, or padded. */
static void print_name(const char *name)
{
	int columns = 0, all = 0;
	size_t used = 0;

	for (const char *at = name; *at; at += utf8_length(at)) {
		all += utf8_columns(at);
		if (all < NAME_COLUMNS) {
			columns = all;
			used = (size_t)(at - name) + utf8_length(at);
		}
	}
	if (all <= NAME_COLUMNS)
		printf("%s%*s", name, NAME_COLUMNS - all, "");
	else
		printf("%.*s…%*s", (int)used, name, NAME_COLUMNS - 1 - columns, "");
}

static void print_table(const struct summary_data *data, size_t count)
{
	const char *format = format_for(data);

	printf("%-*s %8s %10s %7s %6s  %-11s  %s\n", NAME_COLUMNS, "label", "times", "shown", "share", "best",
		"first", "last");
	for (size_t i = 0; i < count; i++) {
		const struct label_sum *label = data->ranked[i];
		char shown[TIME_BYTES], first[TIME_BYTES], last[TIME_BYTES];
		span_text(shown, label->shown);
		time_text(first, format, label->first);
		time_text(last, format, label->last);
		print_name(PRINTABLE(label->name));
		printf(" %8" PRIu64 " %10s %5.1f %% %6.3f  %-11s  %s\n", label->times, shown,
			data->watched ? 100 * (double)label->shown / (double)data->watched : 0.0, label->best,
			first, last);
	}
}

static void print_plot(const struct summary_data *data, size_t count)
{
	static const char *const levels[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	const struct plot_columns columns = plot_columns_of(data);
	char begin[TIME_BYTES], end[TIME_BYTES], length[TIME_BYTES];

	time_text(begin, "%m-%d %H:%M:%S", columns.begin);
	time_text(end, "%m-%d %H:%M:%S", columns.begin + columns.count * columns.length);
	span_text(length, columns.length);
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
	char begin[TIME_BYTES], end[TIME_BYTES], watched[TIME_BYTES];

	if (!data->frames) {
		printf("no frame was labelled\n");
		return;
	}
	time_text(begin, "%Y-%m-%d %H:%M:%S", data->begin);
	time_text(end, "%Y-%m-%d %H:%M:%S", data->end);
	span_text(watched, data->watched);
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

/* Found before the work. Returns an exit code. */
static int check_plot(const struct invocation *invocation, const struct option_text *plot)
{
	struct error e = {0};
	int status = plot->text ? picture_write_check(plot->text, &e) : 0;

	if (!status)
		return EX_OK;
	if (status == -EINVAL)
		return option_refuse(invocation, &plot->origin, e.text);
	e.wrong = plot->text;
	return fail_at(invocation, FAILURE_CREATE, &e);
}

static int write_plot(const char *path, const struct summary_data *data, size_t count)
{
	struct picture picture = {0};
	struct error e = {0};
	int status = chart_draw(data, count, &picture, &e);

	if (!status)
		status = picture_write(path, &picture, &e);
	picture_finish(&picture);
	return status ? fail(FAILURE_CREATE, &e) : EX_OK;
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
	if ((code = check_plot(invocation, &values.plot)) != EX_OK)
		return code;
	for (int i = 0; i < count && !status; i++)
		status = summary_add(&data, invocation->argv[i], &e);
	if (!status)
		status = summary_rank(&data, &e);
	size_t shown = data.label_count < (size_t)values.top ? data.label_count : (size_t)values.top;
	code = EX_OK;
	if (status)
		code = fail(FAILURE_SOURCE, &e);
	else if (values.json)
		print_json(&data, shown);
	else
		print_text(&data, shown);
	if (!status && values.plot.text)
		code = write_plot(values.plot.text, &data, shown);
	summary_finish(&data);
	return output_finish(code);
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
