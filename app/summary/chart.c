/* SPDX-License-Identifier: MIT */
/* Lengths are in pixels. */
#include "summary/chart.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/printable.h"
#include "image/font.h"
#include "summary/plot.h"
#include "summary/times.h"

#include <cairo.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define WIDTH 1280
#define MARGIN 24
#define PLOT_LEFT 260	/* the labels' names are left of it */
#define PLOT_RIGHT 1040 /* how long they were shown, right of it */
#define ROWS_TOP 104
#define ROW 44
#define BAR 32 /* the highest column of a row */
#define AXIS 44

struct chart {
	cairo_t *cairo;
	const struct summary_data *data;
	struct plot_columns columns;
	int bottom; /* of the rows */
};

enum { LEFT_ALIGNED, CENTRED, RIGHT_ALIGNED };

static void colour(struct chart *c, unsigned rgb)
{
	cairo_set_source_rgb(c->cairo, (rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
}

static void rectangle(struct chart *c, double x, double y, double width, double height)
{
	cairo_rectangle(c->cairo, x, y, width, height);
	cairo_fill(c->cairo);
}

static void draw_text(struct chart *c, double x, double y, double size, int aligned, const char *text)
{
	cairo_text_extents_t extents;

	cairo_set_font_size(c->cairo, size);
	cairo_text_extents(c->cairo, text, &extents);
	cairo_move_to(c->cairo, x - extents.x_advance * aligned / 2, y);
	cairo_show_text(c->cairo, text);
}

static double x_of(const struct chart *c, int64_t time)
{
	double span = (double)(c->columns.count * c->columns.length);

	return PLOT_LEFT + (double)(time - c->columns.begin) / span * (PLOT_RIGHT - PLOT_LEFT);
}

static void draw_head(struct chart *c)
{
	const struct summary_data *data = c->data;
	char begin[TIME_BYTES], end[TIME_BYTES], watched[TIME_BYTES], length[TIME_BYTES], line[256];

	time_text(begin, "%Y-%m-%d %H:%M:%S", data->begin);
	time_text(end, "%Y-%m-%d %H:%M:%S", data->end);
	span_text(watched, data->watched);
	span_text(length, c->columns.length);
	colour(c, 0x1c2733);
	snprintf(line, sizeof(line), "%s to %s", begin, end);
	draw_text(c, MARGIN, 44, 24, LEFT_ALIGNED, data->frames ? line : "no frame was labelled");
	if (!data->frames)
		return;
	colour(c, 0x5b6875);
	snprintf(line, sizeof(line),
		"watched for %s, %" PRIu64 " labelled frames; a full column is %s of the label", watched,
		data->frames, length);
	draw_text(c, MARGIN, 74, 16, LEFT_ALIGNED, line);
	draw_text(c, WIDTH - MARGIN, 74, 16, RIGHT_ALIGNED, "shown");
}

static void draw_axis(struct chart *c)
{
	int64_t step, end = c->columns.begin + c->columns.count * c->columns.length;
	int64_t tick = plot_ticks(&c->columns, &step);
	const char *format = step >= 86400 * NS_PER_S ? "%m-%d" : step < 60 * NS_PER_S ? "%H:%M:%S" : "%H:%M";
	char text[TIME_BYTES];

	for (; tick <= end; tick += step) {
		double x = x_of(c, tick);
		colour(c, 0xdde3e8);
		rectangle(c, x, ROWS_TOP, 1, c->bottom - ROWS_TOP);
		colour(c, 0x5b6875);
		time_text(text, format, tick);
		draw_text(c, x, c->bottom + 24, 15, CENTRED, text);
	}
}

static void draw_row(struct chart *c, const struct label_sum *label, int top)
{
	double shares[PLOT_COLUMNS], width = (double)(PLOT_RIGHT - PLOT_LEFT) / c->columns.count;
	int base = top + ROW - 6;
	char shown[TIME_BYTES], line[128];

	cairo_save(c->cairo); /* a long name ends at the plot */
	cairo_rectangle(c->cairo, 0, top, PLOT_LEFT - 12, ROW);
	cairo_clip(c->cairo);
	colour(c, 0x1c2733);
	draw_text(c, MARGIN, base - 8, 18, LEFT_ALIGNED, PRINTABLE(label->name));
	cairo_restore(c->cairo);

	colour(c, 0xb8c2cb);
	rectangle(c, PLOT_LEFT, base, PLOT_RIGHT - PLOT_LEFT, 1);
	plot_shares(c->data, label, &c->columns, shares);
	colour(c, 0x1f8f5f);
	for (int i = 0; i < c->columns.count; i++) {
		double height = BAR * (shares[i] < 1 ? shares[i] : 1);
		if (height > 0 && height < 2) /* the shortest must be seen */
			height = 2;
		rectangle(c, PLOT_LEFT + i * width, base - height, width > 3 ? width - 1 : width, height);
	}
	span_text(shown, label->shown);
	colour(c, 0x1c2733);
	snprintf(line, sizeof(line), "%s  ·  %.1f %%", shown,
		c->data->watched ? 100 * (double)label->shown / (double)c->data->watched : 0.0);
	draw_text(c, WIDTH - MARGIN, base - 8, 18, RIGHT_ALIGNED, line);
}

int chart_draw(const struct summary_data *data, size_t count, struct picture *out, struct error *e)
{
	int rows = count < CHART_ROWS ? (int)count : CHART_ROWS, status;
	struct chart c = {.data = data, .bottom = ROWS_TOP + rows * ROW};

	if ((status = picture_resize(out, WIDTH, c.bottom + AXIS)))
		return error_set(e, status, "no memory for the plot's picture");
	font_fall_back();
	cairo_surface_t *surface = cairo_image_surface_create_for_data(
		out->data, CAIRO_FORMAT_RGB24, out->width, out->height, out->width * 4);
	c.cairo = cairo_create(surface);
	cairo_select_font_face(c.cairo, "sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	colour(&c, 0xffffff);
	cairo_paint(c.cairo);
	if (data->frames)
		c.columns = plot_columns_of(data);
	draw_head(&c);
	if (data->frames && rows)
		draw_axis(&c);
	for (int i = 0; i < rows; i++)
		draw_row(&c, data->ranked[i], ROWS_TOP + i * ROW);
	bool drawn = cairo_status(c.cairo) == CAIRO_STATUS_SUCCESS;
	cairo_destroy(c.cairo);
	cairo_surface_destroy(surface);
	return drawn ? 0 : error_set(e, -ENOMEM, "no memory to draw the plot");
}
