/* SPDX-License-Identifier: MIT */
#include "measure_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Units of the pictures' own coordinates; a page scales them. */
#define WIDTH 960
#define LEFT 72 /* of the plots, beside their labels */
#define RIGHT (WIDTH - 12)

static const char *const kinds[PIPELINE_KINDS] = {
	[PIPELINE_OVERLAPPED] = "with overlap", [PIPELINE_IN_TURN] = "without overlap"};

/* The smallest of 1, 2, 5 · 10^n that cuts the span into at most `most` parts. */
static double tick_step(double span, int most)
{
	double step = pow(10, floor(log10(span / most)));
	static const double factors[] = {1, 2, 5, 10};

	for (size_t i = 0; i < 4; i++)
		if (span / (step * factors[i]) <= most)
			return step * factors[i];
	return step * 10;
}

/* Grid and numbers, from `first` µs at LEFT on. */
static void draw_axis(FILE *file, double first, double span, int top, int bottom)
{
	double step = tick_step(span, 10), begin = ceil(first / step);
	int ticks = (int)(floor((first + span * 1.0001) / step) - begin) + 1;

	for (int i = 0; i < ticks; i++) {
		double at = (begin + i) * step;
		double x = LEFT + (at - first) / span * (RIGHT - LEFT);
		fprintf(file,
			"<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
			"<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.10g</text>\n",
			x, top, x, bottom, x, bottom + 16, at);
	}
}

#define BINS 64
#define HIST_TOP 12
#define HIST_BASE 210
#define HIST_BELOW 44

struct bins {
	double share[BINS];
	double beyond;
};

static void fill_bins(const struct samples *samples, double first, double span, struct bins *out)
{
	*out = (struct bins){0};
	for (size_t i = 0; i < samples->count; i++) {
		double at = ((double)samples->values[i] / 1e3 - first) / span * BINS;
		if (at >= BINS)
			out->beyond += 1.0 / (double)samples->count;
		else
			out->share[at < 0 ? 0 : (int)at] += 1.0 / (double)samples->count;
	}
}

static void draw_steps(FILE *file, const struct bins *bins, double highest, int kind)
{
	double width = (double)(RIGHT - LEFT) / BINS;

	fprintf(file, "<path class=\"area k%d\" d=\"M%d %d", kind, LEFT, HIST_BASE);
	for (int i = 0; i < BINS; i++) {
		double y = HIST_BASE - bins->share[i] / highest * (HIST_BASE - HIST_TOP);
		fprintf(file, "V%.1fH%.1f", y, LEFT + (i + 1) * width);
	}
	fprintf(file, "V%dZ\"><title>%s</title></path>\n", HIST_BASE, kinds[kind]);
}

static void draw_median(FILE *file, double us, double first, double span, int kind)
{
	double x = LEFT + (us - first) / span * (RIGHT - LEFT);

	if (us >= first && us <= first + span)
		fprintf(file,
			"<line class=\"median k%d\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"><title>p50 "
			"%s: %.1f "
			"µs</title></line>\n",
			kind, x, HIST_TOP, x, HIST_BASE, kinds[kind], us);
}

/* The range shows all but the slowest 5 %, which a text names: one long wait would hide all else. */
void chart_latencies(FILE *file, const struct measurement *m)
{
	struct bins bins[PIPELINE_KINDS];
	double first = INFINITY, last = 0, highest = 0;

	for (int k = 0; k < PIPELINE_KINDS; k++) {
		const struct summary *s = &m->pipelines[k].latency;
		if (!s->runs)
			return;
		first = fmin(first, (double)s->minimum / 1e3);
		last = fmax(last, (double)s->p95 / 1e3);
	}
	first *= 0.98;
	double span = fmax(last * 1.05 - first, 1e-3);
	for (int k = 0; k < PIPELINE_KINDS; k++) {
		fill_bins(&m->pipelines[k].latencies, first, span, &bins[k]);
		for (int i = 0; i < BINS; i++)
			highest = fmax(highest, bins[k].share[i]);
	}
	fprintf(file,
		"<div class=\"wide\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Histogram of "
		"latencies\">\n",
		WIDTH, HIST_BASE + HIST_BELOW);
	draw_axis(file, first, span, HIST_TOP, HIST_BASE);
	fprintf(file,
		"<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%.1f %%</text>\n"
		"<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n",
		LEFT - 8, HIST_TOP + 8, 100 * highest, LEFT - 8, HIST_BASE);
	for (int k = PIPELINE_KINDS - 1; k >= 0; k--) {
		draw_steps(file, &bins[k], highest, k);
		draw_median(file, (double)m->pipelines[k].latency.p50 / 1e3, first, span, k);
	}
	fprintf(file,
		"<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"end\">µs</text>\n</svg></div>\n<p "
		"class=\"key\">",
		RIGHT, HIST_BASE + 36);
	for (int k = 0; k < PIPELINE_KINDS; k++)
		fprintf(file,
			"<span><i class=\"k%d\"></i>%s, p50 %.1f µs (%.1f %% beyond the right edge)</span>",
			k, kinds[k], (double)m->pipelines[k].latency.p50 / 1e3, 100 * bins[k].beyond);
	fputs("</p>\n", file);
}

/* Pictures whose way makes a stretch; those that fill the pipeline at the beginning are passed over. */
#define STRETCH 5
#define SKIPPED 12
#define PICTURES 256
#define ROW 26
#define ROW_GAP 4
#define COLOURS 4

struct stretch {
	int64_t begun, length; /* ns */
};

static int find_track(const struct trace *trace, const char *name)
{
	for (int i = 0; i < trace_tracks(trace); i++)
		if (strcmp(trace_track_name(trace, i), name) == 0)
			return i;
	return -1;
}

/* When the spans of a track begin or end, by picture; 0: not known. */
static void find_times(const struct trace *trace, const char *name, bool ends, int64_t out[PICTURES])
{
	int track = find_track(trace, name);

	memset(out, 0, PICTURES * sizeof(*out));
	for (size_t i = 0; track >= 0 && i < trace_size(trace, track); i++) {
		const struct trace_event *e = trace_event(trace, track, i);
		if (e->counter < 0 && e->value < PICTURES)
			out[e->value] = ends ? e->ended : e->begun;
	}
}

/*
 * Of all runs of STRETCH pictures, from the first one's Conv0 to the last one's label, the one whose labels
 * came most nearly at the rate that the pipeline has by its median: as it usually goes, not as when something
 * came between.
 */
static struct stretch typical(const struct trace *trace, int64_t interval)
{
	int64_t begun[PICTURES], ended[PICTURES], nearest = INT64_MAX;
	struct stretch best = {0};

	find_times(trace, "conv0", false, begun);
	find_times(trace, "label", true, ended);
	for (int i = SKIPPED; i + STRETCH <= PICTURES; i++) {
		int64_t last = ended[i + STRETCH - 1];
		if (!begun[i] || !ended[i] || !last)
			continue;
		int64_t off = llabs(last - ended[i] - (STRETCH - 1) * interval);
		if (off >= nearest)
			continue;
		nearest = off;
		best = (struct stretch){begun[i], last - begun[i]};
	}
	return best;
}

static void draw_span(
	FILE *file, const struct trace_event *e, const char *name, const struct stretch *s, int row)
{
	double scale = (double)(RIGHT - LEFT) / (double)s->length;
	double x0 = fmax(0, (double)(e->begun - s->begun) * scale);
	double x1 = fmin(RIGHT - LEFT, (double)(e->ended - s->begun) * scale);
	int y = row * (ROW + ROW_GAP);

	if (x1 < 0 || x0 > RIGHT - LEFT)
		return;
	fprintf(file,
		"<rect class=\"f%d\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"><title>%s, "
		"picture "
		"%" PRIu64 ": %.1f µs</title></rect>\n",
		(int)(e->value % COLOURS), LEFT + x0, y, fmax(x1 - x0, 0.8), ROW, name, e->value,
		(double)(e->ended - e->begun) / 1e3);
	if (x1 - x0 > 26)
		fprintf(file,
			"<text class=\"number\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%" PRIu64
			"</text>\n",
			LEFT + (x0 + x1) / 2, y + ROW - 8, e->value);
}

/* Where spans of the two tracks are at the same time, inside the stretch; returns for how long, ns. */
static int64_t draw_together(FILE *file, const struct trace *trace, const struct stretch *s, int a, int b)
{
	double scale = (double)(RIGHT - LEFT) / (double)s->length;
	int64_t together = 0, end = s->begun + s->length;

	for (size_t i = 0; i < trace_size(trace, a); i++)
		for (size_t j = 0; j < trace_size(trace, b); j++) {
			const struct trace_event *x = trace_event(trace, a, i), *y = trace_event(trace, b, j);
			int64_t from = x->begun > y->begun ? x->begun : y->begun;
			int64_t to = x->ended < y->ended ? x->ended : y->ended;
			from = from < s->begun ? s->begun : from;
			to = to > end ? end : to;
			if (x->counter >= 0 || y->counter >= 0 || to <= from)
				continue;
			together += to - from;
			fprintf(file,
				"<rect class=\"both\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\"/>\n",
				LEFT + (double)(from - s->begun) * scale, (double)(to - from) * scale,
				trace_tracks(trace) * (ROW + ROW_GAP));
		}
	return together;
}

static void draw_timeline(FILE *file, const struct trace *trace, const struct stretch *s, int kind)
{
	int rows = trace_tracks(trace), height = rows * (ROW + ROW_GAP);

	fprintf(file,
		"<figure><div class=\"wide\"><svg viewBox=\"0 -8 %d %d\" role=\"img\" aria-label=\"Timeline "
		"%s\">\n",
		WIDTH, height + 44, kinds[kind]);
	draw_axis(file, 0, (double)s->length / 1e3, 0, height);
	int64_t together = draw_together(file, trace, s, find_track(trace, "conv0"), find_track(trace, "pl"));
	for (int row = 0; row < rows; row++) {
		const char *name = trace_track_name(trace, row);
		fprintf(file, "<text class=\"stage\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
			LEFT - 8, row * (ROW + ROW_GAP) + ROW - 8, strcmp(name, "pl") == 0 ? "PL" : name);
		for (size_t i = 0; i < trace_size(trace, row); i++)
			if (trace_event(trace, row, i)->counter < 0)
				draw_span(file, trace_event(trace, row, i), name, s, row);
	}
	fprintf(file,
		"<text class=\"tick\" x=\"%d\" y=\"%d\" "
		"text-anchor=\"end\">µs</text></svg></div>\n<figcaption><b>%s.</b> "
		"Conv0 and PL are at work together for %.0f %% of this stretch.</figcaption></figure>\n",
		RIGHT, height + 32, kind == PIPELINE_OVERLAPPED ? "With overlap" : "Without overlap",
		100 * (double)together / (double)s->length);
}

/* Both have the scale of the longer stretch, so that one sees what the overlap gains. */
void chart_timelines(FILE *file, const struct measurement *m)
{
	struct stretch stretches[PIPELINE_KINDS];
	int64_t longest = 0;

	for (int k = 0; k < PIPELINE_KINDS; k++) {
		if (!m->pipelines[k].trace)
			return;
		stretches[k] = typical(m->pipelines[k].trace, m->pipelines[k].interval.p50);
		longest = stretches[k].length > longest ? stretches[k].length : longest;
	}
	if (!longest)
		return;
	fputs("<h3>Timeline</h3>\n<p>A stretch of each run that went at its median rate, to one scale: what "
	      "a stage did when. A "
	      "colour is a "
	      "picture; where the background is tinted, Conv0 works on a picture while the PL works on the "
	      "one "
	      "before.</p>\n",
		file);
	for (int k = 0; k < PIPELINE_KINDS; k++) {
		stretches[k].length = longest;
		draw_timeline(file, m->pipelines[k].trace, &stretches[k], k);
	}
}
