/* SPDX-License-Identifier: MIT */
/* The table of displays, and the window on SDL's dummy video driver. */
#include "base/error.h"
#include "display/display.h"

#define SDL_MAIN_HANDLED
#include <errno.h>
#include <fcntl.h>
#include <SDL.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct display_options options = {.width = 640, .height = 480, .title = "test"};

static int no_desktop(void **state)
{
	(void)state;
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("SDL_VIDEODRIVER");
	return 0;
}

static int dummy_desktop(void **state)
{
	no_desktop(state);
	return setenv("SDL_VIDEODRIVER", "dummy", 1);
}

static const struct display_driver *driver_find(const char *name)
{
	const struct display_driver *const *d = display_drivers();

	while (strcmp((*d)->name, name) != 0)
		d++;
	return *d;
}

static struct display *open_named(const char *name)
{
	struct display *display;
	struct error e = {0};

	assert_int_equal(display_open(name, &options, &display, &e), 0);
	assert_non_null(display);
	return display;
}

static void fill(struct picture *p, uint32_t colour)
{
	for (size_t i = 0; i < (size_t)p->width * (size_t)p->height; i++)
		memcpy(p->data + 4 * i, &colour, 4);
}

static struct picture picture_new(int width, int height, uint32_t colour)
{
	struct picture p = {0};

	assert_int_equal(picture_resize(&p, width, height), 0);
	fill(&p, colour);
	return p;
}

static int show(struct display *display, const struct picture *p, const char *text)
{
	struct frame frame = {.picture = *p};
	struct error e;

	snprintf(frame.text, sizeof(frame.text), "%s", text);
	int status = display_show(display, &frame, &e);
	assert_true(status || frame.stamps[STAMP_SHOWN] > 0);
	return status;
}

static void unknown_name_lists_the_names(void **state)
{
	struct display *display;
	struct error e = {0};

	(void)state;
	assert_int_equal(display_open("vga", &options, &display, &e), -EINVAL);
	assert_null(display);
	assert_non_null(strstr(e.text, "vga"));
	for (const struct display_driver *const *d = display_drivers(); *d; d++)
		assert_non_null(strstr(e.text, (*d)->name));
	assert_int_equal(display_open("vga", &options, &display, NULL), -EINVAL);
	display_close(NULL);
}

/* Neither a desktop, or one that does not work, nor a terminal. */
static void none_is_there_for_auto(void **state)
{
	struct picture p = picture_new(4, 4, 0);

	(void)state;
	if (driver_find("drm")->available()) {
		print_message("not tried: auto would take this machine's monitor\n");
		skip();
	}
	for (int i = 0; i < 2; i++) {
		int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);
		if (i)
			setenv("SDL_VIDEODRIVER", "nonsense", 1);
		dup2(null, STDOUT_FILENO);
		struct display *display = open_named("auto");
		dup2(out, STDOUT_FILENO);
		close(out);
		close(null);
		assert_string_equal(display_name(display), "none");
		assert_int_equal(show(display, &p, "dog 91 %"), 0);
		assert_int_equal(display_poll_key(display), KEY_NONE);
		display_close(display);
	}
	picture_finish(&p);
}

static void no_desktop_is_reported(void **state)
{
	struct display *display;
	struct error e = {0};

	(void)state;
	assert_false(driver_find("sdl")->available());
	setenv("SDL_VIDEODRIVER", "nonsense", 1);
	assert_int_equal(display_open("sdl", &options, &display, &e), -ENODEV);
	assert_null(display);
	assert_non_null(strstr(e.text, "--display"));
}

static void auto_takes_the_window(void **state)
{
	struct display *display = open_named("auto");

	(void)state;
	assert_string_equal(display_name(display), "sdl");
	display_close(display);
}

static void push_key(SDL_Keycode code, uint16_t modifiers, uint8_t repeat)
{
	SDL_Event event = {.key = {.type = SDL_KEYDOWN, .state = SDL_PRESSED, .repeat = repeat}};

	event.key.keysym.sym = code;
	event.key.keysym.mod = modifiers;
	assert_int_equal(SDL_PushEvent(&event), 1);
}

/* The next key: SDL ends a round of events by one of its own, which may stand before what was pushed. */
static enum display_key next_key(struct display *display)
{
	enum display_key key = KEY_NONE;

	for (int i = 0; i < 100 && key == KEY_NONE; i++)
		key = display_poll_key(display);
	return key;
}

static void keys_are_mapped(void **state)
{
	static const struct {
		SDL_Keycode code;
		enum display_key key;
	} keys[] = {{SDLK_q, KEY_QUIT}, {SDLK_ESCAPE, KEY_QUIT}, {SDLK_SPACE, KEY_PAUSE},
		{SDLK_f, KEY_FULLSCREEN}, {SDLK_F11, KEY_FULLSCREEN}, {SDLK_h, KEY_HELP},
		{SDLK_i, KEY_STATISTICS}, {SDLK_s, KEY_SNAPSHOT}, {SDLK_r, KEY_RECORD}, {SDLK_o, KEY_CAPTION},
		{SDLK_F1, KEY_HELP}, {SDLK_x, KEY_NONE}, {SDLK_UP, KEY_NONE}};
	struct display *display = open_named("sdl");

	(void)state;
	while (display_poll_key(display) != KEY_NONE)
		;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		push_key(keys[i].code, 0, 0);
		assert_int_equal(display_poll_key(display), keys[i].key);
		assert_int_equal(display_poll_key(display), KEY_NONE);
	}
	push_key(SDLK_s, KMOD_LCTRL, 0); /* the desktop's */
	push_key(SDLK_s, 0, 1);		 /* held down */
	assert_int_equal(display_poll_key(display), KEY_NONE);
	SDL_Event typed = {.text = {.type = SDL_TEXTINPUT, .text = "?"}};
	SDL_PushEvent(&typed);
	SDL_Event closed = {.type = SDL_QUIT};
	SDL_PushEvent(&closed);
	assert_int_equal(display_poll_key(display), KEY_HELP);
	assert_int_equal(display_poll_key(display), KEY_QUIT);
	display_close(display);
}

/* The only window; SDL numbers them on. */
static SDL_Window *window_find(void)
{
	for (uint32_t id = 1; id < 100; id++)
		if (SDL_GetWindowFromID(id))
			return SDL_GetWindowFromID(id);
	fail_msg("no window");
	return NULL;
}

static void f_fills_the_screen_and_back(void **state)
{
	struct display *display = open_named("sdl");

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool full = SDL_GetWindowFlags(window_find()) & SDL_WINDOW_FULLSCREEN;
		assert_int_equal(full, i % 2);
		push_key(SDLK_f, 0, 0);
		assert_int_equal(next_key(display), KEY_FULLSCREEN);
		assert_int_equal(next_key(display), KEY_NONE);
	}
	display_close(display);
}

static uint32_t pixel_at(SDL_Renderer *renderer, int x, int y)
{
	uint32_t pixel = 0;

	assert_int_equal(
		SDL_RenderReadPixels(renderer, &(SDL_Rect){x, y, 1, 1}, SDL_PIXELFORMAT_ARGB8888, &pixel, 4),
		0);
	return pixel & 0xffffff;
}

static void picture_keeps_its_aspect(void **state)
{
	struct display *display = open_named("sdl");
	struct picture square = picture_new(100, 100, 0x00804020), wide = picture_new(640, 120, 0x00102030);
	int width, height;

	(void)state;
	SDL_Renderer *renderer = SDL_GetRenderer(window_find());
	assert_int_equal(show(display, &square, ""), 0);
	assert_int_equal(SDL_GetRendererOutputSize(renderer, &width, &height), 0);
	assert_true(width > height);
	assert_int_equal(pixel_at(renderer, width / 2, height / 2), 0x804020);
	assert_int_equal(pixel_at(renderer, width / 2, 1), 0x804020);
	assert_int_equal(pixel_at(renderer, 1, height / 2), 0);
	assert_int_equal(pixel_at(renderer, width - 2, height / 2), 0);
	assert_int_equal(show(display, &wide, ""), 0); /* another size, bars above and below */
	assert_int_equal(pixel_at(renderer, 1, height / 2), 0x102030);
	assert_int_equal(pixel_at(renderer, width / 2, 1), 0);
	fill(&wide, 0x00ffffff);
	assert_int_equal(pixel_at(renderer, 1, height / 2), 0x102030); /* the picture is the caller's again */
	picture_finish(&square);
	picture_finish(&wide);
	display_close(display);
}

static void signals_stay_the_programs(void **state)
{
	struct sigaction before, now;

	(void)state;
	sigaction(SIGINT, NULL, &before);
	struct display *display = open_named("sdl");
	sigaction(SIGINT, NULL, &now);
	assert_ptr_equal(now.sa_handler, before.sa_handler);
	assert_int_equal(SDL_IsScreenSaverEnabled(), SDL_TRUE);
	display_close(display);
	assert_int_equal(SDL_WasInit(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(unknown_name_lists_the_names, no_desktop),
		cmocka_unit_test_setup(none_is_there_for_auto, no_desktop),
		cmocka_unit_test_setup(no_desktop_is_reported, no_desktop),
		cmocka_unit_test_setup(auto_takes_the_window, dummy_desktop),
		cmocka_unit_test_setup(keys_are_mapped, dummy_desktop),
		cmocka_unit_test_setup(f_fills_the_screen_and_back, dummy_desktop),
		cmocka_unit_test_setup(picture_keeps_its_aspect, dummy_desktop),
		cmocka_unit_test_setup(signals_stay_the_programs, dummy_desktop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
