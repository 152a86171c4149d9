/* SPDX-License-Identifier: MIT */
/* Graphics cards, their connectors and modes: what exists, and what is used. */
#ifndef DISPLAY_DRM_DEVICE_H
#define DISPLAY_DRM_DEVICE_H

#include "display/display.h"

#include <stdbool.h>
#include <stdint.h>
#include <xf86drmMode.h>

#define DRM_NAME_BYTES 32

struct drm_card {
	int fd;
	char path[64];
	char driver[DRM_NAME_BYTES]; /* "virtio_gpu" */
};

/* A monitor, its connector, and the CRTC that drives it. */
struct drm_monitor {
	uint32_t connector, crtc;
	int crtc_index; /* its bit in possible_crtcs */
	char name[DRM_NAME_BYTES];
	drmModeModeInfo mode;
};

/* What the user requests. */
struct drm_request {
	char card[64], connector[DRM_NAME_BYTES], mode[DRM_NAME_BYTES]; /* "": choose; an error's `wrong` */
};

/* Whether any connector in this folder (/sys/class/drm) has a monitor; opens no card. */
bool drm_any_connected(const char *folder);

/*
 * The requested card, or the first with a monitor, as DRM master. -ENODEV: no card, no monitor; -EINVAL: no
 * such connector or mode; -EBUSY: another program owns the screen; -EACCES: not allowed.
 */
int drm_card_open(const struct drm_request *request, struct drm_card *card, struct drm_monitor *monitor,
	struct error *e);
void drm_card_close(struct drm_card *card);

/* Becomes DRM master. -EBUSY names the program that is. */
int drm_card_take(const struct drm_card *card, struct error *e);

/* Chooses the monitor of an open card, as drm_card_open does. */
int drm_monitor_find(const struct drm_card *card, const struct drm_request *request,
	struct drm_monitor *monitor, struct error *e);

/* The kernel's current state, without a query to the monitor; -ENODEV: the card is gone. */
int drm_monitor_connected(const struct drm_card *card, uint32_t connector, bool *connected);

/* Rows for `list displays`. */
void drm_list(display_row *row, void *context);

/* Frames a second; for a mode without timing, its nominal rate. */
double drm_mode_rate(const drmModeModeInfo *mode);

/* "1280x720" or "1280x720@60"; rate 0: any. */
bool drm_mode_parse(const char *text, int *width, int *height, double *rate);

/*
 * The requested mode; for "" the preferred one, or the first. NULL: there is no such mode, or the request is
 * no mode.
 */
const drmModeModeInfo *drm_mode_choose(const drmModeModeInfo *modes, int count, const char *request);

/* "1920x1080@60, 1280x720@60, …", each once, as many as fit. */
void drm_mode_names(const drmModeModeInfo *modes, int count, char *text, size_t size);

#endif
