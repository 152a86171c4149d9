/* SPDX-License-Identifier: MIT */
#include "evaluate/calibration.h"

#include "evaluate/truth.h"
#include "nn/classify.h"
#include "nn/network_confidence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* One parameter needs no more pictures; the fit of 1,000 classes then takes about a second. */
#define FIT_PICTURES 5000

/* Steps of the golden section: each leaves 0.618 of the range of the temperature's logarithm, which is 9.2.
 */
#define FIT_STEPS 24

double temperature_of(const struct network *network)
{
	return network->temperature != 0 ? network->temperature : 1;
}

static const int32_t *scores_of(const struct scored *scored, int picture)
{
	return scored->scores + (size_t)scored->network->class_count * (size_t)picture;
}

/* Whether a word for the group is right: its class is among the group's, or it is the group itself. */
static bool group_right(const struct network *network, int group, int truth)
{
	if (group < 0)
		return false;
	return truth_group(network, truth) ? truth == network->class_count + group
					   : truth_holds(network, network->class_count + group, truth);
}

int judge(const struct scored *scored, double temperature, struct judgement *out)
{
	struct network network = *scored->network; /* but for its temperature */
	double *work = malloc(sizeof(*work) * (size_t)network.class_count);

	if (!work)
		return -ENOMEM;
	network.temperature = temperature;
	for (int i = 0; i < scored->count; i++) {
		struct classification found;
		classify_scores(&network, scores_of(scored, i), work, &found);
		out[i] = (struct judgement){.label = found.top[0].confidence,
			.group = found.group.confidence,
			.label_right = truth_holds(&network, scored->labels[i], found.top[0].index),
			.group_right = group_right(&network, found.group.index, scored->labels[i]),
			.background = found.background};
	}
	free(work);
	return 0;
}

static double picture_loss(const struct scored *scored, int picture, double temperature, double *work)
{
	const struct network *network = scored->network;
	const int32_t *scores = scores_of(scored, picture);
	double highest = -INFINITY, best = -INFINITY, total = 0, right = 0;

	for (int i = 0; i < network->class_count; i++) {
		work[i] = class_logit(network, scores, i);
		highest = fmax(highest, work[i]);
	}
	for (int i = 0; i < network->class_count; i++)
		total += exp((work[i] - highest) / temperature);
	/* Relative to the best right class: its share may be too small for a number. */
	for (int i = 0; i < network->class_count; i++)
		if (truth_holds(network, scored->labels[picture], i))
			best = fmax(best, work[i]);
	for (int i = 0; i < network->class_count; i++)
		if (truth_holds(network, scored->labels[picture], i))
			right += exp((work[i] - best) / temperature);
	return log(total) - (best - highest) / temperature - log(right);
}

static double mean_loss(const struct scored *scored, int step, double temperature, double *work)
{
	double sum = 0;
	int count = 0;

	for (int i = 0; i < scored->count; i += step, count++)
		sum += picture_loss(scored, i, temperature, work);
	return count ? sum / count : 0;
}

double likelihood_loss(const struct scored *scored, double temperature, double *work)
{
	return mean_loss(scored, 1, temperature, work);
}

/* The minimum between the logarithms `low` and `high`, as a logarithm. */
static double golden_section(const struct scored *scored, double low, double high, double *work)
{
	const double share = (sqrt(5) - 1) / 2;
	int step = scored->count / FIT_PICTURES + 1;
	double a = high - share * (high - low), b = low + share * (high - low);
	double at_a = mean_loss(scored, step, exp(a), work), at_b = mean_loss(scored, step, exp(b), work);

	for (int i = 0; i < FIT_STEPS; i++) {
		if (at_a <= at_b) { /* where all is equal, to the lower end */
			high = b;
			b = a;
			at_b = at_a;
			a = high - share * (high - low);
			at_a = mean_loss(scored, step, exp(a), work);
		} else {
			low = a;
			a = b;
			at_a = at_b;
			b = low + share * (high - low);
			at_b = mean_loss(scored, step, exp(b), work);
		}
	}
	return (low + high) / 2;
}

static double three_digits(double value)
{
	double unit = pow(10, floor(log10(value)) - 2);

	return unit < 1 ? round(value / unit) / round(1 / unit) : round(value / unit) * unit;
}

int temperature_fit(const struct scored *scored, double *temperature, bool *found)
{
	const double low = log(TEMPERATURE_LEAST), high = log(TEMPERATURE_MOST);
	double *work = malloc(sizeof(*work) * (size_t)scored->network->class_count);

	*found = false;
	*temperature = 1;
	if (!work)
		return -ENOMEM;
	if (scored->count) {
		double fitted = golden_section(scored, low, high, work);
		*found = fitted > low + 0.01 && fitted < high - 0.01;
		*temperature = three_digits(exp(fitted));
	}
	free(work);
	return 0;
}

struct reliability reliability_of(const struct judgement *judgements, int count)
{
	struct reliability r = {0};

	for (int i = 0; i < count; i++) {
		double confidence = (double)judgements[i].label;
		int bin = (int)ceil(confidence * RELIABILITY_BINS) - 1;
		struct reliability_bin *b = &r.bins[bin < 0		      ? 0
						    : bin >= RELIABILITY_BINS ? RELIABILITY_BINS - 1
									      : bin];
		b->pictures++;
		b->confidence += confidence;
		b->accuracy += judgements[i].label_right;
	}
	for (int i = 0; i < RELIABILITY_BINS; i++) {
		struct reliability_bin *b = &r.bins[i];
		if (!b->pictures)
			continue;
		r.error += fabs(b->accuracy - b->confidence) / count;
		b->confidence /= b->pictures;
		b->accuracy /= b->pictures;
	}
	return r;
}

struct threshold_effect threshold_effect(const struct threshold_data *data, double threshold)
{
	struct threshold_effect effect = {.threshold = threshold};
	float t = (float)threshold; /* compared as a caption compares it */

	for (int i = 0; i < data->known_count; i++) {
		const struct judgement *v = &data->known[i];
		if (v->background)
			continue;
		effect.named += v->label >= t || v->group >= t;
		effect.right += v->label >= t ? v->label_right : v->group >= t && v->group_right;
	}
	for (int i = 0; i < data->unknown_count; i++) {
		const struct judgement *v = &data->unknown[i];
		if (v->background)
			continue;
		effect.false_words += v->label >= t || v->group >= t;
		effect.false_labels += v->label >= t;
	}
	return effect;
}

bool threshold_suggest(const struct threshold_data *data, double named, struct threshold_effect *out)
{
	bool found = false;

	for (int percent = 1; percent < 100; percent++) {
		struct threshold_effect effect = threshold_effect(data, percent / 100.0);
		if (effect.named < named * data->known_count - 1e-6)
			break; /* a higher one names no more */
		if (!found || effect.false_words < out->false_words)
			*out = effect;
		found = true;
	}
	return found;
}
