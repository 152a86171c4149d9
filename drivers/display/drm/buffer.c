/* SPDX-License-Identifier: MIT */
#include "display/drm/buffer.h"

#include "base/error.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <libyuv.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define PLANES 3

/* The layout of a format in memory: planes one after the other. */
struct dumb_buffer_layout {
	enum pixel_format format;
	uint32_t fourcc;
	int planes;
	struct {
		int bytes;	      /* of one sample */
		int across, down;     /* pixels to one sample */
		uint32_t pitch_share; /* its pitch is the first plane's divided by this */
	} plane[PLANES];
};

static const struct dumb_buffer_layout layouts[] = {
	{PIXEL_BGRX, DRM_FORMAT_XRGB8888, 1, {{4, 1, 1, 1}}},
	{PIXEL_BGRX, DRM_FORMAT_ARGB8888, 1, {{4, 1, 1, 1}}},
	{PIXEL_YUYV, DRM_FORMAT_YUYV, 1, {{4, 2, 1, 1}}},
	{PIXEL_UYVY, DRM_FORMAT_UYVY, 1, {{4, 2, 1, 1}}},
	{PIXEL_NV12, DRM_FORMAT_NV12, 2, {{1, 1, 1, 1}, {2, 2, 2, 1}}},
	{PIXEL_I420, DRM_FORMAT_YUV420, 3, {{1, 1, 1, 1}, {1, 2, 2, 2}, {1, 2, 2, 2}}},
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

uint32_t drm_fourcc(enum pixel_format format)
{
	for (size_t i = 0; i < LAYOUTS; i++)
		if (layouts[i].format == format)
			return layouts[i].fourcc;
	return 0;
}

static const struct dumb_buffer_layout *layout_find(uint32_t fourcc)
{
	for (size_t i = 0; i < LAYOUTS; i++)
		if (layouts[i].fourcc == fourcc)
			return &layouts[i];
	return NULL;
}

static int rows_of(const struct dumb_buffer_layout *layout, int plane, int height)
{
	return (height + layout->plane[plane].down - 1) / layout->plane[plane].down;
}

static int row_bytes(const struct dumb_buffer_layout *layout, int plane, int width)
{
	return (width + layout->plane[plane].across - 1) / layout->plane[plane].across *
	       layout->plane[plane].bytes;
}

uint32_t drm_buffer_lay_out(struct drm_buffer *buffer, uint32_t pitch)
{
	const struct dumb_buffer_layout *layout = layout_find(buffer->fourcc);
	uint32_t end = 0;

	for (int i = 0; i < layout->planes; i++) {
		buffer->pitches[i] = pitch / layout->plane[i].pitch_share;
		buffer->offsets[i] = end;
		end += buffer->pitches[i] * (uint32_t)rows_of(layout, i, buffer->height);
	}
	return (end + pitch - 1) / pitch;
}

static int framebuffer_add(int fd, struct drm_buffer *buffer, const struct dumb_buffer_layout *layout)
{
	uint32_t handles[4] = {0};

	for (int i = 0; i < layout->planes; i++)
		handles[i] = buffer->handle;
	if (drmModeAddFB2(fd, (uint32_t)buffer->width, (uint32_t)buffer->height, buffer->fourcc, handles,
		    buffer->pitches, buffer->offsets, &buffer->id, 0))
		return -errno;
	return 0;
}

static int buffer_map(int fd, struct drm_buffer *buffer)
{
	uint64_t offset;

	if (drmModeMapDumbBuffer(fd, buffer->handle, &offset))
		return -errno;
	void *map = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (map == MAP_FAILED)
		return -errno;
	buffer->map = map;
	memset(map, 0, buffer->size);
	return 0;
}

int drm_buffer_create(
	int fd, uint32_t fourcc, int width, int height, struct drm_buffer *buffer, struct error *e)
{
	const struct dumb_buffer_layout *layout = layout_find(fourcc);
	struct drm_buffer b = {.fourcc = fourcc, .width = width, .height = height};
	uint32_t pitch = (uint32_t)row_bytes(layout, 0, width);
	uint64_t size;
	int status = -ENOMEM;

	/* The kernel chooses the pitch of the first plane; the other planes follow it. */
	uint32_t bits = (uint32_t)(8 * layout->plane[0].bytes / layout->plane[0].across);
	uint32_t even = ((uint32_t)width + 1) & ~1U, rows = drm_buffer_lay_out(&b, pitch) + 1;
	*buffer = (struct drm_buffer){0};
	if (!drmModeCreateDumbBuffer(fd, even, rows, bits, 0, &b.handle, &pitch, &size)) {
		drm_buffer_lay_out(&b, pitch);
		b.size = (size_t)size;
		status = framebuffer_add(fd, &b, layout);
		status = status ? status : buffer_map(fd, &b);
	} else {
		status = -errno;
	}
	if (status) {
		drm_buffer_destroy(fd, &b);
		return error_set(e, status, "the display has no memory for a picture of %d × %d pixels: %s",
			width, height, strerror(-status));
	}
	*buffer = b;
	return 0;
}

int drm_buffer_import(
	int fd, int dmabuf, uint32_t fourcc, int width, int height, size_t stride, struct drm_buffer *buffer)
{
	const struct dumb_buffer_layout *layout = layout_find(fourcc);
	struct drm_buffer b = {.fourcc = fourcc, .width = width, .height = height};

	*buffer = (struct drm_buffer){0};
	if (stride < (size_t)row_bytes(layout, 0, width) || stride > INT32_MAX)
		return -EINVAL;
	if (drmPrimeFDToHandle(fd, dmabuf, &b.handle))
		return -errno;
	drm_buffer_lay_out(&b, (uint32_t)stride);
	int status = framebuffer_add(fd, &b, layout);
	if (status)
		drm_buffer_destroy(fd, &b);
	else
		*buffer = b;
	return status;
}

void drm_buffer_destroy(int fd, struct drm_buffer *buffer)
{
	if (buffer->id)
		drmModeRmFB(fd, buffer->id);
	if (buffer->map)
		munmap(buffer->map, buffer->size);
	if (buffer->handle)
		drmCloseBufferHandle(fd, buffer->handle);
	*buffer = (struct drm_buffer){0};
}

void drm_buffer_draw(struct drm_buffer *buffer, const struct picture *picture)
{
	struct canvas canvas = {.data = buffer->map,
		.width = buffer->width,
		.height = buffer->height,
		.stride = (int)buffer->pitches[0],
		.drawn = buffer->drawn};

	canvas_draw(&canvas, picture);
	buffer->drawn = canvas.drawn;
}

int drm_buffer_copy(struct drm_buffer *buffer, const struct raw_picture *raw)
{
	const struct dumb_buffer_layout *layout = layout_find(buffer->fourcc);
	const uint8_t *from = raw->data;
	size_t left = raw->size;

	for (int i = 0; i < layout->planes; i++) {
		int bytes = row_bytes(layout, i, buffer->width), rows = rows_of(layout, i, buffer->height);
		if (left < (size_t)bytes * (size_t)rows)
			return -EBADMSG;
		CopyPlane(
			from, bytes, buffer->map + buffer->offsets[i], (int)buffer->pitches[i], bytes, rows);
		from += (size_t)bytes * (size_t)rows;
		left -= (size_t)bytes * (size_t)rows;
	}
	return 0;
}

int drm_pair_create(struct drm_pair *pair, int fd, uint32_t fourcc, int width, int height, struct error *e)
{
	int status = drm_buffer_create(fd, fourcc, width, height, &pair->buffers[0], e);

	pair->front = 0;
	return status ? status : drm_buffer_create(fd, fourcc, width, height, &pair->buffers[1], e);
}

void drm_pair_destroy(struct drm_pair *pair, int fd)
{
	drm_buffer_destroy(fd, &pair->buffers[0]);
	drm_buffer_destroy(fd, &pair->buffers[1]);
}

struct drm_buffer *drm_pair_back(struct drm_pair *pair)
{
	return &pair->buffers[!pair->front];
}

const struct drm_buffer *drm_imports_find(struct drm_imports *imports, int fd, int dmabuf, uint32_t fourcc,
	int width, int height, size_t stride)
{
	struct stat status;

	if (fstat(dmabuf, &status))
		return NULL;
	for (int i = 0; i < DRM_IMPORTS; i++) {
		const struct drm_buffer *b = &imports->entries[i].buffer;
		if (b->id && imports->entries[i].identity == status.st_ino && b->fourcc == fourcc &&
			b->width == width && b->height == height && b->pitches[0] == stride)
			return b;
	}
	/* Sources export far fewer buffers than there are entries: the oldest is no longer shown. */
	int place = imports->next;
	imports->next = (place + 1) % DRM_IMPORTS;
	drm_buffer_destroy(fd, &imports->entries[place].buffer);
	imports->entries[place].identity = status.st_ino;
	if (drm_buffer_import(fd, dmabuf, fourcc, width, height, stride, &imports->entries[place].buffer))
		return NULL;
	return &imports->entries[place].buffer;
}

void drm_imports_clear(struct drm_imports *imports, int fd)
{
	for (int i = 0; i < DRM_IMPORTS; i++)
		drm_buffer_destroy(fd, &imports->entries[i].buffer);
	imports->next = 0;
}
