/* SPDX-License-Identifier: MIT */
/*
 * The virtual terminal that the program runs on: its keys, and switching to another one and back, which takes
 * the screen along. Without a virtual terminal (over the network, on a serial line) there are keys only.
 */
#ifndef DISPLAY_DRM_CONSOLE_H
#define DISPLAY_DRM_CONSOLE_H

#include <stdbool.h>

enum console_event {
	CONSOLE_NONE,
	CONSOLE_LEAVE,	/* the user wants another terminal: let go of the screen, then drm_console_left */
	CONSOLE_RETURN, /* this one again: take the screen */
};

/* Returns whether the screen is this terminal's now; otherwise CONSOLE_RETURN will come. */
bool drm_console_open(void);
void drm_console_close(void);

enum console_event drm_console_poll(void);
void drm_console_left(void);

#endif
