/* SPDX-License-Identifier: MIT */
/* What the network looks at: four corners, which may move, and a hint. */
#include "image/caption_panel.h"

#include <math.h>
#include <stdio.h>

/* Pixels of the picture. */
struct view_place {
	double x, y, width, height;
};

static struct view_place place_of(const struct caption_view *view, const struct picture *picture)
{
	double width = fmin(picture->width, picture->height * view->aspect);
	double height = width / fmax(view->aspect, 1e-3);

	return (struct view_place){(picture->width - width) / 2 + view->x * width,
		(picture->height - height) / 2 + view->y * height, view->width * width,
		view->height * height};
}

/* Light on a dark line, so that it shows on any picture. corner: bit 0 right, bit 1 bottom. */
static void draw_corner(cairo_t *cairo, int corner, double arm, double line, struct panel_colour c)
{
	double edge = 1.5 * line, x = corner & 1 ? arm - edge : edge, y = corner & 2 ? arm - edge : edge;

	cairo_move_to(cairo, arm - x, y);
	cairo_line_to(cairo, x, y);
	cairo_line_to(cairo, x, arm - y);
	cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
	cairo_set_line_width(cairo, 3 * line);
	cairo_set_source_rgba(cairo, 0.05, 0.06, 0.08, 0.55);
	cairo_stroke_preserve(cairo);
	cairo_set_line_width(cairo, line);
	cairo_set_source_rgba(cairo, c.red, c.green, c.blue, 0.9);
	cairo_stroke(cairo);
}

/* A corner is drawn once for its size; where the view moves, the corner is moved. */
static void corner_panel(struct panel *panel, int corner, const struct view_place *place, double arm,
	double line, const struct caption_view *view)
{
	char key[64] = "";

	if (view->width > 0 && arm >= 6 * line)
		snprintf(key, sizeof(key), "%.0f|%.0f|%d", arm, line, view->found);
	if (panel_stale(panel, key) && key[0]) {
		cairo_t *cairo = panel_begin_clear(panel, arm, arm);
		if (!cairo)
			return;
		draw_corner(cairo, corner, arm, line, view->found ? PANEL_GREEN : PANEL_WHITE);
		panel_end(panel, cairo);
	}
	panel_move(panel, (int)lround(corner & 1 ? place->x + place->width - arm : place->x),
		(int)lround(corner & 2 ? place->y + place->height - arm : place->y));
}

/* Within the view's lower edge, in its middle. */
static void hint_panel(struct caption_drawer *drawer, const struct picture *picture,
	const struct caption *caption, const struct view_place *place)
{
	struct panel *panel = &drawer->panels[PANEL_HINT];
	const struct caption_view *view = &caption->view;
	bool wanted = view->width > 0 && view->hint && !caption->headline && !caption->notice;

	panel_pill(drawer, panel, picture, wanted ? view->hint : "", picture->width);
	if (!panel->surface)
		return;
	double half = cairo_image_surface_get_width(panel->surface) / 2.0;
	panel_move(panel, (int)lround(place->x + place->width / 2 - half),
		(int)lround(place->y + place->height - 1.5 * panel_pill_height(picture)));
}

void panel_draw_view(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	const struct view_place place = place_of(&caption->view, picture);
	double unit = panel_unit(picture), line = fmax(2, round(unit / 10));
	double arm = round(fmin(1.8 * unit, fmin(place.width, place.height) / 4));

	for (int i = 0; i < 4; i++)
		corner_panel(&drawer->panels[PANEL_CORNERS + i], i, &place, arm, line, &caption->view);
	hint_panel(drawer, picture, caption, &place);
}
