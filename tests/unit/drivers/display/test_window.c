/* SPDX-License-Identifier: MIT */
/*
 * The window on an X server of its own, without a window manager. Each scene runs in a child, as a lost
 * connection stays lost for a process, and must neither end nor crash it.
 */
#include "base/error.h"
#include "display/display.h"

#define SDL_MAIN_HANDLED
#include <dlfcn.h>
#include <errno.h>
#include <SDL.h>
#include <SDL_syswm.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 640 /* of the screen */
#define HEIGHT 480
#define NO_SERVER 98

static pid_t server;

/* Starts an X server and sets DISPLAY. false: there is none on this machine. */
static bool server_start(void)
{
	int numbers[2];
	char number[16] = ":", descriptor[16];

	assert_int_equal(pipe(numbers), 0);
	snprintf(descriptor, sizeof(descriptor), "%d", numbers[1]);
	server = fork();
	assert_true(server >= 0);
	if (!server) {
		close(numbers[0]);
		if (!freopen("/dev/null", "w", stderr))
			_exit(NO_SERVER);
		execlp("Xvfb", "Xvfb", "-displayfd", descriptor, "-screen", "0", "640x480x24", "-nolisten",
			"tcp", NULL);
		_exit(NO_SERVER);
	}
	close(numbers[1]);
	/* The line comes in parts, and the server gives up if it cannot write all of them. */
	size_t used = 1;
	ssize_t got = 1;
	while (got > 0 && !strchr(number, '\n') && used < sizeof(number) - 1) {
		got = read(numbers[0], number + used, sizeof(number) - 1 - used);
		used += got > 0 ? (size_t)got : 0;
	}
	close(numbers[0]);
	if (got <= 0) {
		waitpid(server, NULL, 0);
		return false;
	}
	number[strcspn(number, "\n")] = '\0';
	assert_int_equal(setenv("DISPLAY", number, 1), 0);
	return true;
}

/* Without a GPU a renderer of Mesa draws for OpenGL, whose threads crash now and then in what they draw when
 * the window is destroyed beneath them: such scenes are played without it. */
#define ALL_WAYS 2
#define NOT_BY_MESA 1

/* Runs the scene, once with each of the first `ways` of SDL to draw. */
static void play(void (*scene)(void), size_t ways)
{
	static const char *const renderers[ALL_WAYS] = {"software", "opengl"};

	for (size_t i = 0; i < ways; i++) {
		int status;

		if (!server_start()) {
			print_message("there is no Xvfb\n");
			skip();
		}
		fflush(NULL);
		pid_t child = fork();
		assert_true(child >= 0);
		if (!child) {
			unsetenv("WAYLAND_DISPLAY");
			unsetenv("SDL_VIDEODRIVER");
			setenv("SDL_RENDER_DRIVER", renderers[i], 1);
			/* Else SDL has OpenGL, that is Mesa, bring what software drew to the window. */
			setenv("SDL_FRAMEBUFFER_ACCELERATION", "0", 1);
			alarm(120);
			scene();
			exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		if (status)
			print_message("with %s: %s %d\n", renderers[i], WIFEXITED(status) ? "line" : "signal",
				WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		assert_int_equal(status, 0);
	}
}

/* --- in the child, where a failure is an exit status --- */

#define require(condition)                                                                                   \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			_exit(__LINE__ % 255 + 1);                                                           \
	} while (0)

static struct display *window_open(bool fullscreen)
{
	struct display_options options = {
		.width = 320, .height = 240, .title = "test", .fullscreen = fullscreen};
	struct display *display;
	struct error e;

	int status = display_open("sdl", &options, &display, &e);
	if (status)
		fprintf(stderr, "%s\n", e.text);
	require(!status);
	return display;
}

static int show(struct display *display, struct error *e)
{
	static uint8_t pixels[320 * 240 * 4];
	struct frame frame = {.picture = {.width = 320, .height = 240, .data = pixels}};

	return display_show(display, &frame, e);
}

/* Shows pictures until the display is gone, and what follows then. */
static void require_loss(struct display *display, const char *what)
{
	struct error e = {0};
	int status = 0, told = 0;

	for (int i = 0; i < 3000 && !status; i++, usleep(1000))
		status = show(display, &e);
	require(status == -ENODEV);
	require(strstr(e.text, what));
	for (int i = 0; i < 3; i++)
		told += display_poll_key(display) == KEY_LOST;
	require(told == 1);
	require(show(display, &e) == -ENODEV);
	display_close(display);
	require(display_open("sdl", &(struct display_options){.width = 8, .height = 8}, &display, &e) ==
		-ENODEV);
}

static void server_killed(void)
{
	struct display *display = window_open(false);
	struct error e;

	require(show(display, &e) == 0);
	kill(server, SIGKILL);
	require_loss(display, "connection");
}

/* Nothing is shown while paused. */
static void server_killed_in_a_pause(void)
{
	struct display *display = window_open(true);
	enum display_key key = KEY_NONE;
	struct error e;

	require(show(display, &e) == 0);
	kill(server, SIGKILL);
	for (int i = 0; i < 3000 && key != KEY_LOST; i++, usleep(1000))
		key = display_poll_key(display);
	require(key == KEY_LOST);
	require(show(display, &e) == -ENODEV);
	display_close(display);
}

/* The only window, which SDL does not number from 1 again. */
static SDL_Window *window_find(void)
{
	for (uint32_t id = 1; id < 100; id++)
		if (SDL_GetWindowFromID(id))
			return SDL_GetWindowFromID(id);
	require(false);
	return NULL;
}

/* Calls `name`, such as XDestroyWindow, from another connection. */
static void stranger_does(const char *name)
{
	SDL_SysWMinfo info;
	void *library = dlopen("libX11.so.6", RTLD_LAZY);
	Display *(*connect)(const char *);
	int (*act)(Display *, XID), (*close)(Display *);

	require(library);
	*(void **)&connect = dlsym(library, "XOpenDisplay");
	*(void **)&act = dlsym(library, name);
	*(void **)&close = dlsym(library, "XCloseDisplay");
	SDL_VERSION(&info.version);
	require(connect && act && close && SDL_GetWindowWMInfo(window_find(), &info));
	Display *stranger = connect(NULL);
	require(stranger);
	act(stranger, info.info.x11.window);
	close(stranger);
}

static void window_destroyed(void)
{
	struct display *display = window_open(false);
	struct error e;

	require(show(display, &e) == 0);
	stranger_does("XDestroyWindow");
	require_loss(display, "destroyed");
}

static void window_destroyed_in_a_pause(void)
{
	struct display *display = window_open(false);
	enum display_key key = KEY_NONE;
	struct error e;

	require(show(display, &e) == 0);
	stranger_does("XDestroyWindow");
	for (int i = 0; i < 3000 && key != KEY_LOST; i++, usleep(1000))
		key = display_poll_key(display);
	require(key == KEY_LOST);
	require(show(display, &e) == -ENODEV);
	display_close(display);
}

static void client_killed(void)
{
	struct display *display = window_open(false);
	struct error e;

	require(show(display, &e) == 0);
	stranger_does("XKillClient");
	require_loss(display, "connection");
}

static enum display_key press(struct display *display, SDL_Keycode code)
{
	SDL_Event event = {.key = {.type = SDL_KEYDOWN, .state = SDL_PRESSED}};
	enum display_key key = KEY_NONE;

	event.key.keysym.sym = code;
	require(SDL_PushEvent(&event) == 1);
	for (int i = 0; i < 1000 && key == KEY_NONE; i++)
		key = display_poll_key(display);
	return key;
}

static bool fills_the_screen(struct display *display)
{
	int x, y, width, height;
	struct error e;

	require(show(display, &e) == 0);
	SDL_GetWindowPosition(window_find(), &x, &y);
	require(!SDL_GetRendererOutputSize(SDL_GetRenderer(window_find()), &width, &height));
	return x == 0 && y == 0 && width == WIDTH && height == HEIGHT;
}

static void full_screen(void)
{
	struct display *display = window_open(true);
	SDL_Event clicks = {.button = {.type = SDL_MOUSEBUTTONDOWN, .button = SDL_BUTTON_LEFT, .clicks = 2}};

	require(fills_the_screen(display));
	require(press(display, SDLK_ESCAPE) == KEY_FULLSCREEN);
	require(!fills_the_screen(display));
	require(press(display, SDLK_f) == KEY_FULLSCREEN);
	require(fills_the_screen(display));
	require(press(display, SDLK_F11) == KEY_FULLSCREEN);
	require(!fills_the_screen(display));
	require(SDL_PushEvent(&clicks) == 1);
	while (display_poll_key(display) != KEY_FULLSCREEN)
		;
	require(fills_the_screen(display));
	require(press(display, SDLK_ESCAPE) == KEY_FULLSCREEN);
	require(press(display, SDLK_ESCAPE) == KEY_QUIT);
	display_close(display);
	_exit(0); /* what the desktop's libraries keep is no leak of ours */
}

/* --- the tests --- */

static void the_work_outlives_the_server(void **state)
{
	(void)state;
	play(server_killed, ALL_WAYS);
	play(server_killed_in_a_pause, ALL_WAYS);
}

static void the_work_outlives_the_window(void **state)
{
	(void)state;
	play(window_destroyed, NOT_BY_MESA);
	play(window_destroyed_in_a_pause, NOT_BY_MESA);
	play(client_killed, NOT_BY_MESA);
}

static void a_bare_screen_is_filled(void **state)
{
	(void)state;
	play(full_screen, ALL_WAYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_work_outlives_the_server),
		cmocka_unit_test(the_work_outlives_the_window),
		cmocka_unit_test(a_bare_screen_is_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
