/* SPDX-License-Identifier: MIT */
/*
 * Text is laid out and drawn by cairo only when it changes, into a panel of its own; on a frame the panel is
 * blended by libyuv, which takes no memory.
 */
#include "image/caption_panel.h"
#include "image/font.h"

#include <errno.h>
#include <libyuv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Fontconfig needs megabytes to find a font the first time, and ends the program where it gets none: so it
 * looks before threads and frames take their share, and where a failure can be reported.
 */
static void find_fonts(cairo_t *cairo)
{
	panel_text_width(cairo, "M", 10, false);
	panel_text_width(cairo, "M", 10, true);
}

int caption_create(struct caption_drawer **out)
{
	struct caption_drawer *drawer = calloc(1, sizeof(*drawer));

	if (!drawer)
		return -ENOMEM;
	font_fall_back();
	drawer->ruler_surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
	drawer->ruler = cairo_create(drawer->ruler_surface);
	find_fonts(drawer->ruler);
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

void caption_text(const struct caption *caption, char *out, size_t size)
{
	out[0] = '\0';
	if (caption->headline)
		add_text(out, size, "%s %d %%", caption->headline, panel_percent(caption->confidence));
	if (caption->detail)
		add_text(out, size, "%s %d %%", caption->detail, panel_percent(caption->detail_confidence));
	if (caption->statistics && caption->frames_per_second > 0)
		add_text(out, size, "%.0f fps", caption->frames_per_second);
	if (caption->statistics && caption->latency_ms > 0)
		add_text(out, size, "%.1f ms", caption->latency_ms);
	if (caption->status)
		add_text(out, size, "%s", caption->status);
	if (caption->recording)
		add_text(out, size, "recording");
	if (caption->note[0])
		add_text(out, size, "%s", caption->note);
	if (caption->notice && !strchr(caption->notice, '\n'))
		add_text(out, size, "%s", caption->notice);
}

static int copy_pixels(const uint8_t *panel, int panel_stride, const uint8_t *under, int under_stride,
	uint8_t *out, int out_stride, int width, int height)
{
	(void)under;
	(void)under_stride;
	return ARGBCopy(panel, panel_stride, out, out_stride, width, height);
}

/* Draws what has changed; false: nothing has. */
static bool panels_draw(
	struct caption_drawer *drawer, const struct picture *picture, const struct caption *caption)
{
	bool redrawn = false;

	for (int i = 0; i < PANEL_COUNT; i++)
		drawer->panels[i].redrawn = false;
	panel_draw_view(drawer, picture, caption);
	panel_draw_label(drawer, picture, caption);
	panel_draw_pills(drawer, picture, caption);
	panel_draw_notice(drawer, picture, caption);
	for (int i = 0; i < PANEL_COUNT; i++)
		redrawn |= drawer->panels[i].redrawn;
	return redrawn;
}

static void panels_put(struct caption_drawer *drawer, struct picture *picture, panel_put_pixels *put)
{
	for (int i = 0; i < PANEL_COUNT; i++)
		panel_put(&drawer->panels[i], picture, put);
}

void caption_draw(struct caption_drawer *drawer, struct picture *picture, const struct caption *caption)
{
	panels_draw(drawer, picture, caption);
	panels_put(drawer, picture, ARGBBlend);
}

bool caption_draw_layer(struct caption_drawer *drawer, struct picture *layer, const struct caption *caption,
	struct caption_area areas[CAPTION_PARTS])
{
	if (!panels_draw(drawer, layer, caption))
		return false;
	for (int i = 0; i < PANEL_COUNT; i++)
		if (areas[i].width)
			ARGBRect(layer->data, layer->width * 4, areas[i].x, areas[i].y, areas[i].width,
				areas[i].height, 0);
	panels_put(drawer, layer, copy_pixels);
	for (int i = 0; i < PANEL_COUNT; i++)
		areas[i] = panel_area(&drawer->panels[i], layer);
	return true;
}
