/* SPDX-License-Identifier: MIT */
/*
 * Reads keys from standard input at once and without echo, and restores the screen however the program ends,
 * also by a signal that kills. For one display at a time.
 */
#ifndef DISPLAY_KEYBOARD_H
#define DISPLAY_KEYBOARD_H

#include <stdbool.h>

/*
 * Where standard input is no terminal, there are no keys. `leave` (or NULL) restores the screen. It runs in
 * keyboard_close, at exit or in a signal handler, so that it must be async-signal-safe.
 */
void keyboard_open(void (*leave)(void));
void keyboard_close(void);
bool keyboard_active(void);

/* Readable once keyboard_read may have something, unless that is an Escape that begins nothing; −1: there are
 * no keys. */
int keyboard_descriptor(void);

/* The next typed character, Escape as '\033'; -1: none. Function keys and those with Alt are ignored. */
int keyboard_read(void);

#endif
