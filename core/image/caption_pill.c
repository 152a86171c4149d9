/* SPDX-License-Identifier: MIT */
/* The pills at the top: statistics at the right, the dot of a recording and a note at the left. */
#include "image/caption_panel.h"

#include <math.h>
#include <stdio.h>

static void statistics_pill(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_STATISTICS];
	char rate[32] = "", delay[32] = "", text[2 * PANEL_LINE_BYTES];
	const char *status = caption->status ? caption->status : "", *dot = "  ·  ";
	int unit = (int)panel_unit(picture);
	double room = picture->width - 2 * unit;

	if (caption->recording)
		room -= 1.4 * panel_pill_height(picture);
	if (caption->statistics && caption->frames_per_second > 0)
		snprintf(rate, sizeof(rate), "%.1f fps", caption->frames_per_second);
	if (caption->statistics && caption->latency_ms > 0)
		snprintf(delay, sizeof(delay), caption->latency_ms < 10 ? "%.1f ms" : "%.0f ms",
			caption->latency_ms);
	snprintf(text, sizeof(text), "%s%s%s%s%s", status, status[0] && rate[0] ? dot : "", rate,
		delay[0] && (status[0] || rate[0]) ? dot : "", delay);
	panel_pill(drawer, panel, picture, text, room);
	if (panel->surface)
		panel_move(
			panel, picture->width - unit - cairo_image_surface_get_width(panel->surface), unit);
}

/* A red dot in a pill as wide as high. */
static void recording_pill(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_RECORDING];
	int place = (int)panel_unit(picture);
	char key[32] = "";

	if (caption->recording)
		snprintf(key, sizeof(key), "%dx%d", picture->width, picture->height);
	if (!panel_stale(panel, key) || !caption->recording)
		return;
	double side = ceil(panel_pill_height(picture));
	cairo_t *cairo = panel_begin(panel, side, side, side / 2);
	if (!cairo)
		return;
	panel_move(panel, place, place);
	cairo_arc(cairo, side / 2, side / 2, 0.24 * side, 0, 2 * M_PI);
	cairo_set_source_rgb(cairo, 0.93, 0.20, 0.20);
	cairo_fill(cairo);
	panel_end(panel, cairo);
}

/* Stands below the line of statistics and of the dot, either of which may need all of that. */
static void note_pill(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_NOTE];
	double unit = panel_unit(picture);

	panel_pill(drawer, panel, picture, caption->note, picture->width - 2 * unit);
	panel_move(panel, (int)unit, (int)(unit + 1.3 * panel_pill_height(picture)));
}

void panel_draw_pills(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	statistics_pill(drawer, picture, caption);
	recording_pill(drawer, picture, caption);
	note_pill(drawer, picture, caption);
}
