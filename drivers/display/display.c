/* SPDX-License-Identifier: MIT */
#include "display/display.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/words.h"
#include "display/drivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if TWOBIT_HAVE_SDL
#pragma weak display_sdl_window

static const struct display_driver display_sdl = {
	.name = "sdl",
	.summary = "a window on the desktop",
	/* SDL is not tried: an X server that resets after its last client would then refuse the window. */
	.available = display_on_desktop,
	.part = &(const struct module_part){"sdl", "display_sdl_window", &display_sdl_window},
};
#endif

/* "auto" tries them in this order. */
static const struct display_driver *const drivers[] = {
#if TWOBIT_HAVE_DRM
	&display_drm,
#endif
	&display_scanout,
	&display_pynq,
#if TWOBIT_HAVE_SDL
	&display_sdl,
#endif
	&display_terminal,
	&display_none,
	NULL,
};

struct display {
	const struct display_driver *kind;   /* its row in the table, … */
	const struct display_driver *driver; /* … and what opens it: the row, or its part in a module */
	void *state;
};

static const struct display_driver *driver_find(const char *name, struct error *e)
{
	struct closest closest = {.word = name};
	char names[128] = "auto";
	size_t used = strlen(names);

	for (const struct display_driver *const *d = drivers; *d; d++) {
		if (!strcmp((*d)->name, name))
			return *d;
		closest_offer(&closest, (*d)->name);
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s", (*d)->name);
	}
	if (closest.best)
		error_refuse(e, name, -EINVAL, "there is no display '%s', did you mean %s? Choose one of: %s",
			name, closest.best, names);
	else
		error_refuse(e, name, -EINVAL, "there is no display '%s'; choose one of: %s", name, names);
	return NULL;
}

static int kind_open(const struct display_driver *kind, const struct display_options *options,
	struct display *display, struct error *e)
{
	const void *part = kind;
	int status = kind->part ? module_load(kind->part, &part, e) : 0;

	display->kind = kind;
	display->driver = part;
	return status ? status : display->driver->open(options, &display->state, e);
}

static int driver_open(
	const char *name, const struct display_options *options, struct display *display, struct error *e)
{
	if (strcmp(name, "auto") != 0) {
		const struct display_driver *kind = driver_find(name, e);
		return kind ? kind_open(kind, options, display, e) : -EINVAL;
	}
	int status = -ENODEV;
	for (const struct display_driver *const *d = drivers; *d && status; d++) {
		if (!(*d)->available()) {
			log_debug("display %s is not available here", (*d)->name);
			continue;
		}
		struct error cause = {0};
		status = kind_open(*d, options, display, &cause);
		if (status && d[1])
			log_info("no display %s: %s", (*d)->name, cause.text);
		else if (status)
			error_set(e, status, "%s", cause.text);
	}
	return status;
}

int display_check(const char *name, const struct display_options *options, struct error *e)
{
	bool any = strcmp(name, "auto") == 0;
	int status = any || driver_find(name, e) ? 0 : -EINVAL;

	for (const struct display_driver *const *d = drivers; *d && !status; d++)
		if ((*d)->check && (any || strcmp(name, (*d)->name) == 0))
			status = (*d)->check(options, e);
	return status;
}

int display_open(
	const char *name, const struct display_options *options, struct display **out, struct error *e)
{
	struct display *display = calloc(1, sizeof(*display));

	*out = NULL;
	if (!display)
		return error_set(e, -ENOMEM, "no memory for a display");
	int status = driver_open(name, options, display, e);
	if (status) {
		free(display);
		return status;
	}
	*out = display;
	return 0;
}

void display_close(struct display *display)
{
	if (!display)
		return;
	display->driver->close(display->state);
	free(display);
}

const char *display_name(const struct display *display)
{
	return display->kind->name;
}

const struct display_driver *const *display_drivers(void)
{
	return drivers;
}

int display_show(struct display *display, struct frame *frame, struct error *e)
{
	int status = display->driver->show(display->state, frame, e);

	if (!status && !frame->stamps[STAMP_SHOWN])
		frame->stamps[STAMP_SHOWN] = clock_now();
	return status;
}

struct display_capabilities display_capabilities(const struct display *display)
{
	if (!display->driver->capabilities)
		return (struct display_capabilities){0};
	return display->driver->capabilities(display->state);
}

void display_describe(const struct display *display, char *text, size_t size)
{
	if (display->driver->describe)
		display->driver->describe(display->state, text, size);
	else
		snprintf(text, size, "%s", display->kind->name);
}

enum display_key display_poll_key(struct display *display)
{
	return display->driver->poll_key(display->state);
}

struct display_attention display_attention(const struct display *display)
{
	if (!display->driver->attention)
		return (struct display_attention){-1, DISPLAY_ATTENTION};
	return display->driver->attention(display->state);
}
