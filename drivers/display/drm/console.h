/* SPDX-License-Identifier: MIT */
/*
 * The program's virtual terminal: its keys, and switching to another one and back, which also switches the
 * screen. Without a virtual terminal (over the network, on a serial port) there are keys only.
 */
#ifndef DISPLAY_DRM_CONSOLE_H
#define DISPLAY_DRM_CONSOLE_H

#include <stdbool.h>

enum console_event {
	CONSOLE_NONE,
	CONSOLE_LEAVE,	/* the user switches to another terminal: release the screen, then call
			   drm_console_left */
	CONSOLE_RETURN, /* the user switches back: take the screen */
};

/* Returns whether this terminal has the screen now; otherwise CONSOLE_RETURN follows. */
bool drm_console_open(void);
void drm_console_close(void);

enum console_event drm_console_poll(void);
void drm_console_left(void);

#endif
