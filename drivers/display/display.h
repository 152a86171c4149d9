/* SPDX-License-Identifier: MIT */
/* Displays show frames and read keys. All calls come from one thread. */
#ifndef DISPLAY_DISPLAY_H
#define DISPLAY_DISPLAY_H

#include "base/module.h"
#include "flow/frame.h"

#include <stdbool.h>

struct error;
struct display;

struct display_options {
	int width, height;	  /* of the pictures, pixels */
	enum pixel_format format; /* of the raw ones */
	const char *title;	  /* of a window */
	bool fullscreen;	  /* of a window: it begins so */
	const char *drm_device;	  /* "/dev/dri/card1"; these three for DRM only, NULL: choose */
	const char *connector;	  /* "HDMI-A-1" */
	const char *mode;	  /* "1280x720", "1280x720@60" */
	/* Of scanout: the board is simulated, and what its connector shows last is written here. NULL: not */
	const char *scanout_png;
};

/* What a display requires; it may change with its window. */
struct display_capabilities {
	int width, height; /* the larger a picture, the more is lost in fitting it into this; 0: any size is
			      fine */
	bool raw;	   /* shows frames as they came, undecoded, and draws the caption itself */
};

enum display_key {
	KEY_NONE,
	KEY_QUIT,	/* q, Esc, the window's close button */
	KEY_PAUSE,	/* Space */
	KEY_FULLSCREEN, /* f, F11, a double click, Esc in full screen; the display itself has obeyed it */
	KEY_STATISTICS, /* i */
	KEY_SNAPSHOT,	/* s */
	KEY_RECORD,	/* r */
	KEY_CAPTION,	/* o */
	KEY_HELP,	/* h, F1, ? */
	KEY_BACKGROUND, /* b */
	KEY_UNDO,	/* u */
	KEY_LOST,	/* no key: the display is gone, and display_show says why; comes once */
	KEY_1,		/* these count again and again while they are held down */
	KEY_9 = KEY_1 + 8,
};

enum screen_state {
	SCREEN_READY,
	SCREEN_WITHOUT_MONITOR,
	SCREEN_UNUSABLE, /* the text gives the reason */
};

/* One screen that a kind found, for `twobit list displays`: its name and a line about it. */
typedef void display_row(void *context, const char *name, const char *text, enum screen_state state);

/* When display_poll_key is to be called. */
struct display_attention {
	int descriptor; /* once this is readable; −1: none */
	int64_t within; /* after so many ns at the latest; INT64_MAX: no limit */
};

struct display_driver {
	const char *name;
	const char *summary;			       /* for `twobit list displays` */
	bool (*available)(void);		       /* cheap; for `auto` */
	void (*list)(display_row *row, void *context); /* NULL: there is no choice of screens */
	const struct module_part *part; /* a display_driver with what follows; NULL: it is here */
	/* -EINVAL: an option that cannot be right on any machine. NULL: it has none of its own. */
	int (*check)(const struct display_options *options, struct error *e);
	int (*open)(const struct display_options *options, void **state, struct error *e);
	void (*close)(void *state);
	/* May set STAMP_SHOWN if it knows the time of the flip. */
	int (*show)(void *state, struct frame *frame, struct error *e);
	enum display_key (*poll_key)(void *state);
	/* NULL: within 50 ms, which people do not notice. */
	struct display_attention (*attention)(const void *state);
	struct display_capabilities (*capabilities)(
		const void *state); /* NULL: full size, decoded, captioned */
	void (*describe)(const void *state, char *text, size_t size); /* NULL: its name is enough */
};

/* What can be told without opening the display: -EINVAL: there is none of that name, or display_driver.check.
 */
int display_check(const char *name, const struct display_options *options, struct error *e);

/*
 * "auto": the first that is available and opens, "none" at last. Unknown: -EINVAL; cannot be opened: -ENODEV;
 * -EBUSY: another program has it.
 */
int display_open(
	const char *name, const struct display_options *options, struct display **out, struct error *e);
void display_close(struct display *display); /* takes NULL; restores the terminal */

const char *display_name(const struct display *display);
const struct display_driver *const *display_drivers(void); /* NULL-terminated */

/*
 * Shows the frame's picture, scaled to fit, or its raw one if the display requires that; sets STAMP_SHOWN.
 * The display takes its own reference if it needs the frame longer. -EAGAIN: not shown, and the caller need
 * not act (a slow terminal, another virtual terminal, an unplugged monitor); -ENODEV: the screen is gone for
 * good.
 */
int display_show(struct display *display, struct frame *frame, struct error *e);

struct display_capabilities display_capabilities(const struct display *display);

/* How frames are shown, for the log and the report: "drm: HDMI-A-1, 1280×720 at 60 Hz, …". */
void display_describe(const struct display *display, char *text, size_t size);

/* The next key pressed, or KEY_NONE at once. */
enum display_key display_poll_key(struct display *display);

/* Valid until the next call of another function. */
struct display_attention display_attention(const struct display *display);

#endif
