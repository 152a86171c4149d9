/* SPDX-License-Identifier: MIT */
/* The HDMI connector of a PYNQ board, whatever design in the PL drives it: its modes and its monitor. */
#ifndef DISPLAY_CONNECTOR_CONNECTOR_H
#define DISPLAY_CONNECTOR_CONNECTOR_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

#define CONNECTOR_RATE 60	     /* Hz, of all modes */
#define CONNECTOR_LOOK_TIME NS_PER_S /* between two looks at the hot-plug pin */

/* Of a line, or of a frame: where its sync begins and ends, and its length, all from its first pixel on. */
struct connector_timing {
	int sync_begin, sync_end, total;
};

/* CTA-861 modes that nearly all monitors take. */
struct connector_mode {
	const char *name;  /* "1280x720" */
	int width, height; /* pixels */
	struct connector_timing line, frame;
	bool positive; /* both syncs; else negative */
};

#define CONNECTOR_MODES 2
extern const struct connector_mode connector_modes[CONNECTOR_MODES]; /* the first is the usual one */

/* text: "1280x720" or "1280x720@60"; NULL: the first. -EINVAL: the connector has no such mode. */
int connector_mode_find(const char *text, const struct connector_mode **out, struct error *e);

/* -EINVAL: this cannot be a mode on any machine. Takes NULL. */
int connector_mode_check(const char *text, struct error *e);

/* Whether a monitor is there, looked at once a second at most. */
struct connector_monitor {
	bool there; /* begin with true: only its absence is worth a word */
	int64_t look_next;
};

bool connector_look_due(const struct connector_monitor *monitor);
/* Logs a change, with the name of the display. */
void connector_looked(struct connector_monitor *monitor, const char *display, bool there);

#endif
