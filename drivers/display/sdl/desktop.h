/* SPDX-License-Identifier: MIT */
/*
 * The desktop behind SDL's window, which can go away at any time: the X server dies or is restarted, a user
 * logs out, another program destroys the window. Xlib then ends the process: its handlers of errors call
 * exit. These functions replace the handlers, so that a recording goes on. For one window at a time.
 */
#ifndef DISPLAY_SDL_DESKTOP_H
#define DISPLAY_SDL_DESKTOP_H

#include <SDL.h>
#include <stdbool.h>

/* After the window's creation, and again if SDL may have created it anew, until desktop_forget, which follows
 * SDL_QuitSubSystem. */
void desktop_watch(SDL_Window *window);
void desktop_forget(void);

/* Hands in each event that SDL_PollEvent returns. */
void desktop_heed(const SDL_Event *event);

/*
 * What became of the window or of the desktop, as a sentence; NULL: they are there. Ask before and after
 * each call of SDL. Once it has an answer, SDL must not be called any more, not even to close: what it holds
 * is left to the end of the process.
 */
const char *desktop_loss(void);

/* Readable once SDL_PollEvent, which has no event left, has one again; −1: that is not known. */
int desktop_socket(void);

/* Whether a window manager is there, which makes windows full screen. True where that is not known. */
bool desktop_is_managed(void);

#endif
