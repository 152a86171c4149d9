/* SPDX-License-Identifier: MIT */
#include "image/caption_panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEADY_WIDTH 12 /* units that the rows take at least, so that the panel seldom changes */

/* Room for the statistics and a note above the panel, in units. */
#define HEAD_ROOM 3.5

/* What was measured of calibrated networks: green is right nine times of ten, amber six. Others have no
 * colour. */
static struct panel_colour precision_colour(const struct caption *caption, float confidence)
{
	if (!caption->calibrated)
		return PANEL_SOFT;
	if (confidence >= CAPTION_GREEN)
		return PANEL_GREEN;
	return confidence >= CAPTION_AMBER ? PANEL_AMBER : PANEL_GREY;
}

/* A line of the panel: a name at the left, its confidence at the right, maybe a bar below. Sizes in pixels.
 */
struct row {
	char name[PANEL_LINE_BYTES], percent[16];
	float confidence;
	double size, bar, height; /* of the text, of the bar (0: none), of all */
	double percent_width;
	bool bold, plain; /* plain: the confidence is not in its colour */
};

struct rows {
	struct row row[1 + CAPTION_BARS];
	int count;
};

static struct row *add_row(struct rows *rows, const char *name, float confidence, double size, double height)
{
	struct row *row = &rows->row[rows->count++];

	*row = (struct row){.confidence = confidence, .size = size, .height = height};
	panel_line(row->name, name, PANEL_LINE_BYTES);
	snprintf(row->percent, sizeof(row->percent), "%d %%", panel_percent(confidence));
	return row;
}

/* The headline, then its detail and a bar of its own, or the bars of the labels, as many as fit. */
static struct rows rows_for(const struct caption *caption, double unit, double room)
{
	struct rows rows = {.count = 0};

	if (!caption->headline)
		return rows;
	add_row(&rows, caption->headline, caption->confidence, 1.7 * unit, 1.7 * unit)->bold = true;
	room -= 1.7 * unit;
	for (int i = 0; i < caption->bar_count && room >= 1.5 * unit; i++, room -= 1.5 * unit) {
		const struct caption_bar *bar = &caption->bars[i];
		add_row(&rows, bar->name, bar->confidence, 0.85 * unit, 1.5 * unit)->bar = 0.2 * unit;
	}
	if (!caption->bar_count && caption->detail)
		add_row(&rows, caption->detail, caption->detail_confidence, unit, 1.45 * unit)->plain = true;
	return rows;
}

/* Cuts the row's name so that it is at most `room` wide; returns how wide it is. */
static double row_fit(cairo_t *ruler, struct row *row, double room)
{
	row->percent_width = panel_text_width(ruler, row->percent, row->size, false);
	double beside = row->percent_width + 0.6 * row->size;

	panel_text_fit(ruler, row->name, room - beside, row->size, row->bold);
	return panel_text_width(ruler, row->name, row->size, row->bold) + beside;
}

static void draw_bar(cairo_t *cairo, double x, double y, double width, double height, float confidence,
	struct panel_colour c)
{
	panel_rounded(cairo, x, y, width, height, height / 2);
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.18);
	cairo_fill(cairo);
	panel_rounded(cairo, x, y, fmax(height, width * fmin(1, fmax(0, confidence))), height, height / 2);
	cairo_set_source_rgb(cairo, c.red, c.green, c.blue);
	cairo_fill(cairo);
}

/* top: of the row, from the panel's. The text stands at the row's bottom, above its bar. */
static void draw_row(cairo_t *cairo, const struct caption *caption, const struct row *row, double left,
	double top, double width)
{
	struct panel_colour colour = precision_colour(caption, row->confidence);
	double base = top + row->height - 0.18 * row->size - 1.6 * row->bar;

	panel_text_draw(
		cairo, row->name, left, base, row->size, row->bold, row->bold ? PANEL_WHITE : PANEL_SOFT);
	panel_text_draw(cairo, row->percent, left + width - row->percent_width, base, row->size, false,
		row->plain ? PANEL_SOFT : colour);
	if (row->bar > 0)
		draw_bar(cairo, left, top + row->height - row->bar, width, row->bar, row->confidence, colour);
}

static bool rows_stale(
	struct panel *panel, const struct picture *picture, const struct rows *rows, bool calibrated)
{
	char key[sizeof(panel->key)] = "";

	for (int i = 0; i < rows->count; i++) {
		size_t used = strlen(key);
		snprintf(key + used, sizeof(key) - used, "%dx%d|%d|%s|%s|%.0f|", picture->width,
			picture->height, calibrated, rows->row[i].name, rows->row[i].percent,
			rows->row[i].bar);
	}
	return panel_stale(panel, key);
}

void panel_draw_label(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_LABEL];
	double unit = panel_unit(picture), pad = 0.75 * unit, room = picture->width - 2 * unit - 2 * pad;
	double foot = caption->bar_count ? 0 : 0.95 * unit; /* the headline's own bar */
	struct rows rows = rows_for(caption, unit, picture->height - (HEAD_ROOM + 1) * unit - 2 * pad - foot);

	if (!rows_stale(panel, picture, &rows, caption->calibrated) || !rows.count)
		return;
	double width = STEADY_WIDTH * unit, height = 2 * pad + foot, top = pad;
	for (int i = 0; i < rows.count; i++) {
		width = fmax(width, row_fit(drawer->ruler, &rows.row[i], room));
		height += rows.row[i].height;
	}
	width = fmin(room, width);
	cairo_t *cairo = panel_begin(panel, width + 2 * pad, height, 0.6 * unit);
	if (!cairo)
		return;
	panel_move(panel, (int)unit, picture->height - (int)unit - (int)ceil(height));
	for (int i = 0; i < rows.count; i++) {
		draw_row(cairo, caption, &rows.row[i], pad, top, width);
		top += rows.row[i].height;
	}
	if (foot > 0)
		draw_bar(cairo, pad, height - pad - 0.3 * unit, width, 0.3 * unit, caption->confidence,
			precision_colour(caption, caption->confidence));
	panel_end(panel, cairo);
}
