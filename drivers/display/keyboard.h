/* SPDX-License-Identifier: MIT */
/*
 * Keys typed on standard input, at once and unseen, and the screen as it was at every end of the program,
 * also by a signal that kills. For one display at a time.
 */
#ifndef DISPLAY_KEYBOARD_H
#define DISPLAY_KEYBOARD_H

#include <stdbool.h>

/*
 * Where standard input is no terminal, nobody types. `leave` (or NULL) gives the screen back: in
 * keyboard_close, at exit, or in a signal handler, so that it must be async-signal-safe.
 */
void keyboard_open(void (*leave)(void));
void keyboard_close(void);
bool keyboard_active(void);

/* The next character typed, Escape as '\033'; -1: none. Function keys and what comes with Alt are left out.
 */
int keyboard_read(void);

#endif
