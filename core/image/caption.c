/* SPDX-License-Identifier: MIT */
/*
 * Text is laid out and drawn by cairo only when it changes, into a panel of its own; on a frame the panel is
 * blended by libyuv, which takes no memory.
 */
#include "image/caption.h"

#include <cairo.h>
#include <errno.h>
#include <libyuv.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FONT "sans"
#define LINE_BYTES 160
#define NOTICE_LINES 12

/* One rectangle of premultiplied ARGB that is blended onto pictures. */
struct panel {
	cairo_surface_t *surface; /* NULL: nothing to show */
	int x, y;		  /* on the picture */
	char key[4 * LINE_BYTES]; /* what it was drawn from */
};

enum { PANEL_LABEL, PANEL_STATISTICS, PANEL_NOTICE, PANEL_COUNT };

struct caption_drawer {
	struct panel panels[PANEL_COUNT];
	cairo_surface_t *ruler_surface;
	cairo_t *ruler; /* measures text where there is no panel yet */
};

struct colour {
	double red, green, blue;
};

static const struct colour white = {1, 1, 1}, soft = {0.80, 0.84, 0.88};

/* Confident: green; so so: amber; a guess: grey. */
static struct colour accent(float confidence)
{
	if (confidence >= 0.5F)
		return (struct colour){0.30, 0.85, 0.55};
	if (confidence >= 0.25F)
		return (struct colour){1.00, 0.76, 0.28};
	return (struct colour){0.62, 0.68, 0.75};
}

int caption_create(struct caption_drawer **out)
{
	struct caption_drawer *drawer = calloc(1, sizeof(*drawer));

	if (!drawer)
		return -ENOMEM;
	drawer->ruler_surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
	drawer->ruler = cairo_create(drawer->ruler_surface);
	if (cairo_status(drawer->ruler) != CAIRO_STATUS_SUCCESS) {
		caption_destroy(drawer);
		return -ENOMEM;
	}
	*out = drawer;
	return 0;
}

void caption_destroy(struct caption_drawer *drawer)
{
	if (!drawer)
		return;
	for (int i = 0; i < PANEL_COUNT; i++)
		if (drawer->panels[i].surface)
			cairo_surface_destroy(drawer->panels[i].surface);
	cairo_destroy(drawer->ruler);
	cairo_surface_destroy(drawer->ruler_surface);
	free(drawer);
}

/* Appends to the words so far, behind a dot where there are any; what has no room is cut off. */
__attribute__((format(printf, 3, 4))) static void add_words(char *out, size_t size, const char *format, ...)
{
	size_t used = strlen(out);
	va_list arguments;

	if (used)
		used += (size_t)snprintf(out + used, size - used, " · ");
	if (used >= size)
		return;
	va_start(arguments, format);
	vsnprintf(out + used, size - used, format, arguments);
	va_end(arguments);
}

void caption_words(const struct caption *caption, char *out, size_t size)
{
	out[0] = '\0';
	if (caption->group)
		add_words(out, size, "%s %.0f %%", caption->group, 100.0 * caption->group_confidence);
	if (caption->label)
		add_words(out, size, "%s %.0f %%", caption->label, 100.0 * caption->confidence);
	if (caption->statistics && caption->frames_per_second > 0)
		add_words(out, size, "%.0f fps", caption->frames_per_second);
	if (caption->statistics && caption->latency_ms > 0)
		add_words(out, size, "%.1f ms", caption->latency_ms);
	if (caption->notice && !strchr(caption->notice, '\n'))
		add_words(out, size, "%s", caption->notice);
}

static void font(cairo_t *cairo, double size, bool bold)
{
	cairo_select_font_face(cairo, FONT, CAIRO_FONT_SLANT_NORMAL,
		bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cairo, size);
}

static double text_width(cairo_t *cairo, const char *text, double size, bool bold)
{
	cairo_text_extents_t extents;

	font(cairo, size, bold);
	cairo_text_extents(cairo, text, &extents);
	return extents.x_advance;
}

static void text_draw(
	cairo_t *cairo, const char *text, double x, double y, double size, bool bold, struct colour c)
{
	font(cairo, size, bold);
	cairo_set_source_rgb(cairo, c.red, c.green, c.blue);
	cairo_move_to(cairo, x, y);
	cairo_show_text(cairo, text);
}

/* Shortens to whole UTF-8 characters and "…" until the text is at most `width` wide. */
static void text_fit(cairo_t *cairo, char *text, double width, double size, bool bold)
{
	size_t length = strlen(text);
	char shorter[LINE_BYTES + 4];

	if (text_width(cairo, text, size, bold) <= width)
		return;
	do {
		while (length && ((unsigned char)text[length - 1] & 0xC0) == 0x80)
			length--;
		if (length)
			length--;
		snprintf(shorter, sizeof(shorter), "%.*s…", (int)length, text);
	} while (length && text_width(cairo, shorter, size, bold) > width);
	snprintf(text, LINE_BYTES, "%.*s", LINE_BYTES - 1, shorter);
}

static void rounded(cairo_t *cairo, double x, double y, double width, double height, double radius)
{
	radius = fmin(radius, fmin(width, height) / 2);
	cairo_new_sub_path(cairo);
	cairo_arc(cairo, x + width - radius, y + radius, radius, -M_PI_2, 0);
	cairo_arc(cairo, x + width - radius, y + height - radius, radius, 0, M_PI_2);
	cairo_arc(cairo, x + radius, y + height - radius, radius, M_PI_2, M_PI);
	cairo_arc(cairo, x + radius, y + radius, radius, M_PI, 3 * M_PI_2);
	cairo_close_path(cairo);
}

/* A fresh dark panel, or NULL when memory is out: the picture then goes without. */
static cairo_t *panel_begin(struct panel *panel, double width, double height, double radius)
{
	panel->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)ceil(width), (int)ceil(height));
	cairo_t *cairo = cairo_create(panel->surface);
	if (cairo_status(cairo) != CAIRO_STATUS_SUCCESS) {
		cairo_destroy(cairo);
		cairo_surface_destroy(panel->surface);
		panel->surface = NULL;
		return NULL;
	}
	rounded(cairo, 0, 0, ceil(width), ceil(height), radius);
	cairo_set_source_rgba(cairo, 0.05, 0.06, 0.08, 0.72);
	cairo_fill(cairo);
	return cairo;
}

static void panel_end(struct panel *panel, cairo_t *cairo)
{
	cairo_destroy(cairo);
	cairo_surface_flush(panel->surface);
}

/* True when the panel must be drawn anew for this key; then the old surface is gone. */
static bool panel_stale(struct panel *panel, const char *key)
{
	if (strcmp(panel->key, key) == 0)
		return false;
	snprintf(panel->key, sizeof(panel->key), "%s", key);
	if (panel->surface)
		cairo_surface_destroy(panel->surface);
	panel->surface = NULL;
	return true;
}

/* The unit of all sizes: a 24th of the picture's height, and readable on the smallest. */
static double unit_of(const struct picture *picture)
{
	return fmax(10, fmin(picture->height / 24.0, picture->width / 28.0));
}

static void confidence_bar(cairo_t *cairo, double x, double y, double width, double height, float confidence)
{
	struct colour c = accent(confidence);

	rounded(cairo, x, y, width, height, height / 2);
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.18);
	cairo_fill(cairo);
	rounded(cairo, x, y, fmax(height, width * fmin(1, confidence)), height, height / 2);
	cairo_set_source_rgb(cairo, c.red, c.green, c.blue);
	cairo_fill(cairo);
}

/* Large line: the group, or the label where there is none; below it the label, then the bar. */
static void label_panel(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_LABEL];
	const char *word = caption->group ? caption->group : caption->label;
	float confidence = caption->group ? caption->group_confidence : caption->confidence;
	double unit = unit_of(picture), pad = 0.75 * unit, big = 1.7 * unit, small = unit;
	double room = picture->width - 2 * unit - 2 * pad;
	char key[4 * LINE_BYTES], title[LINE_BYTES], detail[LINE_BYTES] = "", percent[16];

	if (!word) {
		panel_stale(panel, "");
		return;
	}
	snprintf(title, sizeof(title), "%s", word);
	snprintf(percent, sizeof(percent), "%.0f %%", 100.0 * confidence);
	if (caption->group && caption->label)
		snprintf(detail, sizeof(detail), "%s  %.0f %%", caption->label, 100.0 * caption->confidence);
	snprintf(key, sizeof(key), "%dx%d|%s|%s|%s", picture->width, picture->height, title, percent, detail);
	if (!panel_stale(panel, key))
		return;

	double beside = text_width(drawer->ruler, percent, big, false) + 0.6 * big;
	text_fit(drawer->ruler, title, room - beside, big, true);
	text_fit(drawer->ruler, detail, room, small, false);
	double width = fmax(text_width(drawer->ruler, title, big, true) + beside,
		text_width(drawer->ruler, detail, small, false));
	width = fmin(room, fmax(width, 9 * unit)) + 2 * pad;
	double height =
		pad + big + (detail[0] ? 0.55 * unit + small : 0) + 0.9 * unit + 0.32 * unit + pad * 0.9;
	cairo_t *cairo = panel_begin(panel, width, height, 0.6 * unit);
	if (!cairo)
		return;
	panel->x = (int)unit;
	panel->y = picture->height - (int)unit - (int)ceil(height);

	struct colour c = accent(confidence);
	double y = pad + 0.82 * big;
	text_draw(cairo, title, pad, y, big, true, white);
	text_draw(cairo, percent, width - pad - beside + 0.6 * big, y, big, false, c);
	if (detail[0]) {
		y += 0.55 * unit + small;
		text_draw(cairo, detail, pad, y, small, false, soft);
	}
	confidence_bar(cairo, pad, height - pad - 0.32 * unit, width - 2 * pad, 0.32 * unit, confidence);
	panel_end(panel, cairo);
}

/* A discreet pill at the top right. */
static void statistics_panel(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_STATISTICS];
	double unit = unit_of(picture), size = 0.8 * unit, pad = 0.55 * unit;
	char key[LINE_BYTES + 32], rate[32] = "", delay[32] = "", text[LINE_BYTES];

	if (caption->statistics && caption->frames_per_second > 0)
		snprintf(rate, sizeof(rate), "%.0f fps", caption->frames_per_second);
	if (caption->statistics && caption->latency_ms > 0)
		snprintf(delay, sizeof(delay), caption->latency_ms < 10 ? "%.1f ms" : "%.0f ms",
			caption->latency_ms);
	snprintf(text, sizeof(text), "%s%s%s", rate, rate[0] && delay[0] ? "  ·  " : "", delay);
	if (!text[0]) {
		panel_stale(panel, "");
		return;
	}
	snprintf(key, sizeof(key), "%dx%d|%s", picture->width, picture->height, text);
	if (!panel_stale(panel, key))
		return;
	double width = text_width(drawer->ruler, text, size, false) + 2 * pad, height = size + 1.1 * pad;
	cairo_t *cairo = panel_begin(panel, width, height, height / 2);
	if (!cairo)
		return;
	panel->x = picture->width - (int)unit - (int)ceil(width);
	panel->y = (int)unit;
	text_draw(cairo, text, pad, 0.55 * pad + 0.82 * size, size, false, soft);
	panel_end(panel, cairo);
}

/* Words in the middle, a line each. */
static void notice_panel(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_NOTICE];
	double unit = unit_of(picture), size = 1.2 * unit, pad = 1.1 * unit, width = 0;
	char key[4 * LINE_BYTES], lines[NOTICE_LINES][LINE_BYTES];
	int count = 0;

	if (!caption->notice || !caption->notice[0]) {
		panel_stale(panel, "");
		return;
	}
	snprintf(key, sizeof(key), "%dx%d|%s", picture->width, picture->height, caption->notice);
	if (!panel_stale(panel, key))
		return;
	for (const char *at = caption->notice; at && count < NOTICE_LINES; count++) {
		const char *end = strchr(at, '\n');
		snprintf(lines[count], LINE_BYTES, "%.*s", end ? (int)(end - at) : LINE_BYTES, at);
		text_fit(drawer->ruler, lines[count], picture->width - 2 * unit - 2 * pad, size, false);
		width = fmax(width, text_width(drawer->ruler, lines[count], size, false));
		at = end ? end + 1 : NULL;
	}
	width += 2 * pad;
	double height = count * 1.4 * size - 0.4 * size + 2 * pad;
	cairo_t *cairo = panel_begin(panel, width, height, 0.8 * unit);
	if (!cairo)
		return;
	panel->x = (picture->width - (int)ceil(width)) / 2;
	panel->y = (picture->height - (int)ceil(height)) / 2;
	for (int i = 0; i < count; i++)
		text_draw(cairo, lines[i], pad, pad + 0.82 * size + i * 1.4 * size, size, false, white);
	panel_end(panel, cairo);
}

/* What hangs over the picture's edge is cut off. */
static void panel_blend(const struct panel *panel, struct picture *picture)
{
	if (!panel->surface)
		return;
	int stride = cairo_image_surface_get_stride(panel->surface);
	int left = panel->x < 0 ? -panel->x : 0, top = panel->y < 0 ? -panel->y : 0;
	int width = cairo_image_surface_get_width(panel->surface) - left;
	int height = cairo_image_surface_get_height(panel->surface) - top;
	int x = panel->x + left, y = panel->y + top;

	if (width > picture->width - x)
		width = picture->width - x;
	if (height > picture->height - y)
		height = picture->height - y;
	if (width <= 0 || height <= 0)
		return;
	const uint8_t *from =
		cairo_image_surface_get_data(panel->surface) + (ptrdiff_t)top * stride + left * 4L;
	uint8_t *to = picture->data + ((size_t)y * (size_t)picture->width + (size_t)x) * 4;
	ARGBBlend(from, stride, to, picture->width * 4, to, picture->width * 4, width, height);
}

void caption_draw(struct caption_drawer *drawer, struct picture *picture, const struct caption *caption)
{
	label_panel(drawer, picture, caption);
	statistics_panel(drawer, picture, caption);
	notice_panel(drawer, picture, caption);
	for (int i = 0; i < PANEL_COUNT; i++)
		panel_blend(&drawer->panels[i], picture);
}
