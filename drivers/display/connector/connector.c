/* SPDX-License-Identifier: MIT */
#include "display/connector/connector.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

const struct connector_mode connector_modes[CONNECTOR_MODES] = {
	{"1280x720", 1280, 720, {1390, 1430, 1650}, {725, 730, 750}, true},
	{"640x480", 640, 480, {656, 752, 800}, {490, 492, 525}, false},
};

static int read_mode(const char *text, int *width, int *height, double *rate, struct error *e)
{
	int end = 0;

	*rate = CONNECTOR_RATE;
	if (sscanf(text, "%dx%d%n@%lf%n", width, height, &end, rate, &end) < 2 || text[end])
		return error_refuse(
			e, text, -EINVAL, "'%s' is no mode; write it as 1280x720 or 1280x720@60", text);
	return 0;
}

int connector_mode_find(const char *text, const struct connector_mode **out, struct error *e)
{
	int width, height, rc;
	double rate;

	*out = &connector_modes[0];
	if (!text)
		return 0;
	rc = read_mode(text, &width, &height, &rate, e);
	if (rc)
		return rc;
	for (int i = 0; i < CONNECTOR_MODES; i++)
		if (connector_modes[i].width == width && connector_modes[i].height == height &&
			rate == CONNECTOR_RATE) {
			*out = &connector_modes[i];
			return 0;
		}
	return error_refuse(e, text, -EINVAL,
		"the board's connector has no mode '%s'; choose one of: 1280x720@60, 640x480@60", text);
}

int connector_mode_check(const char *text, struct error *e)
{
	int width, height;
	double rate;

	return text ? read_mode(text, &width, &height, &rate, e) : 0;
}

bool connector_look_due(const struct connector_monitor *monitor)
{
	return clock_now() >= monitor->look_next;
}

void connector_looked(struct connector_monitor *monitor, const char *display, bool there)
{
	monitor->look_next = clock_now() + CONNECTOR_LOOK_TIME;
	if (there == monitor->there)
		return;
	monitor->there = there;
	if (there)
		log_info("%s: a monitor is plugged in", display);
	else
		log_warning(
			"%s: the connector's hot-plug pin tells of no monitor; the picture goes out all "
			"the same",
			display);
}
