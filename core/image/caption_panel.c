/* SPDX-License-Identifier: MIT */
#include "image/caption_panel.h"

#include "base/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FONT "sans"

/* Bytes that drawing a panel takes at most. */
#define PANEL_MEMORY (4 << 20)

void panel_line(char line[PANEL_LINE_BYTES], const char *from, size_t most)
{
	size_t used = 0;

	for (size_t at = 0; from[at] && at < most;) {
		size_t length = utf8_length(from + at);
		bool good = length > 1 || (from[at] >= ' ' && from[at] < 0x7F);
		if (used + (good ? length : 1) >= PANEL_LINE_BYTES)
			break;
		memcpy(line + used, good ? from + at : "?", good ? length : 1);
		used += good ? length : 1;
		at += good ? length : 1;
	}
	line[used] = '\0';
}

static void font(cairo_t *cairo, double size, bool bold)
{
	cairo_select_font_face(cairo, FONT, CAIRO_FONT_SLANT_NORMAL,
		bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cairo, size);
}

double panel_text_width(cairo_t *cairo, const char *text, double size, bool bold)
{
	cairo_text_extents_t extents;

	font(cairo, size, bold);
	cairo_text_extents(cairo, text, &extents);
	return extents.x_advance;
}

void panel_text_draw(cairo_t *cairo, const char *text, double x, double y, double size, bool bold,
	struct panel_colour colour)
{
	font(cairo, size, bold);
	cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
	cairo_move_to(cairo, x, y);
	cairo_show_text(cairo, text);
}

void panel_text_fit(cairo_t *cairo, char text[PANEL_LINE_BYTES], double width, double size, bool bold)
{
	size_t length = strlen(text);
	char shorter[PANEL_LINE_BYTES + 4];

	if (panel_text_width(cairo, text, size, bold) <= width)
		return;
	do {
		while (length && ((unsigned char)text[length - 1] & 0xC0) == 0x80)
			length--;
		if (length)
			length--;
		snprintf(shorter, sizeof(shorter), "%.*s…", (int)length, text);
	} while (length && panel_text_width(cairo, shorter, size, bold) > width);
	snprintf(text, PANEL_LINE_BYTES, "%.*s", PANEL_LINE_BYTES - 1, shorter);
}

void panel_rounded(cairo_t *cairo, double x, double y, double width, double height, double radius)
{
	radius = fmin(radius, fmin(width, height) / 2);
	cairo_new_sub_path(cairo);
	cairo_arc(cairo, x + width - radius, y + radius, radius, -M_PI_2, 0);
	cairo_arc(cairo, x + width - radius, y + height - radius, radius, 0, M_PI_2);
	cairo_arc(cairo, x + radius, y + height - radius, radius, M_PI_2, M_PI);
	cairo_arc(cairo, x + radius, y + radius, radius, M_PI, 3 * M_PI_2);
	cairo_close_path(cairo);
}

/* Fontconfig may ask for letters of which each colour covers the ground by another share, as suits the dots
 * of a desktop's screen (Ubuntu does). A panel's pixel has one share, and is scaled on its way to a screen.
 * GOOD is grey as GRAY is, which cairo takes for leave to heed fontconfig.
 */
static void letters_plain(cairo_t *cairo)
{
	cairo_font_options_t *options = cairo_font_options_create();

	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GOOD);
	cairo_set_font_options(cairo, options);
	cairo_font_options_destroy(options);
}

/*
 * Cairo and pixman crash where a small piece of memory is missing, in the middle of a recording, too. So what
 * a panel takes at most is asked for before. `volatile` keeps the compiler from leaving it out.
 */
static bool memory_suffices(void)
{
	void *volatile room = malloc(PANEL_MEMORY);
	bool suffices = room;

	free(room);
	return suffices;
}

cairo_t *panel_begin_clear(struct panel *panel, double width, double height)
{
	if (!memory_suffices())
		return NULL;
	panel->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)ceil(width), (int)ceil(height));
	cairo_t *cairo = cairo_create(panel->surface);
	letters_plain(cairo);
	if (cairo_status(cairo) == CAIRO_STATUS_SUCCESS)
		return cairo;
	cairo_destroy(cairo);
	cairo_surface_destroy(panel->surface);
	panel->surface = NULL;
	return NULL;
}

cairo_t *panel_begin(struct panel *panel, double width, double height, double radius)
{
	cairo_t *cairo = panel_begin_clear(panel, width, height);

	if (!cairo)
		return NULL;
	panel_rounded(cairo, 0, 0, ceil(width), ceil(height), radius);
	cairo_set_source_rgba(cairo, 0.05, 0.06, 0.08, 0.72);
	cairo_fill(cairo);
	/* A thin bright edge makes the panel visible on dark pictures. */
	double line = fmax(1, round(radius / 12));
	panel_rounded(cairo, line / 2, line / 2, ceil(width) - line, ceil(height) - line, radius - line / 2);
	cairo_set_line_width(cairo, line);
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.10);
	cairo_stroke(cairo);
	return cairo;
}

void panel_end(struct panel *panel, cairo_t *cairo)
{
	cairo_destroy(cairo);
	cairo_surface_flush(panel->surface);
}

bool panel_stale(struct panel *panel, const char *key)
{
	if (strcmp(panel->key, key) == 0)
		return false;
	snprintf(panel->key, sizeof(panel->key), "%s", key);
	if (panel->surface)
		cairo_surface_destroy(panel->surface);
	panel->surface = NULL;
	panel->redrawn = true;
	return true;
}

int panel_percent(float confidence)
{
	long rounded = confidence > 0 ? lroundf(100 * fminf(confidence, 1)) : 0;

	return rounded > 99 && confidence < 1 ? 99 : (int)rounded;
}

double panel_unit(const struct picture *picture)
{
	return fmax(10, fmin(picture->height / 24.0, picture->width / 28.0));
}

void panel_move(struct panel *panel, int x, int y)
{
	panel->redrawn |= panel->surface && (panel->x != x || panel->y != y);
	panel->x = x;
	panel->y = y;
}

/* Pixels of a pill's text and around it. */
struct pill {
	double size, pad, height;
};

static struct pill pill_for(const struct picture *picture)
{
	double size = 0.8 * panel_unit(picture), pad = 0.7 * size;

	return (struct pill){size, pad, size + 1.1 * pad};
}

double panel_pill_height(const struct picture *picture)
{
	return pill_for(picture).height;
}

void panel_pill(struct caption_drawer *drawer, struct panel *panel, const struct picture *picture,
	const char *text, double room)
{
	const struct pill pill = pill_for(picture);
	char line[PANEL_LINE_BYTES], key[PANEL_LINE_BYTES + 64] = "";

	panel_line(line, text, PANEL_LINE_BYTES);
	if (line[0])
		snprintf(key, sizeof(key), "%dx%d|%.0f|%s", picture->width, picture->height, room, line);
	if (!panel_stale(panel, key) || !line[0])
		return;
	panel_text_fit(drawer->ruler, line, room - 2 * pill.pad, pill.size, false);
	double width = panel_text_width(drawer->ruler, line, pill.size, false) + 2 * pill.pad;
	cairo_t *cairo = panel_begin(panel, width, pill.height, pill.height / 2);
	if (!cairo)
		return;
	panel_text_draw(
		cairo, line, pill.pad, 0.55 * pill.pad + 0.82 * pill.size, pill.size, false, PANEL_SOFT);
	panel_end(panel, cairo);
}

struct caption_area panel_area(const struct panel *panel, const struct picture *picture)
{
	struct caption_area area = {panel->x < 0 ? 0 : panel->x, panel->y < 0 ? 0 : panel->y, 0, 0};

	if (!panel->surface)
		return area;
	int right = panel->x + cairo_image_surface_get_width(panel->surface);
	int bottom = panel->y + cairo_image_surface_get_height(panel->surface);
	area.width = (right < picture->width ? right : picture->width) - area.x;
	area.height = (bottom < picture->height ? bottom : picture->height) - area.y;
	if (area.width <= 0 || area.height <= 0)
		area.width = area.height = 0;
	return area;
}

static uint8_t *pixel_at(struct picture *picture, int x, int y)
{
	return picture->data + ((size_t)y * (size_t)picture->width + (size_t)x) * 4;
}

void panel_put(const struct panel *panel, struct picture *picture, panel_put_pixels *put)
{
	struct caption_area area = panel_area(panel, picture);

	if (!area.width)
		return;
	int stride = cairo_image_surface_get_stride(panel->surface);
	const uint8_t *from = cairo_image_surface_get_data(panel->surface) +
			      (ptrdiff_t)(area.y - panel->y) * stride + (area.x - panel->x) * 4L;
	uint8_t *to = pixel_at(picture, area.x, area.y);
	put(from, stride, to, picture->width * 4, to, picture->width * 4, area.width, area.height);
}
