/* SPDX-License-Identifier: MIT */
/* The kinds of display, and what they share. */
#ifndef DISPLAY_DRIVERS_H
#define DISPLAY_DRIVERS_H

#include "display/display.h"

extern const struct display_driver display_drm, display_scanout, display_pynq, display_terminal, display_none;

/* The part of the table's "sdl" that the module "sdl" has. */
extern const struct display_driver display_sdl_window;

/* How long a key waits at most where no descriptor tells of it, ns. */
#define DISPLAY_ATTENTION INT64_C(50000000)

/* Whether this is a desktop's program: its screen is the desktop's. */
bool display_on_desktop(void);

/* The key of a typed character; Escape is '\033'. */
enum display_key display_key_of(int character);

#endif
