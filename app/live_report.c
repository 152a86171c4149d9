/* SPDX-License-Identifier: MIT */
#include "live_report.h"

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

static double seconds(const struct line_report *report)
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

static void print_table(const struct line_report *r)
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
	printf("dropped: %" PRIu64 " before decode, %" PRIu64 " before inference, %" PRIu64
	       " before display; broken: %" PRIu64 "; PL failures: %" PRIu64 "\n",
		r->dropped_before_decode, r->dropped_before_inference, r->dropped_before_display,
		r->broken + r->undecodable, r->pl_failures);
}

static void print_json(const struct line_report *r)
{
	double elapsed = seconds(r);

	printf("{\"seconds\": %.3f, \"received\": %" PRIu64 ", \"shown\": %" PRIu64
	       ", \"classified\": %" PRIu64 ", \"broken\": %" PRIu64 ", \"pl_failures\": %" PRIu64,
		elapsed, r->received, r->shown, r->classified, r->broken + r->undecodable, r->pl_failures);
	printf(", \"dropped_before_decode\": %" PRIu64 ", \"dropped_before_inference\": %" PRIu64
	       ", \"dropped_before_display\": %" PRIu64,
		r->dropped_before_decode, r->dropped_before_inference, r->dropped_before_display);
	printf(", \"shown_per_second\": %.3f, \"classified_per_second\": %.3f, \"milliseconds\": {",
		rate(r->shown, elapsed), rate(r->classified, elapsed));
	for (int i = 0; i < TIME_COUNT; i++) {
		const struct histogram *h = &r->times[i];
		printf("%s\"%s\": {\"p50\": %.4f, \"p95\": %.4f, \"p99\": %.4f, \"max\": %.4f}",
			i ? ", " : "", times[i].key, milliseconds(h, 50), milliseconds(h, 95),
			milliseconds(h, 99), (double)h->maximum / 1e6);
	}
	printf("}}\n");
}

void live_report_print(const struct line_report *report, bool json)
{
	if (json)
		print_json(report);
	else
		print_table(report);
}
