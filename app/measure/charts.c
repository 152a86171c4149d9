/* SPDX-License-Identifier: MIT */
#include "measure/charts.h"

#include "cli/output.h"
#include "measure/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[PIPELINE_KINDS] = {
	[PIPELINE_OVERLAPPED] = "overlap", [PIPELINE_IN_TURN] = "in_turn"};

static double us(int64_t ns)
{
	return (double)ns / 1e3;
}

#define BINS 64

/* The last number counts the samples beyond all bins. */
static json_t *bin_counts(const struct samples *samples, double first, double width)
{
	json_int_t counts[BINS + 1] = {0};
	json_t *list = json_array();

	for (size_t i = 0; i < samples->count; i++) {
		double bin = (us(samples->values[i]) - first) / width;
		counts[bin < 0 ? 0 : bin < BINS ? (int)bin : BINS]++;
	}
	for (int i = 0; i <= BINS; i++)
		output_append(list, json_integer(counts[i]));
	return list;
}

/* The bins cover all but the slowest 5 %: one very long time would make the other bins too coarse. */
json_t *chart_histogram(const struct measurement *m)
{
	double first = INFINITY, last = 0;

	for (int k = 0; k < PIPELINE_KINDS; k++) {
		const struct summary *s = &m->pipelines[k].latency;
		if (!s->runs)
			return NULL;
		first = fmin(first, us(s->minimum));
		last = fmax(last, us(s->p95));
	}
	first *= 0.98;
	double width = fmax(last * 1.05 - first, 1e-3) / BINS;
	json_t *o = output_pack("{s:f, s:f}", "from_us", first, "bin_us", width);
	for (int k = 0; k < PIPELINE_KINDS; k++)
		output_set(o, keys[k], bin_counts(&m->pipelines[k].latencies, first, width));
	return o;
}

/* Pictures in a stretch, and pictures at the beginning that fill the pipeline and are skipped. */
#define STRETCH 5
#define SKIPPED 12
#define PICTURES 256

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

/* The beginnings or ends of a track's spans, by picture; 0: not known. */
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
 * The typical stretch of STRETCH pictures, from the first one's Conv0 to the last one's label: the one whose
 * labels come most nearly at the median rate of the pipeline, so without a disturbance.
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

/* The spans that overlap the stretch: [stage, picture, from µs, to µs] each; 0 µs is the stretch's beginning.
 */
static json_t *spans(const struct trace *trace, const struct stretch *s)
{
	json_t *list = json_array();

	for (int track = 0; track < trace_tracks(trace); track++)
		for (size_t i = 0; i < trace_size(trace, track); i++) {
			const struct trace_event *e = trace_event(trace, track, i);
			int64_t from = e->begun - s->begun, to = e->ended - s->begun;
			if (e->counter < 0 && to >= 0 && from <= s->length)
				output_append(list, output_pack("[i, I, f, f]", track, (json_int_t)e->value,
							    us(from), us(to)));
		}
	return list;
}

static json_t *stages(const struct trace *trace)
{
	json_t *list = json_array();

	for (int track = 0; track < trace_tracks(trace); track++)
		output_append(list, json_string(trace_track_name(trace, track)));
	return list;
}

/* Both timelines have the length of the longer stretch, so that the gain of the overlap is visible. */
json_t *chart_timeline(const struct measurement *m)
{
	struct stretch stretches[PIPELINE_KINDS];
	int64_t longest = 0;

	for (int k = 0; k < PIPELINE_KINDS; k++) {
		if (!m->pipelines[k].trace)
			return NULL;
		stretches[k] = typical(m->pipelines[k].trace, m->pipelines[k].interval.p50);
		longest = stretches[k].length > longest ? stretches[k].length : longest;
	}
	if (!longest)
		return NULL;
	json_t *o = output_pack("{s:f, s:o}", "length_us", us(longest), "stages",
		stages(m->pipelines[PIPELINE_OVERLAPPED].trace));
	for (int k = 0; k < PIPELINE_KINDS; k++) {
		stretches[k].length = longest;
		output_set(o, keys[k], spans(m->pipelines[k].trace, &stretches[k]));
	}
	return o;
}
