/* SPDX-License-Identifier: MIT */
#include "flow/caption.h"

struct caption caption_of(const struct network *network, const struct classification *result, float threshold)
{
	const struct prediction *group = &result->group, *best = &result->top[0];
	struct caption caption = {0};

	if (result->background)
		return caption;
	if (group->index >= 0 && group->confidence >= threshold) {
		caption.group = network->groups[group->index].name;
		caption.group_confidence = group->confidence;
	}
	if (best->confidence >= threshold) {
		caption.label = network->labels[best->index];
		caption.confidence = best->confidence;
	}
	return caption;
}
