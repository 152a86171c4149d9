/* SPDX-License-Identifier: MIT */
/* The report for people: what is wanted first; the long tables only with --verbose. */
#include "base/printable.h"
#include "evaluate/report.h"
#include "evaluate/truth.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#define CLASSES_SHOWN 20
#define CELL 16

/* "91.3 %", or "-" where there is nothing to divide by. */
static const char *percent(char cell[CELL], int part, int whole)
{
	if (whole)
		snprintf(cell, CELL, "%.1f %%", 100 * share_of(part, whole));
	else
		snprintf(cell, CELL, "-");
	return cell;
}

/* Whether the fitted temperature is another one than the network's. */
static bool differs(const struct evaluation_report *report)
{
	return report->fitted && fabs(report->fitted_temperature / report->temperature - 1) > 0.005;
}

static void print_summary(const struct evaluation_report *report)
{
	const struct evaluation *r = report->result;
	const struct evaluation_options *o = report->options;

	printf("network   %s\npictures  %d", PRINTABLE(report->network->name), r->pictures);
	if (r->attempted < o->pictures)
		printf(" of %d, stopped early", o->pictures);
	if (r->missing + r->broken)
		printf(", %d more could not be read", r->missing + r->broken);
	printf("\ntop-1     %.2f %%\ntop-5     %.2f %%\n", 100 * share_of(r->top1, r->pictures),
		100 * share_of(r->top5, r->pictures));
	printf("ECE       %.2f %% (%d bins)", 100 * report->reliability.error, RELIABILITY_BINS);
	if (differs(report))
		printf("; %.2f %% with temperature %.3g", 100 * report->fitted_reliability.error,
			report->fitted_temperature);
	printf("\nspeed     %.0f pictures/s, %d thread%s\n", r->seconds > 0 ? r->pictures / r->seconds : 0,
		o->workers, o->workers == 1 ? "" : "s");
}

static void print_confusions(const struct evaluation_report *report)
{
	const struct network *network = report->network;

	if (report->confusion_count)
		printf("\nMost frequent mistakes:\n");
	for (int i = 0; i < report->confusion_count; i++) {
		const struct confusion *c = &report->confusions[i];
		printf("%6d ×  %s → %s\n", c->count, truth_name(network, c->label),
			network->labels[c->predicted]);
	}
}

static void print_reliability(const struct reliability *r)
{
	printf("\nReliability, in %d bins of confidence (ECE: the mean gap):\n", RELIABILITY_BINS);
	printf("   confidence   pictures       mean      right\n");
	for (int i = 0; i < RELIABILITY_BINS; i++) {
		const struct reliability_bin *b = &r->bins[i];
		if (b->pictures)
			printf("%4.1f – %5.1f %%  %9d  %7.1f %%  %7.1f %%\n", 100.0 * i / RELIABILITY_BINS,
				100.0 * (i + 1) / RELIABILITY_BINS, b->pictures, 100 * b->confidence,
				100 * b->accuracy);
	}
}

static void print_classes(const struct evaluation_report *report)
{
	char recall[CELL], precision[CELL];
	int with_pictures = 0;

	for (int i = 0; i < report->class_count; i++)
		with_pictures += report->classes[i].pictures > 0;
	int shown = with_pictures < CLASSES_SHOWN ? with_pictures : CLASSES_SHOWN;
	if (shown < with_pictures)
		printf("\nClasses, the worst %d of %d (--json has all):\n", shown, with_pictures);
	else
		printf("\nClasses, the worst first:\n");
	printf("  pictures     recall  precision  label\n");
	for (int i = 0; i < shown; i++) {
		const struct class_result *c = &report->classes[i];
		printf("%10d  %9s  %9s  %s\n", c->pictures, percent(recall, c->right, c->pictures),
			percent(precision, c->right, c->predicted), truth_name(report->network, c->index));
	}
}

/* A line of the table of thresholds. */
struct effect_row {
	const struct threshold_effect *effect;
	bool now, suggested;
};

/* Rows ascend. An effect whose threshold is there already only adds its marks. */
static int add_row(struct effect_row *rows, int count, struct effect_row row)
{
	int at = count;

	while (at > 0 && rows[at - 1].effect->threshold > row.effect->threshold + 1e-6)
		at--;
	if (at > 0 && rows[at - 1].effect->threshold > row.effect->threshold - 1e-6) {
		rows[at - 1].now |= row.now;
		rows[at - 1].suggested |= row.suggested;
		return count;
	}
	for (int i = count; i > at; i--)
		rows[i] = rows[i - 1];
	rows[at] = row;
	return count + 1;
}

/* Whether the suggestion beats the threshold that counts today, if that names enough. */
static bool is_better(const struct unknown_report *u)
{
	bool enough = u->now.named >= u->goal * u->known_count - 1e-6;

	return u->suggested && !(enough && u->now.false_words <= u->suggestion.false_words);
}

/* Every second step, the threshold that counts today, and the suggested one. */
static void print_effects(const struct unknown_report *u)
{
	struct effect_row rows[THRESHOLD_STEPS + 2];
	char named[CELL], right[CELL], words[CELL];
	int count = 0;

	for (int i = 1; i < THRESHOLD_STEPS; i += 2)
		count = add_row(rows, count, (struct effect_row){&u->steps[i], false, false});
	count = add_row(rows, count, (struct effect_row){&u->now, true, false});
	if (is_better(u))
		count = add_row(rows, count, (struct effect_row){&u->suggestion, false, true});
	printf(" threshold     named  of these right  false words\n");
	for (int i = 0; i < count; i++) {
		const struct threshold_effect *e = rows[i].effect;
		printf("%8.3g %%  %8s  %14s  %11s%s%s\n", 100 * e->threshold,
			percent(named, e->named, u->known_count), percent(right, e->right, e->named),
			percent(words, e->false_words, u->result->pictures), rows[i].now ? "  now" : "",
			rows[i].suggested ? "  suggested" : "");
	}
}

static void print_unknown(const struct evaluation_report *report)
{
	const struct unknown_report *u = &report->unknown;

	printf("\n%d pictures of none of the classes, from %s:\n", u->result->pictures, PRINTABLE(u->path));
	if (!u->known_count || !u->result->pictures)
		return;
	print_effects(u);
	if (!u->suggested) {
		printf("No threshold names %.3g %% of the data set; ask for less with --named.\n",
			100 * u->goal);
		return;
	}
	if (!is_better(u)) {
		printf("No threshold that names %.3g %% of the data set shows fewer false words than now.\n",
			100 * u->goal);
		return;
	}
	printf("For network.json: \"unknown_below\": %.2f\n", u->suggestion.threshold);
	if (u->calibrated_suggested && differs(report))
		printf("With calibrated confidences: \"temperature\": %.3g, \"unknown_below\": %.2f\n",
			report->fitted_temperature, u->calibrated.threshold);
}

void evaluation_report_print(const struct evaluation_report *report, bool verbose)
{
	print_summary(report);
	print_confusions(report);
	if (verbose) {
		print_reliability(&report->reliability);
		print_classes(report);
	}
	if (report->unknown.path)
		print_unknown(report);
}
