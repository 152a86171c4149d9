/* SPDX-License-Identifier: MIT */
/* The kinds of display, for display.c alone. */
#ifndef DISPLAY_DRIVERS_H
#define DISPLAY_DRIVERS_H

#include "display/display.h"

extern const struct display_driver display_sdl, display_terminal, display_none;

#endif
