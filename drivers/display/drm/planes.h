/* SPDX-License-Identifier: MIT */
/* A monitor's planes: which exist, what they show, and atomic commits that change it. */
#ifndef DISPLAY_DRM_PLANES_H
#define DISPLAY_DRM_PLANES_H

#include "display/drm/buffer.h"
#include "display/drm/device.h"

#define DRM_PLANES 32

enum plane_property {
	PLANE_FRAMEBUFFER,
	PLANE_CRTC,
	PLANE_FROM_X,
	PLANE_FROM_Y,
	PLANE_FROM_WIDTH,
	PLANE_FROM_HEIGHT,
	PLANE_X,
	PLANE_Y,
	PLANE_WIDTH,
	PLANE_HEIGHT,
	PLANE_PROPERTIES
};

struct drm_plane {
	uint32_t id;
	uint64_t kind; /* DRM_PLANE_TYPE_… */
	uint32_t properties[PLANE_PROPERTIES];
	uint32_t stack;			      /* property for the order from behind; 0: the order is fixed */
	uint64_t stack_lowest, stack_highest; /* the same where fixed */
	struct {			      /* another program may have changed them */
		uint32_t property;
		uint64_t value;
	} plain[8];
	int plain_count;
	uint32_t formats[96];
	int format_count;
	bool lit; /* shows something, ours or another program's */
};

struct drm_output {
	int fd;
	uint32_t connector, crtc, mode_blob;
	uint32_t connector_crtc, connector_link, crtc_mode, crtc_active; /* properties */
	struct drm_plane planes[DRM_PLANES];
	int plane_count;
	struct drm_plane *primary;
	drmModeCrtc *before; /* what the CRTC showed before, and on which connectors */
	uint32_t connectors_before[8];
	int connectors_before_count;
};

/* What lies on a plane. */
struct drm_layer {
	struct drm_plane *plane;
	const struct drm_buffer *buffer;
	struct rectangle place; /* on the screen; the whole buffer is scaled into it */
};

#define DRM_LAYERS 3

/* All that the monitor shows, from behind. */
struct drm_scene {
	struct drm_layer layers[DRM_LAYERS];
	int count;
};

/* Sets nothing yet. -ENOTSUP: the driver lacks properties. */
int drm_output_open(const struct drm_card *card, const struct drm_monitor *monitor, struct drm_output *out,
	struct error *e);

/* Restores what was shown before; buffers may be freed then. Accepts a zeroed output. */
void drm_output_close(struct drm_output *output);

void drm_scene_add(struct drm_scene *scene, struct drm_plane *plane, const struct drm_buffer *buffer,
	struct rectangle place);

/*
 * Shows the scene and nothing else. `flags` are DRM_MODE_ATOMIC_… and DRM_MODE_PAGE_FLIP_EVENT; with
 * ALLOW_MODESET the mode is set as well. 0 or a negative errno value.
 */
int drm_output_commit(struct drm_output *output, const struct drm_scene *scene, uint32_t flags, void *event);

/*
 * Finds planes for a raw picture below a caption as large as the screen, and for a black ground below both if
 * it is needed; a test commit asks the device. `scene` becomes the scene of these buffers, with the caption
 * last and the picture below it. -ENOTSUP: no planes can show them.
 */
int drm_output_arrange(struct drm_output *output, const struct drm_buffer *picture,
	const struct drm_buffer *caption, const struct drm_buffer *ground, struct drm_scene *scene);

#endif
