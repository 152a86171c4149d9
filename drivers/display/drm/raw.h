/* SPDX-License-Identifier: MIT */
/* Pictures as the camera gave them, on one plane, and the caption on another above it. */
#ifndef DISPLAY_DRM_RAW_H
#define DISPLAY_DRM_RAW_H

#include "display/drm/planes.h"
#include "flow/frame.h"

struct drm_raw {
	bool possible;
	int fd;
	enum pixel_format format; /* of the pictures */
	int width, height;
	struct drm_scene scene;
	struct drm_pair captions;
	struct drm_pair copies; /* for pictures that cannot be imported */
	struct drm_buffer ground;
	struct drm_imports imports;
	struct caption_drawer *drawer;
	/* The caption is drawn here first, since a card's buffers are slow to read. */
	struct picture layer;
	struct caption_area areas[CAPTION_PARTS], areas_in[2][CAPTION_PARTS]; /* of layer; of captions */
	bool imported, new_caption; /* whether the scene holds the camera's own buffer, and a new caption */
};

/*
 * Fails where pictures of this format and size cannot be shown like that; the reason is not reported. Accepts
 * a zeroed or closed one.
 */
void drm_raw_open(struct drm_raw *raw, struct drm_output *output, const struct drm_monitor *monitor,
	enum pixel_format format, int width, int height);
void drm_raw_close(struct drm_raw *raw);

/* Makes the scene show the frame's picture of the same size and format; `imported`: without a copy. -EBADMSG:
 * the picture is cut short. */
int drm_raw_draw(struct drm_raw *raw, const struct frame *frame, bool *imported);

/* The scene is on the screen. */
void drm_raw_flipped(struct drm_raw *raw);

#endif
