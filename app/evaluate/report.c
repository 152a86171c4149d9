/* SPDX-License-Identifier: MIT */
#include "evaluate/report.h"

#include "evaluate/truth.h"
#include "nn/classify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A temperature fitted to fewer pictures says more of these than of the network. */
#define FIT_LEAST 100

/* Scored pictures without gaps between them, and what is allocated for that. */
struct gathered {
	struct scored scored;
	int32_t *scores; /* NULL: there were no gaps, and the evaluation's serve */
	int *labels;
};

/* dataset NULL: no picture has a label. 0 or -ENOMEM; in both cases gathered_finish frees it. */
static int gathered_init(struct gathered *out, const struct network *network, const struct evaluation *result,
	const struct dataset *dataset)
{
	size_t classes = (size_t)network->class_count, size = sizeof(int32_t) * classes;
	bool gaps = result->pictures < result->attempted;
	int count = 0;

	*out = (struct gathered){0};
	out->labels = malloc(sizeof(*out->labels) * ((size_t)result->pictures + 1));
	if (gaps)
		out->scores = malloc(size * (size_t)result->pictures + 1);
	if (!out->labels || (gaps && !out->scores))
		return -ENOMEM;
	for (int i = 0; i < result->attempted; i++) {
		if (!result->outcomes[i].scored)
			continue;
		if (gaps)
			memcpy(out->scores + classes * (size_t)count, result->scores + classes * (size_t)i,
				size);
		out->labels[count++] = dataset ? dataset_label(dataset, i) : -1;
	}
	out->scored = (struct scored){network, count, gaps ? out->scores : result->scores, out->labels};
	return 0;
}

static void gathered_finish(struct gathered *gathered)
{
	free(gathered->scores);
	free(gathered->labels);
}

/* What there is of one temperature. */
static int measure(const struct scored *scored, double temperature, struct judgement *judgements,
	struct reliability *reliability, double *loss)
{
	double *work = malloc(sizeof(*work) * (size_t)scored->network->class_count);
	int status = work ? judge(scored, temperature, judgements) : -ENOMEM;

	if (!status) {
		*reliability = reliability_of(judgements, scored->count);
		*loss = likelihood_loss(scored, temperature, work);
	}
	free(work);
	return status;
}

/* judgements: room for those of both; left with the judgements of the last temperature. */
static int try_thresholds(struct evaluation_report *r, const struct scored *known,
	const struct scored *unknown, struct judgement *judgements)
{
	struct unknown_report *u = &r->unknown;
	struct threshold_data data = {judgements, judgements + known->count, known->count, unknown->count};
	int status = judge(known, r->temperature, judgements);

	if (status || (status = judge(unknown, r->temperature, judgements + known->count)))
		return status;
	u->known_count = known->count;
	u->now = threshold_effect(&data, (double)classification_threshold(r->network, -1));
	for (int i = 0; i < THRESHOLD_STEPS; i++)
		u->steps[i] = threshold_effect(&data, (i + 1) / 20.0);
	if (!known->count || !unknown->count)
		return 0;
	u->suggested = threshold_suggest(&data, u->goal, &u->suggestion);
	if (!r->fitted)
		return 0;
	if ((status = judge(known, r->fitted_temperature, judgements)) ||
		(status = judge(unknown, r->fitted_temperature, judgements + known->count)))
		return status;
	u->calibrated_suggested = threshold_suggest(&data, u->goal, &u->calibrated);
	return 0;
}

static int fill_unknown(struct evaluation_report *r, const struct scored *known)
{
	struct gathered unknown;
	int status = gathered_init(&unknown, r->network, r->unknown.result, NULL);
	struct judgement *judgements =
		malloc(sizeof(*judgements) * ((size_t)known->count + (size_t)unknown.scored.count + 1));

	if (!judgements)
		status = -ENOMEM;
	if (!status)
		status = try_thresholds(r, known, &unknown.scored, judgements);
	free(judgements);
	gathered_finish(&unknown);
	return status;
}

static int fill_calibration(struct evaluation_report *r, const struct scored *scored)
{
	struct judgement *judgements = malloc(sizeof(*judgements) * ((size_t)scored->count + 1));
	int status = judgements ? 0 : -ENOMEM;

	r->temperature = temperature_of(r->network);
	if (!status)
		status = measure(scored, r->temperature, judgements, &r->reliability, &r->loss);
	if (!status && scored->count >= FIT_LEAST)
		status = temperature_fit(scored, &r->fitted_temperature, &r->fitted);
	if (!status && r->fitted)
		status = measure(
			scored, r->fitted_temperature, judgements, &r->fitted_reliability, &r->fitted_loss);
	free(judgements);
	return status;
}

int evaluation_report_fill(struct evaluation_report *r, const struct dataset *dataset)
{
	int truths = truth_count(r->network);
	struct gathered known;

	r->confusion_count = confusions_find(r->result, dataset, r->confusions, CONFUSIONS_SHOWN);
	r->classes = malloc(sizeof(*r->classes) * (size_t)truths);
	if (r->confusion_count < 0 || !r->classes)
		return -ENOMEM;
	classes_count(r->result, dataset, truths, r->classes);
	/* A group without pictures is one that nobody asked for. */
	r->class_count = r->network->class_count;
	for (int i = r->class_count; i < truths; i++)
		if (r->classes[i].pictures)
			r->classes[r->class_count++] = r->classes[i];
	classes_sort(r->classes, r->class_count);
	int status = gathered_init(&known, r->network, r->result, dataset);
	if (!status)
		status = fill_calibration(r, &known.scored);
	if (!status && r->unknown.path)
		status = fill_unknown(r, &known.scored);
	gathered_finish(&known);
	return status;
}

void evaluation_report_finish(struct evaluation_report *report)
{
	free(report->classes);
}
