/* SPDX-License-Identifier: MIT */
#include "nn/classify.h"

#include <math.h>
#include <string.h>

/* Puts class `index` where it belongs among the best so far: behind those of an equal or a higher value. */
static void insert(struct classification *out, const double *value, int index)
{
	int at = out->count;

	while (at > 0 && value[out->top[at - 1].index] < value[index])
		at--;
	if (at == TOP_MAXIMUM)
		return;
	if (out->count < TOP_MAXIMUM)
		out->count++;
	for (int i = out->count - 1; i > at; i--)
		out->top[i] = out->top[i - 1];
	out->top[at].index = index;
}

static struct prediction best_group(const struct network *network, const double *share, double total)
{
	struct prediction best = {-1, 0};
	double most = -1;

	for (int g = 0; g < network->group_count; g++) {
		const struct label_group *group = &network->groups[g];
		double sum = 0;
		for (int i = 0; i < group->class_count; i++)
			sum += share[group->classes[i]];
		if (sum > most) {
			most = sum;
			best = (struct prediction){g, (float)(sum / total)};
		}
	}
	return best;
}

float classification_threshold(const struct network *network, double wanted)
{
	if (wanted >= 0)
		return (float)wanted;
	return (float)(network->unknown_below != 0 ? network->unknown_below : UNKNOWN_BELOW_DEFAULT);
}

bool classification_known(const struct classification *result, float threshold)
{
	return !result->background &&
	       ((result->count && result->top[0].confidence >= threshold) ||
		       (result->group.index >= 0 && result->group.confidence >= threshold));
}

void classify_scores(
	const struct network *network, const int32_t *scores, double *work, struct classification *out)
{
	double total = 0;

	*out = (struct classification){.group = {-1, 0}};
	for (int i = 0; i < network->class_count; i++)
		work[i] = class_logit(network, scores, i);
	for (int i = 0; i < network->class_count; i++)
		insert(out, work, i);
	if (out->count == 0)
		return;
	double highest = work[out->top[0].index]; /* subtracted, so that exp cannot overflow */
	double temperature = network->temperature != 0 ? network->temperature : 1;
	for (int i = 0; i < network->class_count; i++)
		total += work[i] = exp((work[i] - highest) / temperature);
	for (int i = 0; i < out->count; i++)
		out->top[i].confidence = (float)(work[out->top[i].index] / total);
	out->group = best_group(network, work, total);
	out->background =
		network->labels && strcmp(network->labels[out->top[0].index], LABEL_BACKGROUND) == 0;
}
