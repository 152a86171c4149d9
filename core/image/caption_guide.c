/* SPDX-License-Identifier: MIT */
#include "image/caption_panel.h"

#include <math.h>
#include <stdio.h>

/* Four corners of light on a dark line, so that they show on any picture. */
static void guide_corners(cairo_t *cairo, double width, double height, double line)
{
	double arm = fmin(width, height) / 6, edge = 1.5 * line;

	for (int i = 0; i < 4; i++) {
		double x = i & 1 ? width - edge : edge, y = i & 2 ? height - edge : edge;
		cairo_move_to(cairo, x + (i & 1 ? -arm : arm), y);
		cairo_line_to(cairo, x, y);
		cairo_line_to(cairo, x, y + (i & 2 ? -arm : arm));
	}
	cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
	cairo_set_line_width(cairo, 3 * line);
	cairo_set_source_rgba(cairo, 0.05, 0.06, 0.08, 0.55);
	cairo_stroke_preserve(cairo);
	cairo_set_line_width(cairo, line);
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.9);
	cairo_stroke(cairo);
}

void panel_draw_guide(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_GUIDE];
	const struct caption_guide *guide = &caption->guide;
	double shown = fmin(picture->width, picture->height * guide->aspect);
	double width = guide->width * shown, height = guide->height * shown / fmax(guide->aspect, 1e-3);
	double line = fmax(2, round(panel_unit(picture) / 10));
	char key[64] = "";

	if (guide->width > 0)
		snprintf(key, sizeof(key), "%dx%d|%.3f|%.3f", picture->width, picture->height, width, height);
	if (!panel_stale(panel, key) || !key[0] || width < 8 * line || height < 8 * line)
		return;
	cairo_t *cairo = panel_begin_clear(panel, width, height);
	if (!cairo)
		return;
	panel->x = (picture->width - (int)ceil(width)) / 2;
	panel->y = (picture->height - (int)ceil(height)) / 2;
	guide_corners(cairo, ceil(width), ceil(height), line);
	panel_end(panel, cairo);
}
