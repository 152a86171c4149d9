/* SPDX-License-Identifier: MIT */
/*
 * Why handlers and not a process for the display: since libX11 1.7 (2020) XSetIOErrorExitHandler lets a
 * program outlive a dead connection, for which Xlib then marks itself: later calls do nothing. With it no
 * picture is copied to another process, and none of the pipeline's threads must be forked. An older libX11
 * lacks the function; there the process still ends with its X server.
 *
 * The functions come from the libX11 that SDL has loaded: the program itself needs none, as on Wayland.
 */
#include "display/sdl/desktop.h"

#include "base/log.h"

#include <dlfcn.h>
#include <poll.h>
#include <SDL_syswm.h>

static struct {
	int wayland;  /* the compositor's socket; -1: this is no Wayland */
	bool closing; /* the window's close button was used */
	const char *loss;
} desktop = {.wayland = -1};

static const char gone[] = "the desktop has ended its connection";

/* SDL waits for ever for a compositor that is gone, so the socket is looked at before SDL is called. */
const char *desktop_loss(void)
{
	struct pollfd socket = {.fd = desktop.wayland};

	if (!desktop.loss && desktop.wayland >= 0 && poll(&socket, 1, 0) > 0)
		desktop.loss = gone;
	return desktop.loss;
}

static void *loaded_library(const char *name)
{
	return dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
}

#ifdef SDL_VIDEO_DRIVER_X11

static struct {
	void *library; /* NULL: this is no X11 */
	Display *display;
	Window window;
	XErrorHandler (*set_error_handler)(XErrorHandler);
	XIOErrorHandler (*set_io_error_handler)(XIOErrorHandler);
	void (*set_exit_handler)(Display *, XIOErrorExitHandler, void *);
	Atom (*intern)(Display *, const char *, Bool);
	int (*get_property)(Display *, Window, Atom, long, long, Bool, Atom, Atom *, int *, unsigned long *,
		unsigned long *, unsigned char **);
	int (*free)(void *);
} x11;

static int connection_died(Display *display)
{
	(void)display;
	desktop.loss = gone;
	return 0;
}

static void stay(Display *display, void *data)
{
	(void)display;
	(void)data;
}

static void window_destroyed(void)
{
	if (!desktop.loss)
		desktop.loss = "another program has destroyed the window";
}

/* A request failed. That is no reason to end: the pictures that follow show whether the window is there. */
static int request_failed(Display *display, XErrorEvent *event)
{
	(void)display;
	log_debug("the X server refuses request %d.%d: error %d", event->request_code, event->minor_code,
		event->error_code);
	if (event->resourceid == x11.window &&
		(event->error_code == BadWindow || event->error_code == BadDrawable))
		window_destroyed();
	return 0;
}

static void *function(const char *name)
{
	return dlsym(x11.library, name);
}

static bool functions_find(void)
{
	*(void **)&x11.set_error_handler = function("XSetErrorHandler");
	*(void **)&x11.set_io_error_handler = function("XSetIOErrorHandler");
	*(void **)&x11.set_exit_handler = function("XSetIOErrorExitHandler");
	*(void **)&x11.intern = function("XInternAtom");
	*(void **)&x11.get_property = function("XGetWindowProperty");
	*(void **)&x11.free = function("XFree");
	return x11.set_error_handler && x11.set_io_error_handler && x11.intern && x11.get_property &&
	       x11.free;
}

static void x11_watch(const SDL_SysWMinfo *info)
{
	x11.display = info->info.x11.display;
	x11.window = info->info.x11.window;
	if (x11.library || !(x11.library = loaded_library("libX11.so.6")))
		return;
	if (!functions_find()) {
		dlclose(x11.library);
		x11.library = NULL;
		return;
	}
	x11.set_error_handler(request_failed);
	x11.set_io_error_handler(connection_died);
	if (x11.set_exit_handler)
		x11.set_exit_handler(x11.display, stay, NULL);
	SDL_EventState(SDL_SYSWMEVENT, SDL_ENABLE); /* no picture is shown while paused */
}

static void x11_forget(void)
{
	if (!x11.library || desktop.loss)
		return;
	x11.set_io_error_handler(NULL); /* SDL itself gives the other handler back */
	dlclose(x11.library);
	x11.library = NULL;
}

static void x11_heed(const SDL_SysWMmsg *message)
{
	const XEvent *event = message->subsystem == SDL_SYSWM_X11 ? &message->msg.x11.event : NULL;

	if (x11.library && event && event->type == DestroyNotify &&
		event->xdestroywindow.window == x11.window)
		window_destroyed();
}

int desktop_socket(void)
{
	return x11.library && !desktop.loss ? ConnectionNumber(x11.display) : -1;
}

bool desktop_is_managed(void)
{
	unsigned long count = 0, left;
	unsigned char *value = NULL;
	Atom type;
	int format;

	if (!x11.library)
		return true;
	/* A window manager names a window of its own here (Extended Window Manager Hints). */
	Atom check = x11.intern(x11.display, "_NET_SUPPORTING_WM_CHECK", False);
	if (x11.get_property(x11.display, DefaultRootWindow(x11.display), check, 0, 1, False, AnyPropertyType,
		    &type, &format, &count, &left, &value))
		return true;
	if (value)
		x11.free(value);
	return count > 0;
}

#else

static void x11_forget(void)
{
}

int desktop_socket(void)
{
	return -1;
}

bool desktop_is_managed(void)
{
	return true;
}

#endif

#ifdef SDL_VIDEO_DRIVER_WAYLAND

static void wayland_watch(const SDL_SysWMinfo *info)
{
	void *library = loaded_library("libwayland-client.so.0");
	int (*descriptor)(struct wl_display *) = NULL;

	if (!library)
		return;
	*(void **)&descriptor = dlsym(library, "wl_display_get_fd");
	if (descriptor)
		desktop.wayland = descriptor(info->info.wl.display);
	dlclose(library);
}

#endif

void desktop_watch(SDL_Window *window)
{
	SDL_SysWMinfo info;

	SDL_VERSION(&info.version);
	if (!SDL_GetWindowWMInfo(window, &info))
		return;
#ifdef SDL_VIDEO_DRIVER_WAYLAND
	if (info.subsystem == SDL_SYSWM_WAYLAND)
		wayland_watch(&info);
#endif
#ifdef SDL_VIDEO_DRIVER_X11
	if (info.subsystem == SDL_SYSWM_X11)
		x11_watch(&info);
#endif
}

void desktop_forget(void)
{
	x11_forget();
	desktop.wayland = -1;
	desktop.closing = false;
}

/* On Wayland SDL reports an error of the connection by an SDL_QUIT of its own. */
void desktop_heed(const SDL_Event *event)
{
	if (event->type == SDL_WINDOWEVENT && event->window.event == SDL_WINDOWEVENT_CLOSE)
		desktop.closing = true;
	else if (event->type == SDL_QUIT && desktop.wayland >= 0 && !desktop.closing)
		desktop.loss = gone;
#ifdef SDL_VIDEO_DRIVER_X11
	else if (event->type == SDL_SYSWMEVENT && event->syswm.msg)
		x11_heed(event->syswm.msg);
#endif
}
