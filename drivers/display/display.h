/* SPDX-License-Identifier: MIT */
/* Where pictures are shown, and where keys come from. All calls from one thread. */
#ifndef DISPLAY_DISPLAY_H
#define DISPLAY_DISPLAY_H

#include "image/picture.h"

#include <stdbool.h>

struct error;
struct display;

struct display_options {
	int width, height; /* size of the pictures to come, pixels */
	const char *title;
};

enum display_key {
	KEY_NONE,
	KEY_QUIT,	/* q, Esc, the window's close button */
	KEY_PAUSE,	/* Space */
	KEY_FULLSCREEN, /* f; handled by the display itself as well */
	KEY_STATISTICS, /* i */
	KEY_SNAPSHOT,	/* s */
	KEY_RECORD,	/* r */
	KEY_CAPTION,	/* o */
	KEY_HELP,	/* ? */
};

struct display_driver {
	const char *name;
	const char *summary;	 /* for `twobit list displays` */
	bool (*available)(void); /* cheap; what `auto` asks */
	int (*open)(const struct display_options *options, void **state, struct error *e);
	void (*close)(void *state);
	int (*show)(void *state, const struct picture *picture, struct error *e);
	enum display_key (*poll_key)(void *state);
	void (*say)(void *state, const char *words); /* NULL: the caption can be read on its pictures */
};

/* "auto": the first that is available and opens, "none" at last. Unknown: -EINVAL; cannot be opened: -ENODEV.
 */
int display_open(
	const char *name, const struct display_options *options, struct display **out, struct error *e);
void display_close(struct display *display); /* takes NULL; restores the terminal */

const char *display_name(const struct display *display);
const struct display_driver *const *display_drivers(void); /* NULL-terminated */

/* Shows the picture, scaled to fit. The picture is the caller's again when it returns. */
int display_show(struct display *display, const struct picture *picture, struct error *e);

/* What the caption says, one line of UTF-8, for displays too coarse to read it on; shown with the next
 * picture. */
void display_say(struct display *display, const char *words);

/* The next key pressed, or KEY_NONE at once. */
enum display_key display_poll_key(struct display *display);

#endif
