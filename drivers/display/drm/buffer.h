/* SPDX-License-Identifier: MIT */
/* Pictures that a DRM plane can show: the kernel's "dumb" buffers, and those of other devices by dma-buf. */
#ifndef DISPLAY_DRM_BUFFER_H
#define DISPLAY_DRM_BUFFER_H

#include "display/canvas/canvas.h"
#include "image/picture.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct drm_buffer {
	uint32_t id; /* the framebuffer; 0: there is none */
	uint32_t handle, fourcc;
	int width, height;
	uint32_t pitches[4], offsets[4]; /* bytes */
	uint8_t *map;			 /* NULL: imported */
	size_t size;			 /* bytes mapped */
	struct rectangle drawn;		 /* what is not black; for the owner's use */
};

/* The DRM format with the same bytes in memory; 0: none. */
uint32_t drm_fourcc(enum pixel_format format);

/* Computes the planes' offsets from the first one's pitch; returns the rows of that pitch in all planes. */
uint32_t drm_buffer_lay_out(struct drm_buffer *buffer, uint32_t pitch);

/* A mapped buffer to draw in, black (transparent with alpha). */
int drm_buffer_create(
	int fd, uint32_t fourcc, int width, int height, struct drm_buffer *buffer, struct error *e);

/* Another device's picture, without a copy; `stride` is that of its first plane. */
int drm_buffer_import(
	int fd, int dmabuf, uint32_t fourcc, int width, int height, size_t stride, struct drm_buffer *buffer);

/* Accepts a zeroed buffer. What still shows it turns black. */
void drm_buffer_destroy(int fd, struct drm_buffer *buffer);

/*
 * Draws the picture, scaled to fit, into a buffer of 32 bits a pixel; the rest is black. Writes only what
 * changes.
 */
void drm_buffer_draw(struct drm_buffer *buffer, const struct picture *picture);

/* Copies a raw picture of the buffer's format and size; -EBADMSG: it is cut short. */
int drm_buffer_copy(struct drm_buffer *buffer, const struct raw_picture *raw);

/* Two of a kind: `front` is on the screen, the other is free to draw in. */
struct drm_pair {
	struct drm_buffer buffers[2];
	int front;
};

int drm_pair_create(struct drm_pair *pair, int fd, uint32_t fourcc, int width, int height, struct error *e);
void drm_pair_destroy(struct drm_pair *pair, int fd);
struct drm_buffer *drm_pair_back(struct drm_pair *pair);

/* Imported buffers by the identity of their dma-buf, since descriptor numbers are reused. */
#define DRM_IMPORTS 32

struct drm_imports {
	struct {
		ino_t identity;
		struct drm_buffer buffer;
	} entries[DRM_IMPORTS];
	int next; /* the one to replace next */
};

/* The buffer for a dma-buf, imported if it is new; NULL: the device cannot import it. */
const struct drm_buffer *drm_imports_find(struct drm_imports *imports, int fd, int dmabuf, uint32_t fourcc,
	int width, int height, size_t stride);
void drm_imports_clear(struct drm_imports *imports, int fd);

#endif
