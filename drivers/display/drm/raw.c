/* SPDX-License-Identifier: MIT */
#include "display/drm/raw.h"

#include <drm_fourcc.h>
#include <libyuv.h>
#include <string.h>

void drm_raw_close(struct drm_raw *raw)
{
	drm_pair_destroy(&raw->copies, raw->fd);
	drm_pair_destroy(&raw->captions, raw->fd);
	drm_buffer_destroy(raw->fd, &raw->ground);
	drm_imports_clear(&raw->imports, raw->fd);
	caption_destroy(raw->drawer);
	picture_finish(&raw->layer);
	*raw = (struct drm_raw){0};
}

static int layer_create(struct picture *layer, int width, int height)
{
	int status = picture_resize(layer, width, height);

	if (!status)
		memset(layer->data, 0, (size_t)width * (size_t)height * 4);
	return status;
}

void drm_raw_open(struct drm_raw *raw, struct drm_output *output, const struct drm_monitor *monitor,
	enum pixel_format format, int width, int height)
{
	int screen_width = monitor->mode.hdisplay, screen_height = monitor->mode.vdisplay, fd = output->fd;
	uint32_t fourcc = drm_fourcc(format);

	*raw = (struct drm_raw){.fd = fd, .format = format, .width = width, .height = height};
	raw->possible = fourcc && width > 0 && height > 0 &&
			!drm_pair_create(
				&raw->captions, fd, DRM_FORMAT_ARGB8888, screen_width, screen_height, NULL) &&
			!drm_buffer_create(
				fd, DRM_FORMAT_XRGB8888, screen_width, screen_height, &raw->ground, NULL) &&
			!drm_pair_create(&raw->copies, fd, fourcc, width, height, NULL) &&
			!caption_create(&raw->drawer) &&
			!layer_create(&raw->layer, screen_width, screen_height) &&
			!drm_output_arrange(output, &raw->copies.buffers[0], &raw->captions.buffers[0],
				&raw->ground, &raw->scene);
	if (!raw->possible)
		drm_raw_close(raw);
}

static void area_copy(struct drm_raw *raw, const struct caption_area *area)
{
	struct drm_buffer *to = drm_pair_back(&raw->captions);
	size_t place = ((size_t)area->y * (size_t)raw->layer.width + (size_t)area->x) * 4;

	if (area->width)
		ARGBCopy(raw->layer.data + place, raw->layer.width * 4,
			to->map + (size_t)area->y * to->pitches[0] + (size_t)area->x * 4, (int)to->pitches[0],
			area->width, area->height);
}

/* Draws a changed caption into the back buffer; writes only where it is or was. If the last flip failed,
 * either buffer may lack the caption. */
static void caption_put(struct drm_raw *raw, const struct caption *caption)
{
	struct caption_area *before = raw->areas_in[!raw->captions.front];

	if (!caption_draw_layer(raw->drawer, &raw->layer, caption, raw->areas) && !raw->new_caption)
		return;
	raw->new_caption = true;
	for (int i = 0; i < CAPTION_PARTS; i++)
		area_copy(raw, &before[i]);
	for (int i = 0; i < CAPTION_PARTS; i++)
		area_copy(raw, &raw->areas[i]);
	memcpy(before, raw->areas, sizeof(raw->areas));
}

static const struct drm_buffer *imported_buffer(struct drm_raw *raw, const struct frame *frame)
{
	if (!frame->borrowed.release || frame->borrowed.dmabuf < 0)
		return NULL;
	return drm_imports_find(&raw->imports, raw->fd, frame->borrowed.dmabuf, drm_fourcc(raw->format),
		raw->width, raw->height, frame->borrowed.stride);
}

int drm_raw_draw(struct drm_raw *raw, const struct frame *frame, bool *imported)
{
	struct drm_layer *caption = &raw->scene.layers[raw->scene.count - 1], *picture = caption - 1;
	const struct drm_buffer *buffer = imported_buffer(raw, frame);

	*imported = raw->imported = buffer != NULL;
	if (!buffer) {
		int status = drm_buffer_copy(drm_pair_back(&raw->copies), &frame->raw);
		if (status)
			return status;
		buffer = drm_pair_back(&raw->copies);
	}
	picture->buffer = buffer;
	caption_put(raw, &frame->caption);
	caption->buffer = &raw->captions.buffers[raw->captions.front ^ raw->new_caption];
	return 0;
}

void drm_raw_flipped(struct drm_raw *raw)
{
	raw->captions.front ^= raw->new_caption;
	raw->new_caption = false;
	raw->copies.front ^= !raw->imported;
}
