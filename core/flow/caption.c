/* SPDX-License-Identifier: MIT */
#include "flow/caption.h"

struct caption caption_of(const struct network *network, const struct classification *shown, float threshold)
{
	const struct headline headline = classification_headline(shown, threshold);
	const struct prediction *member = &shown->member;
	struct caption caption = {
		.headline = headline_name(&headline, network), .confidence = headline.confidence};

	if (headline.kind == HEADLINE_GROUP && member->confidence >= threshold) {
		caption.detail = network->labels[member->index];
		caption.detail_confidence = member->confidence;
	}
	return caption;
}
