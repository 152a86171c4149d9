/* SPDX-License-Identifier: MIT */
/* Pictures that a DRM plane can show: the kernel's "dumb" buffers, and other devices' through dma-buf. */
#ifndef DISPLAY_DRM_BUFFER_H
#define DISPLAY_DRM_BUFFER_H

#include "image/picture.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In pixels of the screen. */
struct rectangle {
	int x, y, width, height;
};

struct drm_buffer {
	uint32_t id; /* the framebuffer; 0: there is none */
	uint32_t handle, fourcc;
	int width, height;
	uint32_t pitches[4], offsets[4]; /* bytes */
	uint8_t *map;			 /* NULL: imported */
	size_t size;			 /* bytes mapped */
	struct rectangle drawn;		 /* what is not black; for the owner */
};

/* The DRM format with the same bytes in memory; 0: none. */
uint32_t drm_fourcc(enum pixel_format format);

/* As large as fits into the room with the aspect kept, in its middle. */
struct rectangle rectangle_fit(int width, int height, int room_width, int room_height);

/* Says where the planes lie, given the first one's pitch; returns the rows of that pitch in all of them. */
uint32_t drm_buffer_lay_out(struct drm_buffer *buffer, uint32_t pitch);

/* A buffer to draw in, black (transparent with alpha), mapped. */
int drm_buffer_create(
	int fd, uint32_t fourcc, int width, int height, struct drm_buffer *buffer, struct error *e);

/* Another device's picture, without a copy; `stride` is that of its first plane. */
int drm_buffer_import(
	int fd, int dmabuf, uint32_t fourcc, int width, int height, size_t stride, struct drm_buffer *buffer);

/* Takes one that is zeroed. What still shows it turns black. */
void drm_buffer_destroy(int fd, struct drm_buffer *buffer);

/*
 * Draws the picture, scaled to fit, in a buffer of 32 bits a pixel; all around is black. Writes only what
 * changes.
 */
void drm_buffer_draw(struct drm_buffer *buffer, const struct picture *picture);

/* Copies a raw picture of the buffer's own format and size; -EBADMSG when it is cut short. */
int drm_buffer_copy(struct drm_buffer *buffer, const struct raw_picture *raw);

/* Two of a kind: `front` is on the screen, the other is free to draw in. */
struct drm_pair {
	struct drm_buffer buffers[2];
	int front;
};

int drm_pair_create(struct drm_pair *pair, int fd, uint32_t fourcc, int width, int height, struct error *e);
void drm_pair_destroy(struct drm_pair *pair, int fd);
struct drm_buffer *drm_pair_back(struct drm_pair *pair);

/* Imported buffers by the identity of their dma-buf: a number of a file descriptor may come again. */
#define DRM_IMPORTS 32

struct drm_imports {
	struct {
		ino_t identity;
		struct drm_buffer buffer;
	} entries[DRM_IMPORTS];
	int next; /* the one to give way */
};

/* The buffer for a dma-buf, imported when it is new; NULL when the device does not take it. */
const struct drm_buffer *drm_imports_find(struct drm_imports *imports, int fd, int dmabuf, uint32_t fourcc,
	int width, int height, size_t stride);
void drm_imports_clear(struct drm_imports *imports, int fd);

#endif
