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

/* Sums in one order, so that the same shares give the same confidence. */
static double group_share(const struct label_group *group, const double *share)
{
	double sum = 0;

	for (int i = 0; i < group->class_count; i++)
		sum += share[group->classes[i]];
	return sum;
}

static void find_group(
	const struct network *network, const double *share, double total, struct classification *out)
{
	double most = -1;

	for (int g = 0; g < network->group_count; g++) {
		double sum = group_share(&network->groups[g], share);
		if (sum > most) {
			most = sum;
			out->group = (struct prediction){g, (float)(sum / total)};
		}
	}
	if (out->group.index < 0)
		return;
	const struct label_group *group = &network->groups[out->group.index];
	int best = group->classes[0];
	for (int i = 1; i < group->class_count; i++)
		if (share[group->classes[i]] > share[best])
			best = group->classes[i];
	out->member = (struct prediction){best, (float)(share[best] / total)};
}

float classification_threshold(const struct network *network, double wanted)
{
	if (wanted >= 0)
		return (float)wanted;
	return (float)(network->unknown_below != 0 ? network->unknown_below : UNKNOWN_BELOW_DEFAULT);
}

struct headline classification_headline(const struct classification *result, float threshold)
{
	const struct prediction *group = &result->group, *best = &result->top[0];
	struct headline headline = {HEADLINE_NONE, 0, 0};

	if (!result->count || result->background)
		return headline;
	if (group->index >= 0 && group->confidence >= best->confidence)
		headline = (struct headline){HEADLINE_GROUP, group->index, group->confidence};
	else
		headline = (struct headline){HEADLINE_LABEL, best->index, best->confidence};
	return headline.confidence >= threshold ? headline : (struct headline){HEADLINE_NONE, 0, 0};
}

float headline_confidence(
	const struct headline *headline, const struct network *network, const double *shares)
{
	double total = 0;

	if (headline->kind == HEADLINE_NONE)
		return 0;
	for (int i = 0; i < network->class_count; i++)
		total += shares[i];
	double share = headline->kind == HEADLINE_GROUP
			       ? group_share(&network->groups[headline->index], shares)
			       : shares[headline->index];
	return (float)(share / total);
}

const char *headline_name(const struct headline *headline, const struct network *network)
{
	switch (headline->kind) {
	case HEADLINE_GROUP:
		return network->groups[headline->index].name;
	case HEADLINE_LABEL:
		return network->labels[headline->index];
	default:
		return NULL;
	}
}

void classify_scores(
	const struct network *network, const int32_t *scores, double *work, struct classification *out)
{
	double total = 0;

	*out = (struct classification){.group = {-1, 0}, .member = {-1, 0}};
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
	find_group(network, work, total, out);
	out->background =
		network->labels && strcmp(network->labels[out->top[0].index], LABEL_BACKGROUND) == 0;
}
