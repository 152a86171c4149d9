/* SPDX-License-Identifier: MIT */
/* A window on the desktop: the renderer scales one streaming texture and adds black bars. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "display/drivers.h"
#include "display/sdl/desktop.h"

#define SDL_MAIN_HANDLED
#include <errno.h>
#include <math.h>
#include <SDL.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_HEIGHT_MINIMUM 480 /* pixels; smaller pictures are enlarged */

/* How long what does not come from the window's socket waits at most, ns. */
#define SOCKET_ATTENTION NS_PER_S

struct sdl {
	SDL_Window *window;
	SDL_Renderer *renderer;
	SDL_Texture *texture;
	int width, height; /* of the texture */
	bool fullscreen;
	bool filled;	   /* without a window manager: by the window's size */
	SDL_Rect windowed; /* its place before that */
	bool loss_told;	   /* to who polls the keys */
};

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

static int video_start(void)
{
	/* The program handles INT and TERM itself, and a demo must not prevent the screen lock. */
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
	SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
	SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
#ifdef SDL_HINT_VIDEODRIVER /* from SDL 2.0.22 on */
	/* Without Wayland its library writes to stderr when SDL looks for it. */
	if (is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY"))
		SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11");
#endif
	SDL_SetMainReady();
	return SDL_InitSubSystem(SDL_INIT_VIDEO);
}

/* Without a screen SDL draws into memory; that is only for tests, which request it. */
static bool shows_nothing(void)
{
	const char *driver = SDL_GetCurrentVideoDriver();

	if (is_set("SDL_VIDEODRIVER") || !driver ||
		(strcmp(driver, "offscreen") != 0 && strcmp(driver, "dummy") != 0))
		return false;
	SDL_SetError("neither DISPLAY nor WAYLAND_DISPLAY leads to a screen");
	return true;
}

static void video_stop(void)
{
	SDL_QuitSubSystem(SDL_INIT_VIDEO);
	/* A start of the video that fails may leave the events started (SDL 2.32). */
	if (!(SDL_WasInit(0) & ~(Uint32)SDL_INIT_EVENTS))
		SDL_Quit();
}

/* Threads that Mesa's software renderer has left behind run on, and at a usual exit libraries take away what
 * they use. */
static void exit_at_once(int status, void *unused)
{
	(void)unused;
	fflush(NULL);
	_exit(status);
}

static void sdl_close(void *state)
{
	struct sdl *s = state;

	if (!desktop_loss()) {
		SDL_DestroyTexture(s->texture);
		SDL_DestroyRenderer(s->renderer);
		SDL_DestroyWindow(s->window);
		video_stop();
		desktop_forget();
	} else if (on_exit(exit_at_once, NULL)) {
		log_debug("out of memory for an orderly end");
	}
	free(s);
}

/* The picture's size, enlarged by whole factors when it is small, reduced when the desktop is smaller. */
static void window_size(const struct display_options *options, int *width, int *height)
{
	SDL_Rect desktop;
	double scale = 1;

	if (options->height < WINDOW_HEIGHT_MINIMUM)
		scale = ceil((double)WINDOW_HEIGHT_MINIMUM / options->height);
	if (!SDL_GetDisplayUsableBounds(0, &desktop) && desktop.w > 0 && desktop.h > 0) {
		scale = fmin(scale, 0.95 * desktop.w / options->width);
		scale = fmin(scale, 0.92 * desktop.h / options->height);
	}
	*width = (int)fmax(1, scale * options->width);
	*height = (int)fmax(1, scale * options->height);
}

/* Without a window manager nobody makes a window full screen, or gives it the keys. */
static void screen_fill(struct sdl *s, bool fill)
{
	SDL_Rect *old = &s->windowed, place = *old;

	if (fill) {
		SDL_GetWindowPosition(s->window, &old->x, &old->y);
		SDL_GetWindowSize(s->window, &old->w, &old->h);
		if (SDL_GetDisplayBounds(SDL_GetWindowDisplayIndex(s->window), &place))
			return;
	}
	SDL_SetWindowSize(s->window, place.w, place.h);
	SDL_SetWindowPosition(s->window, place.x, place.y);
	SDL_SetWindowInputFocus(s->window);
	s->filled = fill;
}

static void fullscreen_set(struct sdl *s, bool fullscreen)
{
	if (s->filled || (fullscreen && !desktop_is_managed()))
		screen_fill(s, fullscreen);
	else
		SDL_SetWindowFullscreen(s->window, fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
	SDL_ShowCursor(fullscreen ? SDL_DISABLE : SDL_ENABLE);
	s->fullscreen = fullscreen;
}

static int sdl_open(const struct display_options *options, void **state, struct error *e)
{
	int width, height;

	if (options->width < 1 || options->height < 1)
		return error_set(e, -EINVAL, "a window of %d × %d pixels", options->width, options->height);
	if (desktop_loss())
		return error_set(e, -ENODEV, "%s", desktop_loss());
	if (video_start() || shows_nothing()) {
		error_set(e, -ENODEV,
			"no window can be opened (%s); run in a desktop session, or take --display terminal",
			SDL_GetError());
		video_stop();
		return -ENODEV;
	}
	struct sdl *s = calloc(1, sizeof(*s));
	if (!s) {
		video_stop();
		return error_set(e, -ENOMEM, "no memory for a window");
	}
	window_size(options, &width, &height);
	s->window = SDL_CreateWindow(options->title ? options->title : "", SDL_WINDOWPOS_CENTERED,
		SDL_WINDOWPOS_CENTERED, width, height, SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
	/* No wait for the vertical blank: it would delay the pipeline, and desktops compose without
	 * tearing.
	 */
	if (s->window) {
		desktop_watch(s->window);
		s->renderer = SDL_CreateRenderer(s->window, -1, 0);
		if (!desktop_loss())
			desktop_watch(s->window); /* a renderer may need a window of another kind */
	}
	if (!s->renderer || desktop_loss()) {
		error_set(e, -ENODEV, "the desktop gives no window (%s); take --display terminal or none",
			SDL_GetError());
		sdl_close(s);
		return -ENODEV;
	}
	if (options->fullscreen)
		fullscreen_set(s, true);
	SDL_StartTextInput(); /* '?' is on a different key on each keyboard, so it is read as text */
	*state = s;
	return 0;
}

static void window_draw(struct sdl *s)
{
	int width, height;

	if (!s->texture || SDL_GetRendererOutputSize(s->renderer, &width, &height))
		return;
	double scale = fmin((double)width / s->width, (double)height / s->height);
	SDL_Rect place = {.w = (int)lround(scale * s->width), .h = (int)lround(scale * s->height)};
	place.x = (width - place.w) / 2;
	place.y = (height - place.h) / 2;
	SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, 255);
	SDL_RenderClear(s->renderer);
	SDL_RenderCopy(s->renderer, s->texture, NULL, &place);
	SDL_RenderPresent(s->renderer);
}

static int picture_put(struct sdl *s, const struct picture *picture, struct error *e)
{
	if (!s->texture || s->width != picture->width || s->height != picture->height) {
		SDL_DestroyTexture(s->texture);
		s->texture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_ARGB8888,
			SDL_TEXTUREACCESS_STREAMING, picture->width, picture->height);
		if (!s->texture)
			return error_set(e, -EIO, "the window takes no picture of %d × %d pixels: %s",
				picture->width, picture->height, SDL_GetError());
		SDL_SetTextureBlendMode(s->texture, SDL_BLENDMODE_NONE); /* the fourth byte has no meaning */
		s->width = picture->width;
		s->height = picture->height;
	}
	if (SDL_UpdateTexture(s->texture, NULL, picture->data, picture->width * 4))
		return error_set(e, -EIO, "the window takes no picture: %s", SDL_GetError());
	window_draw(s);
	return 0;
}

static int sdl_show(void *state, struct frame *frame, struct error *e)
{
	struct sdl *s = state;
	int status = desktop_loss() ? 0 : picture_put(s, &frame->picture, e);

	return desktop_loss() ? error_set(e, -ENODEV, "%s", desktop_loss()) : status;
}

static bool counts_again(SDL_Keycode key)
{
	return (key >= SDLK_1 && key <= SDLK_9) || key == SDLK_b;
}

static enum display_key key_pressed(const struct sdl *s, const SDL_KeyboardEvent *event)
{
	SDL_Keycode key = event->keysym.sym;

	/* Keys with Ctrl, Alt or Super are for the desktop; most keys held down count once. */
	if ((event->repeat && !counts_again(key)) || event->keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI))
		return KEY_NONE;
	switch (key) {
	case SDLK_F1:
		return KEY_HELP;
	case SDLK_F11:
		return KEY_FULLSCREEN;
	case SDLK_ESCAPE:
		return s->fullscreen ? KEY_FULLSCREEN : KEY_QUIT;
	case SDLK_QUESTION: /* it comes as text, too */
		return KEY_NONE;
	default: /* letters and Space have their ASCII codes */
		return display_key_of(key);
	}
}

static enum display_key event_key(struct sdl *s, const SDL_Event *event)
{
	switch (event->type) {
	case SDL_QUIT:
		return KEY_QUIT;
	case SDL_TEXTINPUT:
		return !strcmp(event->text.text, "?") ? KEY_HELP : KEY_NONE;
	case SDL_KEYDOWN:
		return key_pressed(s, &event->key);
	case SDL_MOUSEBUTTONDOWN:
		return event->button.button == SDL_BUTTON_LEFT && event->button.clicks % 2 == 0
			       ? KEY_FULLSCREEN
			       : KEY_NONE;
	case SDL_WINDOWEVENT:
		/* No picture comes while paused, so a window that was hidden or resized is redrawn here. */
		if (event->window.event == SDL_WINDOWEVENT_EXPOSED ||
			event->window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
			window_draw(s);
		return KEY_NONE;
	default:
		return KEY_NONE;
	}
}

static enum display_key sdl_poll_key(void *state)
{
	struct sdl *s = state;
	SDL_Event event;

	while (!desktop_loss() && SDL_PollEvent(&event)) {
		desktop_heed(&event);
		enum display_key key = desktop_loss() ? KEY_NONE : event_key(s, &event);

		if (key == KEY_FULLSCREEN)
			fullscreen_set(s, !s->fullscreen);
		if (key != KEY_NONE)
			return key;
	}
	if (!desktop_loss() || s->loss_told)
		return KEY_NONE;
	s->loss_told = true;
	return KEY_LOST;
}

/* Input methods have sockets of their own, so that what they make of a key is looked for as well. */
static struct display_attention sdl_attention(const void *state)
{
	int socket = desktop_socket();

	(void)state;
	return (struct display_attention){socket, socket < 0 ? DISPLAY_ATTENTION : SOCKET_ATTENTION};
}

const struct display_driver display_sdl_window = {
	.open = sdl_open,
	.close = sdl_close,
	.show = sdl_show,
	.poll_key = sdl_poll_key,
	.attention = sdl_attention,
};
