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
#define NOTICE_LINES 16
#define STEADY_WIDTH 12 /* units that the label's rows take at least, so that the panel seldom changes */

/* One rectangle of premultiplied ARGB that is blended onto pictures. */
struct panel {
	cairo_surface_t *surface; /* NULL: nothing to show */
	int x, y;		  /* on the picture */
	char key[4 * LINE_BYTES]; /* what it was drawn from */
};

enum { PANEL_GUIDE, PANEL_LABEL, PANEL_STATISTICS, PANEL_NOTICE, PANEL_COUNT };

_Static_assert((int)PANEL_COUNT == CAPTION_PARTS, "a panel is a part");

struct caption_drawer {
	struct panel panels[PANEL_COUNT];
	cairo_surface_t *ruler_surface;
	cairo_t *ruler; /* measures text where there is no panel yet */
};

struct colour {
	double red, green, blue;
};

static const struct colour white = {1, 1, 1}, soft = {0.80, 0.84, 0.88};

/* High confidence: green; medium: amber; low: grey. */
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

/* Appends to the text, after a dot where it is not empty; what does not fit is truncated. */
__attribute__((format(printf, 3, 4))) static void add_text(char *out, size_t size, const char *format, ...)
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

/* A confidence in percent: 0 … 100; only certainty gives 100. */
static int percent_of(float confidence)
{
	long rounded = confidence > 0 ? lroundf(100 * fminf(confidence, 1)) : 0;

	return rounded > 99 && confidence < 1 ? 99 : (int)rounded;
}

void caption_text(const struct caption *caption, char *out, size_t size)
{
	out[0] = '\0';
	if (caption->group)
		add_text(out, size, "%s %d %%", caption->group, percent_of(caption->group_confidence));
	if (caption->label)
		add_text(out, size, "%s %d %%", caption->label, percent_of(caption->confidence));
	if (caption->statistics && caption->frames_per_second > 0)
		add_text(out, size, "%.0f fps", caption->frames_per_second);
	if (caption->statistics && caption->latency_ms > 0)
		add_text(out, size, "%.1f ms", caption->latency_ms);
	if (caption->status)
		add_text(out, size, "%s", caption->status);
	if (caption->notice && !strchr(caption->notice, '\n'))
		add_text(out, size, "%s", caption->notice);
}

/* Bytes of the well-formed UTF-8 character at s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
	size_t length = s[0] < 0x80   ? 1
			: s[0] < 0xC2 ? 0
			: s[0] < 0xE0 ? 2
			: s[0] < 0xF0 ? 3
			: s[0] < 0xF5 ? 4
				      : 0;

	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
	bool beyond = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
	return overlong || beyond ? 0 : length;
}

/*
 * Copies at most `most` bytes into a line, whole characters only. '?' stands for control characters and for
 * what is not UTF-8, at which cairo would stop drawing.
 */
static void text_copy(char line[LINE_BYTES], const char *from, size_t most)
{
	size_t used = 0;

	for (size_t at = 0; from[at] && at < most;) {
		size_t length = utf8_length((const unsigned char *)from + at);
		bool good = length > 1 || (from[at] >= ' ' && from[at] < 0x7F);
		if (used + (good ? length : 1) >= LINE_BYTES)
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

/* A fresh dark panel, or NULL when memory is out: the picture then has no panel. */
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
	/* A thin bright edge makes the panel visible on dark pictures. */
	double line = fmax(1, round(height / 90));
	rounded(cairo, line / 2, line / 2, ceil(width) - line, ceil(height) - line, radius - line / 2);
	cairo_set_line_width(cairo, line);
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.10);
	cairo_stroke(cairo);
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
	rounded(cairo, x, y, fmax(height, width * fmin(1, fmax(0, confidence))), height, height / 2);
	cairo_set_source_rgb(cairo, c.red, c.green, c.blue);
	cairo_fill(cairo);
}

/* A line of the label's panel: a name at the left, its confidence at the right. */
struct row {
	char name[LINE_BYTES], percent[16];
	double size, percent_width; /* pixels */
	bool bold;
};

static void row_set(struct row *row, const char *name, float confidence)
{
	text_copy(row->name, name, LINE_BYTES);
	snprintf(row->percent, sizeof(row->percent), "%d %%", percent_of(confidence));
}

/* Sets the row in this size, its name cut so that it is at most `room` wide; returns how wide it is. */
static double row_fit(cairo_t *ruler, struct row *row, double size, bool bold, double room)
{
	row->size = size;
	row->bold = bold;
	row->percent_width = text_width(ruler, row->percent, size, false);
	double beside = row->percent_width + 0.6 * size;

	text_fit(ruler, row->name, room - beside, size, bold);
	return text_width(ruler, row->name, size, bold) + beside;
}

/* Large row: the group, or the label where there is none; below it the label, then the bar. */
static void label_panel(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_LABEL];
	double unit = unit_of(picture), pad = 0.75 * unit, room = picture->width - 2 * unit - 2 * pad;
	float confidence = caption->group ? caption->group_confidence : caption->confidence;
	struct row rows[2];
	int count = 0;
	char key[4 * LINE_BYTES] = "";

	if (caption->group)
		row_set(&rows[count++], caption->group, confidence);
	if (caption->label)
		row_set(&rows[count++], caption->label, caption->confidence);
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
		text_draw(cairo, rows[i].name, pad, y, rows[i].size, rows[i].bold, i ? soft : white);
		text_draw(
			cairo, rows[i].percent, right, y, rows[i].size, false, i ? soft : accent(confidence));
	}
	confidence_bar(cairo, pad, height - pad - 0.3 * unit, width - 2 * pad, 0.3 * unit, confidence);
	panel_end(panel, cairo);
}

/* A discreet pill at the top right. */
static void statistics_panel(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_STATISTICS];
	double unit = unit_of(picture), size = 0.8 * unit, pad = 0.55 * unit;
	char key[LINE_BYTES + 32], rate[32] = "", delay[32] = "", all[2 * LINE_BYTES], text[LINE_BYTES];
	const char *status = caption->status ? caption->status : "", *dot = "  ·  ";

	if (caption->statistics && caption->frames_per_second > 0)
		snprintf(rate, sizeof(rate), "%.1f fps", caption->frames_per_second);
	if (caption->statistics && caption->latency_ms > 0)
		snprintf(delay, sizeof(delay), caption->latency_ms < 10 ? "%.1f ms" : "%.0f ms",
			caption->latency_ms);
	snprintf(all, sizeof(all), "%s%s%s%s%s", status, status[0] && rate[0] ? dot : "", rate,
		delay[0] && (status[0] || rate[0]) ? dot : "", delay);
	text_copy(text, all, sizeof(all));
	if (!text[0]) {
		panel_stale(panel, "");
		return;
	}
	snprintf(key, sizeof(key), "%dx%d|%s", picture->width, picture->height, text);
	if (!panel_stale(panel, key))
		return;
	text_fit(drawer->ruler, text, picture->width - 2 * unit - 2 * pad, size, false);
	double width = text_width(drawer->ruler, text, size, false) + 2 * pad, height = size + 1.1 * pad;
	cairo_t *cairo = panel_begin(panel, width, height, height / 2);
	if (!cairo)
		return;
	panel->x = picture->width - (int)unit - (int)ceil(width);
	panel->y = (int)unit;
	text_draw(cairo, text, pad, 0.55 * pad + 0.82 * size, size, false, soft);
	panel_end(panel, cairo);
}

/* A notice in lines, each of one column, or of two where two spaces separate a key from its meaning. */
struct notice {
	char text[NOTICE_LINES][2][LINE_BYTES];
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

		text_copy(notice->text[notice->count][0], at, parted ? (size_t)(parted - at) : length);
		notice->text[notice->count][1][0] = '\0';
		if (parted) {
			notice->columns = true;
			text_copy(notice->text[notice->count][1], parted + 2,
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
				text_width(ruler, notice->text[i][j], size, notice->columns && !j));
	notice->first_column = notice->columns ? widths[0] + 1.1 * size : 0;
	notice->width = (notice->columns ? notice->first_column + widths[1] : widths[0]) + 2.2 * size;
	notice->height = (1.5 * notice->count + 1.3) * size;
}

static void notice_panel(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_NOTICE];
	char key[4 * LINE_BYTES] = "";
	struct notice notice;

	if (caption->notice && caption->notice[0])
		snprintf(key, sizeof(key), "%dx%d|%s", picture->width, picture->height, caption->notice);
	if (!panel_stale(panel, key) || !key[0])
		return;
	notice_split(&notice, caption->notice);
	notice_measure(drawer->ruler, &notice, (notice.count > 1 ? 0.95 : 1.3) * unit_of(picture));
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
			x = (notice.width - text_width(drawer->ruler, first, size, false)) / 2;
		text_draw(cairo, first, x, y, size, notice.columns, notice.columns ? accent(1) : white);
		text_draw(cairo, notice.text[i][1], x + notice.first_column, y, size, false, white);
	}
	panel_end(panel, cairo);
}

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

static void guide_panel(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	struct panel *panel = &drawer->panels[PANEL_GUIDE];
	const struct caption_guide *guide = &caption->guide;
	double shown = fmin(picture->width, picture->height * guide->aspect);
	double width = guide->width * shown, height = guide->height * shown / fmax(guide->aspect, 1e-3);
	double line = fmax(2, round(unit_of(picture) / 10));
	char key[64] = "";

	if (guide->width > 0)
		snprintf(key, sizeof(key), "%dx%d|%.3f|%.3f", picture->width, picture->height, width, height);
	if (!panel_stale(panel, key) || !key[0] || width < 8 * line || height < 8 * line)
		return;
	panel->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)ceil(width), (int)ceil(height));
	cairo_t *cairo = cairo_create(panel->surface);
	panel->x = (picture->width - (int)ceil(width)) / 2;
	panel->y = (picture->height - (int)ceil(height)) / 2;
	guide_corners(cairo, ceil(width), ceil(height), line);
	panel_end(panel, cairo);
}

/*
 * Parts beyond the picture's edge are cut off. `put` is libyuv's ARGBBlend, or a copy with the same
 * parameters.
 */
typedef int put_pixels(const uint8_t *panel, int panel_stride, const uint8_t *under, int under_stride,
	uint8_t *out, int out_stride, int width, int height);

static int copy_pixels(const uint8_t *panel, int panel_stride, const uint8_t *under, int under_stride,
	uint8_t *out, int out_stride, int width, int height)
{
	(void)under;
	(void)under_stride;
	return ARGBCopy(panel, panel_stride, out, out_stride, width, height);
}

/* Where the panel lies on the picture; no width when it is not there. */
static struct caption_area panel_area(const struct panel *panel, const struct picture *picture)
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

static void panel_put(const struct panel *panel, struct picture *picture, put_pixels *put)
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

static void draw(struct caption_drawer *drawer, struct picture *picture, const struct caption *caption,
	put_pixels *put)
{
	guide_panel(drawer, picture, caption);
	label_panel(drawer, picture, caption);
	statistics_panel(drawer, picture, caption);
	notice_panel(drawer, picture, caption);
	for (int i = 0; i < PANEL_COUNT; i++)
		panel_put(&drawer->panels[i], picture, put);
}

void caption_draw(struct caption_drawer *drawer, struct picture *picture, const struct caption *caption)
{
	draw(drawer, picture, caption, ARGBBlend);
}

void caption_draw_layer(struct caption_drawer *drawer, struct picture *layer, const struct caption *caption,
	struct caption_area areas[CAPTION_PARTS])
{
	for (int i = 0; i < PANEL_COUNT; i++)
		if (areas[i].width)
			ARGBRect(layer->data, layer->width * 4, areas[i].x, areas[i].y, areas[i].width,
				areas[i].height, 0);
	draw(drawer, layer, caption, copy_pixels);
	for (int i = 0; i < PANEL_COUNT; i++)
		areas[i] = panel_area(&drawer->panels[i], layer);
}
