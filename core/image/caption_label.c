/* SPDX-License-Identifier: MIT */
#include "image/caption_panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEADY_WIDTH 12 /* units that the rows take at least, so that the panel seldom changes */

/* High confidence: green; medium: amber; low: grey. */
static struct panel_colour accent(float confidence)
{
	if (confidence >= 0.5F)
		return (struct panel_colour){0.30, 0.85, 0.55};
	if (confidence >= 0.25F)
		return (struct panel_colour){1.00, 0.76, 0.28};
	return (struct panel_colour){0.62, 0.68, 0.75};
}

static void confidence_bar(cairo_t *cairo, double x, double y, double width, double height, float confidence)
{
	struct panel_colour c = accent(confidence);

	panel_rounded(cairo, x, y, width, height, height / 2);
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.18);
	cairo_fill(cairo);
	panel_rounded(cairo, x, y, fmax(height, width * fmin(1, fmax(0, confidence))), height, height / 2);
	cairo_set_source_rgb(cairo, c.red, c.green, c.blue);
	cairo_fill(cairo);
}

/* A line of the label's panel: a name at the left, its confidence at the right. */
struct row {
	char name[PANEL_LINE_BYTES], percent[16];
	double size, percent_width; /* pixels */
	bool bold;
};

static void row_set(struct row *row, const char *name, float confidence)
{
	panel_line(row->name, name, PANEL_LINE_BYTES);
	snprintf(row->percent, sizeof(row->percent), "%d %%", panel_percent(confidence));
}

/* Sets the row in this size, its name cut so that it is at most `room` wide; returns how wide it is. */
static double row_fit(cairo_t *ruler, struct row *row, double size, bool bold, double room)
{
	row->size = size;
	row->bold = bold;
	row->percent_width = panel_text_width(ruler, row->percent, size, false);
	double beside = row->percent_width + 0.6 * size;

	panel_text_fit(ruler, row->name, room - beside, size, bold);
	return panel_text_width(ruler, row->name, size, bold) + beside;
}

/* Large row: the headline; below it the detail, then the bar. */
void panel_draw_label(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_LABEL];
	double unit = panel_unit(picture), pad = 0.75 * unit, room = picture->width - 2 * unit - 2 * pad;
	float confidence = caption->confidence;
	struct row rows[2];
	int count = 0;
	char key[4 * PANEL_LINE_BYTES] = "";

	if (caption->headline)
		row_set(&rows[count++], caption->headline, confidence);
	if (caption->detail)
		row_set(&rows[count++], caption->detail, caption->detail_confidence);
	for (int i = 0; i < count; i++) {
		size_t used = strlen(key);
		snprintf(key + used, sizeof(key) - used, "%dx%d|%s|%s|", picture->width, picture->height,
			rows[i].name, rows[i].percent);
	}
	if (!panel_stale(panel, key) || !count)
		return;

	double width = STEADY_WIDTH * unit;
	for (int i = 0; i < count; i++)
		width = fmax(width, row_fit(drawer->ruler, &rows[i], i ? unit : 1.7 * unit, !i, room));
	width = fmin(room, width) + 2 * pad;
	double height = 2 * pad + rows[0].size + (count > 1 ? 1.45 * unit : 0) + 0.95 * unit;
	cairo_t *cairo = panel_begin(panel, width, height, 0.6 * unit);
	if (!cairo)
		return;
	panel->x = (int)unit;
	panel->y = picture->height - (int)unit - (int)ceil(height);

	double y = pad + 0.82 * rows[0].size;
	for (int i = 0; i < count; i++, y += 1.5 * unit) {
		double right = width - pad - rows[i].percent_width;
		panel_text_draw(cairo, rows[i].name, pad, y, rows[i].size, rows[i].bold,
			i ? PANEL_SOFT : PANEL_WHITE);
		panel_text_draw(cairo, rows[i].percent, right, y, rows[i].size, false,
			i ? PANEL_SOFT : accent(confidence));
	}
	confidence_bar(cairo, pad, height - pad - 0.3 * unit, width - 2 * pad, 0.3 * unit, confidence);
	panel_end(panel, cairo);
}
