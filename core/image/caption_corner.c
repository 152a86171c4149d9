/* SPDX-License-Identifier: MIT */
/* The pills at the top: statistics at the right, the dot of a recording and a note at the left. */
#include "image/caption_panel.h"

#include <math.h>
#include <stdio.h>

/* Pixels of a pill's text and around it. */
struct pill {
	double size, pad, height;
};

static struct pill pill_for(const struct picture *picture)
{
	double size = 0.8 * panel_unit(picture), pad = 0.7 * size;

	return (struct pill){size, pad, size + 1.1 * pad};
}

/* Draws a line of text into its pill, at most `room` wide. "" takes it away. The caller places it. */
static void text_pill(struct caption_drawer *drawer, struct panel *panel, const struct picture *picture,
	const char *from, double room)
{
	const struct pill pill = pill_for(picture);
	char text[PANEL_LINE_BYTES], key[PANEL_LINE_BYTES + 64] = "";

	panel_line(text, from, PANEL_LINE_BYTES);
	if (text[0])
		snprintf(key, sizeof(key), "%dx%d|%.0f|%s", picture->width, picture->height, room, text);
	if (!panel_stale(panel, key) || !text[0])
		return;
	panel_text_fit(drawer->ruler, text, room - 2 * pill.pad, pill.size, false);
	double width = panel_text_width(drawer->ruler, text, pill.size, false) + 2 * pill.pad;
	cairo_t *cairo = panel_begin(panel, width, pill.height, pill.height / 2);
	if (!cairo)
		return;
	panel_text_draw(
		cairo, text, pill.pad, 0.55 * pill.pad + 0.82 * pill.size, pill.size, false, PANEL_SOFT);
	panel_end(panel, cairo);
}

static void statistics_pill(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_STATISTICS];
	char rate[32] = "", delay[32] = "", text[2 * PANEL_LINE_BYTES];
	const char *status = caption->status ? caption->status : "", *dot = "  ·  ";
	int unit = (int)panel_unit(picture);
	double room = picture->width - 2 * unit;

	if (caption->recording)
		room -= 1.4 * pill_for(picture).height;
	if (caption->statistics && caption->frames_per_second > 0)
		snprintf(rate, sizeof(rate), "%.1f fps", caption->frames_per_second);
	if (caption->statistics && caption->latency_ms > 0)
		snprintf(delay, sizeof(delay), caption->latency_ms < 10 ? "%.1f ms" : "%.0f ms",
			caption->latency_ms);
	snprintf(text, sizeof(text), "%s%s%s%s%s", status, status[0] && rate[0] ? dot : "", rate,
		delay[0] && (status[0] || rate[0]) ? dot : "", delay);
	text_pill(drawer, panel, picture, text, room);
	if (panel->surface)
		panel->x = picture->width - unit - cairo_image_surface_get_width(panel->surface);
	panel->y = unit;
}

/* A red dot in a pill as wide as high. */
static void recording_pill(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_RECORDING];
	const struct pill pill = pill_for(picture);
	char key[32] = "";

	if (caption->recording)
		snprintf(key, sizeof(key), "%dx%d", picture->width, picture->height);
	if (!panel_stale(panel, key) || !caption->recording)
		return;
	double side = ceil(pill.height);
	cairo_t *cairo = panel_begin(panel, side, side, side / 2);
	if (!cairo)
		return;
	panel->x = panel->y = (int)panel_unit(picture);
	cairo_arc(cairo, side / 2, side / 2, 0.42 * pill.size, 0, 2 * M_PI);
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

	text_pill(drawer, panel, picture, caption->note, picture->width - 2 * unit);
	panel->x = (int)unit;
	panel->y = (int)(unit + 1.3 * pill_for(picture).height);
}

void panel_draw_corners(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	statistics_pill(drawer, picture, caption);
	recording_pill(drawer, picture, caption);
	note_pill(drawer, picture, caption);
}
