/* SPDX-License-Identifier: MIT */
#include "live/report.h"

#include "base/printable.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
	const char *name, *key;
} times[TIME_COUNT] = {
	[TIME_DECODE] = {"decode and resize", "decode"},
	[TIME_CONV0] = {"conv0", "conv0"},
	[TIME_PL] = {"PL", "pl"},
	[TIME_LABEL] = {"label", "label"},
	[TIME_CAPTION] = {"caption", "caption"},
	[TIME_SHOW] = {"wait and show", "show"},
	[TIME_TO_LABEL] = {"capture to label", "to_label"},
	[TIME_TO_SCREEN] = {"capture to screen", "to_screen"},
};

static double seconds(const struct pipeline_report *report)
{
	int64_t elapsed = report->ended - report->begun;

	return report->shown && elapsed > 0 ? (double)elapsed / 1e9 : 0;
}

static double rate(uint64_t frames, double elapsed)
{
	return elapsed > 0 ? (double)frames / elapsed : 0;
}

static double milliseconds(const struct histogram *histogram, double percent)
{
	return (double)histogram_percentile(histogram, percent) / 1e6;
}

static const char *health_name(const struct health_monitor *m)
{
	return m->disabled ? "retired" : m->alarm ? "alarm" : "good";
}

static bool eventful(const struct pipeline_report *r)
{
	const struct health_monitor *m = &r->pl;
	uint64_t events = m->slow + m->times_disabled + r->pl_failures;

	for (int i = 0; i < PL_FAULT_COUNT; i++)
		events += m->faults[i];
	return events > 0;
}

/* Prints nothing about a software PL that had no fault. */
static void print_pl(const struct pipeline_report *r)
{
	const struct health_monitor *m = &r->pl;

	if (!m->calibrated && !eventful(r))
		return;
	printf("PL: %s; %" PRIu64 " calls, %.2f ms each, at most %.0f ms; slow: %" PRIu64 ", late: %" PRIu64
	       ", failed: %" PRIu64 ", wrong: %" PRIu64 "\n",
		health_name(m), m->good, (double)m->expected / 1e6, (double)m->hard / 1e6, m->slow,
		m->faults[PL_FAULT_LATE], m->faults[PL_FAULT_FAILED], m->faults[PL_FAULT_WRONG]);
	if (m->resets + m->reconfigurations)
		printf("    resets: %" PRIu64 ", programmed again: %" PRIu64 ", retired: %" PRIu64
		       " times, frames computed by software: %" PRIu64
		       ", time to recover: p50 %.1f ms, max %.1f ms\n",
			m->resets, m->reconfigurations, m->times_disabled, r->cpu_fallbacks,
			milliseconds(&m->recovery_time, 50), (double)m->recovery_time.maximum / 1e6);
}

static void print_cycles(const struct pl_cycles *c)
{
	double us = 1e6 / c->hertz;

	printf("    the last picture took %" PRIu32 " cycles, %.1f µs at %.0f MHz; %" PRIu32
	       " of them waited for weights\n   ",
		c->frame, c->frame * us, c->hertz / 1e6, c->waiting);
	for (int i = 0; i < c->count; i++)
		printf(" %s %" PRIu32, c->layers[i].layer->name, c->layers[i].cycles);
	putchar('\n');
}

void broker_report_print(const struct sink_broker *broker)
{
	if (broker)
		printf("mqtt: %" PRIu64 " events published, %" PRIu64 " queued, %" PRIu64 " dropped\n",
			atomic_load(&broker->published), atomic_load(&broker->queued),
			atomic_load(&broker->dropped));
}

void broker_report_add(const struct sink_broker *broker, json_t *report)
{
	if (broker)
		output_set(report, "mqtt",
			output_pack("{s:I, s:I, s:I}", "published",
				(json_int_t)atomic_load(&broker->published), "queued",
				(json_int_t)atomic_load(&broker->queued), "dropped",
				(json_int_t)atomic_load(&broker->dropped)));
}

static void print_table(const struct pipeline_report *r, const struct sink_broker *broker,
	const char *display, const char *caption)
{
	double elapsed = seconds(r);

	printf("%-18s %9s %9s %9s %9s  milliseconds\n", "", "p50", "p95", "p99", "max");
	for (int i = 0; i < TIME_COUNT; i++) {
		const struct histogram *h = &r->times[i];
		printf("%-18s %9.3f %9.3f %9.3f %9.3f\n", times[i].name, milliseconds(h, 50),
			milliseconds(h, 95), milliseconds(h, 99), (double)h->maximum / 1e6);
	}
	printf("%" PRIu64 " frames in %.1f s: %" PRIu64 " shown (%.1f a second), %" PRIu64
	       " classified (%.1f a second)\n",
		r->received, elapsed, r->shown, rate(r->shown, elapsed), r->classified,
		rate(r->classified, elapsed));
	printf("display: %s\nlast caption: %s\n", PRINTABLE(display), PRINTABLE(caption));
	print_pl(r);
	if (r->counts_cycles)
		print_cycles(&r->cycles);
	printf("dropped: %" PRIu64 " by the camera, %" PRIu64 " before decode, %" PRIu64
	       " before inference, %" PRIu64 " before display; broken: %" PRIu64 "; PL failures: %" PRIu64
	       "\n",
		r->dropped_by_camera, r->dropped_before_decode, r->dropped_before_inference,
		r->dropped_before_display + r->not_shown, r->broken + r->undecodable, r->pl_failures);
	broker_report_print(broker);
}

static json_t *milliseconds_json(const struct histogram *h)
{
	return output_pack("{s:f, s:f, s:f, s:f}", "p50", milliseconds(h, 50), "p95", milliseconds(h, 95),
		"p99", milliseconds(h, 99), "max", (double)h->maximum / 1e6);
}

static json_t *pl_json(const struct pipeline_report *r)
{
	const struct health_monitor *m = &r->pl;

	return output_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f}",
		"health",
		m->disabled ? 2
		: m->alarm  ? 1
			    : 0,
		"state", health_name(m), "good", (json_int_t)m->good, "slow", (json_int_t)m->slow, "late",
		(json_int_t)m->faults[PL_FAULT_LATE], "failed", (json_int_t)m->faults[PL_FAULT_FAILED],
		"wrong", (json_int_t)m->faults[PL_FAULT_WRONG], "resets", (json_int_t)m->resets,
		"programmings", (json_int_t)m->reconfigurations, "retirements", (json_int_t)m->times_disabled,
		"by_software", (json_int_t)r->cpu_fallbacks, "usual_ms", (double)m->expected / 1e6,
		"limit_ms", (double)m->hard / 1e6, "recovery_p50_ms", milliseconds(&m->recovery_time, 50),
		"recovery_max_ms", (double)m->recovery_time.maximum / 1e6);
}

static void print_json(const struct pipeline_report *r, const struct sink_broker *broker, const char *display,
	const char *caption)
{
	const struct {
		const char *key;
		uint64_t count;
	} counts[] = {
		{"received", r->received},
		{"shown", r->shown},
		{"classified", r->classified},
		{"broken", r->broken + r->undecodable},
		{"pl_failures", r->pl_failures},
		{"dropped_by_camera", r->dropped_by_camera},
		{"dropped_before_decode", r->dropped_before_decode},
		{"dropped_before_inference", r->dropped_before_inference},
		{"dropped_before_display", r->dropped_before_display + r->not_shown},
	};
	double elapsed = seconds(r);
	json_t *all = json_object(), *stages = json_object();

	output_set(all, "seconds", json_real(elapsed));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		output_set(all, counts[i].key, json_integer((json_int_t)counts[i].count));
	output_set(all, "shown_per_second", json_real(rate(r->shown, elapsed)));
	output_set(all, "classified_per_second", json_real(rate(r->classified, elapsed)));
	output_set(all, "pl", pl_json(r));
	if (r->counts_cycles)
		output_set(all, "cycles",
			output_pack("{s:I, s:I, s:f}", "picture", (json_int_t)r->cycles.frame, "waiting",
				(json_int_t)r->cycles.waiting, "us",
				r->cycles.frame / r->cycles.hertz * 1e6));
	broker_report_add(broker, all);
	output_set(all, "display", output_text(display));
	output_set(all, "last_caption", output_text(caption));
	for (int i = 0; i < TIME_COUNT; i++)
		output_set(stages, times[i].key, milliseconds_json(&r->times[i]));
	output_set(all, "milliseconds", stages);
	output_json(all);
}

void live_report_print(const struct pipeline_report *report, const struct sink_broker *broker,
	const char *display, const char *caption, bool json)
{
	if (json)
		print_json(report, broker, display, caption);
	else
		print_table(report, broker, display, caption);
}
