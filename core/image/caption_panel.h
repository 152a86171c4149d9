/* SPDX-License-Identifier: MIT */
/*
 * The inside of the caption: its parts are panels, each with a file that draws it (caption_label.c …), and
 * caption.c puts them on pictures. For this folder's own use.
 */
#ifndef IMAGE_CAPTION_PANEL_H
#define IMAGE_CAPTION_PANEL_H

#include "image/caption.h"

#include <cairo.h>

#define PANEL_LINE_BYTES 160 /* of a line of text, with its end */

/* One rectangle of premultiplied ARGB that is blended onto pictures. */
struct panel {
	cairo_surface_t *surface;	 /* NULL: nothing to show */
	int x, y;			 /* on the picture */
	char key[16 * PANEL_LINE_BYTES]; /* what it was drawn from */
	bool redrawn;			 /* it is not as it was on the picture before */
};

enum {
	PANEL_CORNERS, /* four, of the view */
	PANEL_HINT = PANEL_CORNERS + 4,
	PANEL_LABEL,
	PANEL_STATISTICS,
	PANEL_RECORDING,
	PANEL_NOTE,
	PANEL_NOTICE,
	PANEL_COUNT
};

_Static_assert((int)PANEL_COUNT == CAPTION_PARTS, "a panel is a part");

struct caption_drawer {
	struct panel panels[PANEL_COUNT];
	cairo_surface_t *ruler_surface;
	cairo_t *ruler; /* measures text where there is no panel yet */
};

struct panel_colour {
	double red, green, blue;
};

#define PANEL_WHITE ((struct panel_colour){1, 1, 1})
#define PANEL_SOFT ((struct panel_colour){0.80, 0.84, 0.88})
#define PANEL_GREEN ((struct panel_colour){0.30, 0.85, 0.55})
#define PANEL_AMBER ((struct panel_colour){1.00, 0.76, 0.28})
#define PANEL_GREY ((struct panel_colour){0.62, 0.68, 0.75})

/* Each draws its panels of the drawer anew if what they show has changed. */
void panel_draw_view(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption);
void panel_draw_label(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption);
void panel_draw_pills(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption);
void panel_draw_notice(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption);

/* The unit of all sizes: a 24th of the picture's height, and readable on the smallest. */
double panel_unit(const struct picture *picture);

/* A confidence in percent: 0 … 100; only certainty gives 100. */
int panel_percent(float confidence);

/* True when the panel must be drawn anew for this key; then the old surface is gone. */
bool panel_stale(struct panel *panel, const char *key);

/* A line of text on a pill of the size that suits the picture, at most `room` wide. "" takes it away. The
 * caller places it. */
void panel_pill(struct caption_drawer *drawer, struct panel *panel, const struct picture *picture,
	const char *text, double room);
double panel_pill_height(const struct picture *picture);

/* Moves the panel to a place on the picture. */
void panel_move(struct panel *panel, int x, int y);

/* A fresh dark panel, or a clear one, or NULL when memory is out: the picture then has no panel. */
cairo_t *panel_begin(struct panel *panel, double width, double height, double radius);
cairo_t *panel_begin_clear(struct panel *panel, double width, double height);
void panel_end(struct panel *panel, cairo_t *cairo);

/*
 * Copies at most `most` bytes into a line, whole characters only. '?' stands for control characters and for
 * what is not UTF-8, at which cairo would stop drawing.
 */
void panel_line(char line[PANEL_LINE_BYTES], const char *from, size_t most);

double panel_text_width(cairo_t *cairo, const char *text, double size, bool bold);
void panel_text_draw(cairo_t *cairo, const char *text, double x, double y, double size, bool bold,
	struct panel_colour colour);

/* Shortens to whole characters and "…" until the text is at most `width` wide. */
void panel_text_fit(cairo_t *cairo, char text[PANEL_LINE_BYTES], double width, double size, bool bold);

/* Adds a rectangle with round corners to the path. */
void panel_rounded(cairo_t *cairo, double x, double y, double width, double height, double radius);

/* `put` is libyuv's ARGBBlend, or a copy with the same parameters. Parts beyond the picture's edge are cut
 * off. */
typedef int panel_put_pixels(const uint8_t *panel, int panel_stride, const uint8_t *under, int under_stride,
	uint8_t *out, int out_stride, int width, int height);
void panel_put(const struct panel *panel, struct picture *picture, panel_put_pixels *put);

/* Where the panel lies on the picture; no width when it is not there. */
struct caption_area panel_area(const struct panel *panel, const struct picture *picture);

#endif
