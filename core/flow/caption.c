/* SPDX-License-Identifier: MIT */
#include "flow/caption.h"

struct caption caption_of(const struct network *network, const struct classification *shown, float threshold)
{
	const struct headline headline = classification_headline(shown, threshold);
	const struct prediction *member = &shown->member;
	struct caption caption = {.headline = headline_name(&headline, network),
		.confidence = headline.confidence,
		.calibrated = network->unknown_below != 0};

	if (headline.kind == HEADLINE_GROUP && member->confidence >= threshold) {
		caption.detail = network->labels[member->index];
		caption.detail_confidence = member->confidence;
	}
	return caption;
}

void caption_add_bars(
	struct caption *caption, const struct network *network, const struct classification *shown, int most)
{
	for (int i = 0; caption->headline && i < shown->count && i < most; i++)
		caption->bars[caption->bar_count++] =
			(struct caption_bar){network->labels[shown->top[i].index], shown->top[i].confidence};
}

struct caption_view caption_view_of(const struct network *network, int width, int height)
{
	const struct view *view = &network->view;
	const struct shape in = network->layers[0].in;
	double box_width, box_height;

	view_box(view, width, height, in.width, in.height, &box_width, &box_height);
	double across = box_width / width, down = box_height / height;
	return (struct caption_view){.x = (1 - across) / 2,
		.y = (1 - down) / 2,
		.width = across,
		.height = down,
		.aspect = (double)width / height,
		.hint = view->kind == VIEW_CENTRE ? NULL : "hold it here"};
}

struct caption_view caption_view_of_face(int width, int height, const struct picture_area *area)
{
	double across = width, down = height;

	return (struct caption_view){.x = area->x / across,
		.y = area->y / down,
		.width = area->width / across,
		.height = area->height / down,
		.aspect = across / down,
		.found = true};
}

struct caption caption_mirrored(const struct caption *caption)
{
	struct caption mirrored = *caption;

	mirrored.view.x = 1 - caption->view.x - caption->view.width;
	return mirrored;
}
