/* SPDX-License-Identifier: MIT */
/* A window on the desktop: the renderer scales one streaming texture and adds black bars. */
#include "base/error.h"
#include "display/drivers.h"

#define SDL_MAIN_HANDLED
#include <errno.h>
#include <math.h>
#include <SDL.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_HEIGHT_MINIMUM 480 /* pixels; smaller pictures are enlarged */

struct sdl {
	SDL_Window *window;
	SDL_Renderer *renderer;
	SDL_Texture *texture;
	int width, height; /* of the texture */
	bool fullscreen;
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
	/* Without Wayland its library writes to stderr when SDL looks for it. */
	if (is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY"))
		SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11");
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
	if (!SDL_WasInit(0))
		SDL_Quit();
}

static bool sdl_available(void)
{
	/* SDL is not tried here: an X server that resets after its last client would then refuse the window.
	 */
	return is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("SDL_VIDEODRIVER");
}

static void sdl_close(void *state)
{
	struct sdl *s = state;

	SDL_DestroyTexture(s->texture);
	SDL_DestroyRenderer(s->renderer);
	SDL_DestroyWindow(s->window);
	video_stop();
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

static int sdl_open(const struct display_options *options, void **state, struct error *e)
{
	int width, height;

	if (options->width < 1 || options->height < 1)
		return error_set(e, -EINVAL, "a window of %d × %d pixels", options->width, options->height);
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
	if (s->window)
		s->renderer = SDL_CreateRenderer(s->window, -1, 0);
	if (!s->renderer) {
		error_set(e, -ENODEV, "the desktop gives no window (%s); take --display terminal or none",
			SDL_GetError());
		sdl_close(s);
		return -ENODEV;
	}
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

static int sdl_show(void *state, struct frame *frame, struct error *e)
{
	const struct picture *picture = &frame->picture;
	struct sdl *s = state;

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

static bool counts_again(SDL_Keycode key)
{
	return (key >= SDLK_1 && key <= SDLK_9) || key == SDLK_b;
}

static enum display_key event_key(struct sdl *s, const SDL_Event *event)
{
	switch (event->type) {
	case SDL_QUIT:
		return KEY_QUIT;
	case SDL_TEXTINPUT:
		return !strcmp(event->text.text, "?") ? KEY_HELP : KEY_NONE;
	case SDL_KEYDOWN:
		/* Keys with Ctrl, Alt or Super are for the desktop; most keys held down count once. */
		if ((event->key.repeat && !counts_again(event->key.keysym.sym)) ||
			event->key.keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI))
			return KEY_NONE;
		/* Letters, Space and Escape have their ASCII codes; '?' comes as text. */
		if (event->key.keysym.sym == SDLK_F1)
			return KEY_HELP;
		return event->key.keysym.sym == SDLK_QUESTION ? KEY_NONE
							      : display_key_of(event->key.keysym.sym);
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

	while (SDL_PollEvent(&event)) {
		enum display_key key = event_key(s, &event);

		if (key == KEY_FULLSCREEN) {
			s->fullscreen = !s->fullscreen;
			SDL_SetWindowFullscreen(s->window, s->fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
			SDL_ShowCursor(s->fullscreen ? SDL_DISABLE : SDL_ENABLE);
		}
		if (key != KEY_NONE)
			return key;
	}
	return KEY_NONE;
}

const struct display_driver display_sdl = {
	.name = "sdl",
	.summary = "a window on the desktop",
	.available = sdl_available,
	.open = sdl_open,
	.close = sdl_close,
	.show = sdl_show,
	.poll_key = sdl_poll_key,
};
