/* SPDX-License-Identifier: MIT */
#include "image/caption_panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOTICE_LINES 16

/* A notice in lines, each of one column, or of two where two spaces separate a key from its meaning. */
struct notice {
	char text[NOTICE_LINES][2][PANEL_LINE_BYTES];
	int count;
	bool columns;
	double size, first_column, width, height; /* pixels */
};

static void notice_split(struct notice *notice, const char *text)
{
	notice->count = 0;
	notice->columns = false;
	for (const char *at = text; at && notice->count < NOTICE_LINES; notice->count++) {
		const char *end = strchr(at, '\n');
		size_t length = end ? (size_t)(end - at) : strlen(at);
		const char *parted = memmem(at, length, "  ", 2);

		panel_line(notice->text[notice->count][0], at, parted ? (size_t)(parted - at) : length);
		notice->text[notice->count][1][0] = '\0';
		if (parted) {
			notice->columns = true;
			panel_line(notice->text[notice->count][1], parted + 2,
				length - (size_t)(parted + 2 - at));
		}
		at = end ? end + 1 : NULL;
	}
}

static void notice_measure(cairo_t *ruler, struct notice *notice, double size)
{
	double widths[2] = {0, 0};

	notice->size = size;
	for (int i = 0; i < notice->count; i++)
		for (int j = 0; j < 2; j++)
			widths[j] = fmax(widths[j],
				panel_text_width(ruler, notice->text[i][j], size, notice->columns && !j));
	notice->first_column = notice->columns ? widths[0] + 1.1 * size : 0;
	notice->width = (notice->columns ? notice->first_column + widths[1] : widths[0]) + 2.2 * size;
	notice->height = (1.5 * notice->count + 1.3) * size;
}

void panel_draw_notice(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_NOTICE];
	char key[4 * PANEL_LINE_BYTES] = "";
	struct notice notice;

	if (caption->notice && caption->notice[0])
		snprintf(key, sizeof(key), "%dx%d|%s", picture->width, picture->height, caption->notice);
	if (!panel_stale(panel, key) || !key[0])
		return;
	notice_split(&notice, caption->notice);
	notice_measure(drawer->ruler, &notice, (notice.count > 1 ? 0.95 : 1.3) * panel_unit(picture));
	double fits = fmin(0.95 * picture->width / notice.width, 0.95 * picture->height / notice.height);
	if (fits < 1)
		notice_measure(drawer->ruler, &notice, fits * notice.size);
	double size = notice.size, x = 1.1 * size;
	cairo_t *cairo = panel_begin(panel, notice.width, notice.height, 0.8 * size);
	if (!cairo)
		return;
	panel->x = (picture->width - (int)ceil(notice.width)) / 2;
	panel->y = (picture->height - (int)ceil(notice.height)) / 2;
	for (int i = 0; i < notice.count; i++) {
		const char *first = notice.text[i][0];
		double y = (0.65 + 1.5 * i + 1.08) * size;

		if (!notice.columns)
			x = (notice.width - panel_text_width(drawer->ruler, first, size, false)) / 2;
		panel_text_draw(
			cairo, first, x, y, size, notice.columns, notice.columns ? PANEL_GREEN : PANEL_WHITE);
		panel_text_draw(
			cairo, notice.text[i][1], x + notice.first_column, y, size, false, PANEL_WHITE);
	}
	panel_end(panel, cairo);
}
