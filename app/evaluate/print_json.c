/* SPDX-License-Identifier: MIT */
/* The whole report as one JSON object. */
#include "cli/output.h"
#include "evaluate/report.h"
#include "evaluate/truth.h"

/* null where there is nothing to divide by. */
static json_t *share_json(int part, int whole)
{
	return whole ? output_share(share_of(part, whole)) : json_null();
}

static json_t *confusions_json(const struct evaluation_report *report)
{
	json_t *list = json_array();

	for (int i = 0; i < report->confusion_count; i++) {
		const struct confusion *c = &report->confusions[i];
		output_append(list, output_pack("{s:i, s:o, s:o}", "count", c->count, "label",
					    output_text(truth_name(report->network, c->label)), "predicted",
					    output_text(report->network->labels[c->predicted])));
	}
	return list;
}

static json_t *reliability_json(const struct reliability *reliability)
{
	json_t *list = json_array();

	for (int i = 0; i < RELIABILITY_BINS; i++) {
		const struct reliability_bin *b = &reliability->bins[i];
		output_append(list,
			output_pack("{s:o, s:o, s:i, s:o, s:o}", "above",
				output_share((double)i / RELIABILITY_BINS), "up_to",
				output_share((double)(i + 1) / RELIABILITY_BINS), "pictures", b->pictures,
				"confidence", b->pictures ? output_share(b->confidence) : json_null(),
				"accuracy", b->pictures ? output_share(b->accuracy) : json_null()));
	}
	return list;
}

static json_t *temperature_json(const struct evaluation_report *r)
{
	return output_pack("{s:f, s:o, s:o, s:o, s:o}", "now", r->temperature, "loss", output_share(r->loss),
		"fitted", r->fitted ? json_real(r->fitted_temperature) : json_null(), "fitted_loss",
		r->fitted ? output_share(r->fitted_loss) : json_null(), "fitted_ece",
		r->fitted ? output_share(r->fitted_reliability.error) : json_null());
}

/* null for a group. */
static json_t *class_index(const struct network *network, int truth)
{
	return truth_group(network, truth) ? json_null() : json_integer(truth);
}

static json_t *classes_json(const struct evaluation_report *report)
{
	json_t *list = json_array();

	for (int i = 0; i < report->class_count; i++) {
		const struct class_result *c = &report->classes[i];
		output_append(list,
			output_pack("{s:o, s:o, s:i, s:i, s:i, s:o, s:o}", "label",
				output_text(truth_name(report->network, c->index)), "index",
				class_index(report->network, c->index), "pictures", c->pictures, "predicted",
				c->predicted, "right", c->right, "recall", share_json(c->right, c->pictures),
				"precision", share_json(c->right, c->predicted)));
	}
	return list;
}

static json_t *effect_json(const struct unknown_report *u, const struct threshold_effect *effect)
{
	return output_pack("{s:o, s:o, s:o, s:o, s:o}", "threshold", output_share(effect->threshold), "named",
		share_json(effect->named, u->known_count), "right", share_json(effect->right, effect->named),
		"false_words", share_json(effect->false_words, u->result->pictures), "false_labels",
		share_json(effect->false_labels, u->result->pictures));
}

static json_t *unknown_json(const struct evaluation_report *report)
{
	const struct unknown_report *u = &report->unknown;
	json_t *thresholds = json_array();

	for (int i = 0; i < THRESHOLD_STEPS; i++)
		output_append(thresholds, effect_json(u, &u->steps[i]));
	return output_pack("{s:o, s:i, s:i, s:o, s:f, s:o, s:o, s:o}", "pictures_of", output_text(u->path),
		"pictures", u->result->pictures, "unreadable", u->result->missing + u->result->broken, "now",
		effect_json(u, &u->now), "goal", u->goal, "thresholds", thresholds, "suggested",
		u->suggested ? effect_json(u, &u->suggestion) : json_null(), "suggested_if_calibrated",
		u->calibrated_suggested ? effect_json(u, &u->calibrated) : json_null());
}

void evaluation_report_print_json(const struct evaluation_report *report)
{
	const struct evaluation *r = report->result;
	double rate = r->seconds > 0 ? r->pictures / r->seconds : 0;
	json_t *object = output_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:i, s:b, s:o, s:o, s:i}", "network",
		output_text(report->network->name), "dataset", output_text(report->path), "pictures",
		r->pictures, "top1", output_share(share_of(r->top1, r->pictures)), "top5",
		output_share(share_of(r->top5, r->pictures)), "ece", output_share(report->reliability.error),
		"unreadable", r->missing + r->broken, "stopped", r->attempted < report->options->pictures,
		"seconds", output_share(r->seconds), "pictures_per_second", output_share(rate), "threads",
		report->options->workers);

	output_set(object, "confusions", confusions_json(report));
	output_set(object, "reliability", reliability_json(&report->reliability));
	output_set(object, "temperature", temperature_json(report));
	output_set(object, "classes", classes_json(report));
	if (report->unknown.path)
		output_set(object, "unknown", unknown_json(report));
	output_json(object);
}
