/* SPDX-License-Identifier: MIT */
/* A camera's controls by name: brightness, gain, exposure. Other controls stay as they are. */
#include "base/error.h"
#include "device/device.h"
#include "source/v4l2/v4l2.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The most entries of a menu that are read. */
#define MENU 64

void v4l2_control_name(const char *title, char *name, size_t size)
{
	size_t used = 0;
	bool gap = false;

	for (; *title && used + 2 < size; title++) {
		if (!isalnum((unsigned char)*title)) {
			gap = used > 0;
			continue;
		}
		if (gap)
			name[used++] = '_';
		gap = false;
		name[used++] = (char)tolower((unsigned char)*title);
	}
	name[used] = '\0';
}

static bool is_menu(const struct v4l2_control_kind *kind)
{
	return kind->type == V4L2_CTRL_TYPE_MENU || kind->type == V4L2_CTRL_TYPE_INTEGER_MENU;
}

static bool number_read(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 0);
	return end > text && !*end && errno == 0;
}

/* A name for off or on. */
static bool switch_read(const char *text, int64_t *value)
{
	static const char *const names[] = {"off", "on", "false", "true", "no", "yes"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(text, names[i]) != 0)
			continue;
		*value = (int64_t)(i % 2);
		return true;
	}
	return false;
}

static bool menu_has(const struct v4l2_control_kind *kind, const char *const *menu, int64_t value)
{
	return value >= kind->minimum && value <= kind->maximum && value < MENU && menu[value];
}

/* By number, or by the entry's text, as it is or as a name. */
static int menu_value(const struct v4l2_control_kind *kind, const char *const *menu, const char *text,
	int64_t *value, struct error *e)
{
	char entries[300] = "";
	size_t used = 0;
	char name[40];

	for (int64_t i = 0; i < MENU; i++) {
		if (!menu_has(kind, menu, i))
			continue;
		v4l2_control_name(menu[i], name, sizeof(name));
		*value = i;
		if (strcasecmp(menu[i], text) == 0 || strcasecmp(name, text) == 0)
			return 0;
		if (used < sizeof(entries))
			used += (size_t)snprintf(entries + used, sizeof(entries) - used, "%s%lld (%s)",
				used ? ", " : "", (long long)i, menu[i]);
	}
	if (number_read(text, value) && menu_has(kind, menu, *value))
		return 0;
	return error_set(
		e, -EINVAL, "control %s has no choice \"%s\"; it has: %s", kind->name, text, entries);
}

int v4l2_control_value(const struct v4l2_control_kind *kind, const char *const *menu, const char *text,
	int64_t *value, struct error *e)
{
	if (is_menu(kind))
		return menu_value(kind, menu, text, value, e);
	if (kind->type == V4L2_CTRL_TYPE_BUTTON)
		return 0;
	bool known = number_read(text, value);
	if (!known && kind->type == V4L2_CTRL_TYPE_BOOLEAN)
		known = switch_read(text, value);
	if (!known || *value < kind->minimum || *value > kind->maximum)
		return error_set(e, -EINVAL, "control %s takes %lld to %lld, not \"%s\"", kind->name,
			(long long)kind->minimum, (long long)kind->maximum, text);
	return 0;
}

static void kind_of(const struct v4l2_query_ext_ctrl *query, struct v4l2_control_kind *kind)
{
	char title[sizeof(query->name) + 1] = {0};

	memcpy(title, query->name, sizeof(query->name));
	*kind = (struct v4l2_control_kind){.id = query->id,
		.type = query->type,
		.flags = query->flags,
		.minimum = query->minimum,
		.maximum = query->maximum};
	v4l2_control_name(title, kind->name, sizeof(kind->name));
}

static bool can_be_set(const struct v4l2_control_kind *kind)
{
	switch (kind->type) {
	case V4L2_CTRL_TYPE_INTEGER:
	case V4L2_CTRL_TYPE_BOOLEAN:
	case V4L2_CTRL_TYPE_MENU:
	case V4L2_CTRL_TYPE_BUTTON:
	case V4L2_CTRL_TYPE_BITMASK:
	case V4L2_CTRL_TYPE_INTEGER_MENU:
		return !(kind->flags & (V4L2_CTRL_FLAG_DISABLED | V4L2_CTRL_FLAG_READ_ONLY));
	default:
		return false;
	}
}

/* The control after *kind, or the first for id 0; false at the end. */
static bool next_control(int fd, struct v4l2_control_kind *kind)
{
	struct v4l2_query_ext_ctrl query = {.id = kind->id | V4L2_CTRL_FLAG_NEXT_CTRL};

	if (device_ioctl(fd, VIDIOC_QUERY_EXT_CTRL, &query) < 0)
		return false;
	kind_of(&query, kind);
	return true;
}

static bool control_by_id(int fd, uint32_t id, struct v4l2_control_kind *kind)
{
	struct v4l2_query_ext_ctrl query = {.id = id};

	if (device_ioctl(fd, VIDIOC_QUERY_EXT_CTRL, &query) < 0 || query.flags & V4L2_CTRL_FLAG_DISABLED)
		return false;
	kind_of(&query, kind);
	return true;
}

/* length: of the name, which "=" ends. */
static int control_by_name(
	int fd, const char *name, size_t length, struct v4l2_control_kind *kind, struct error *e)
{
	char names[400] = "";
	size_t used = 0;

	*kind = (struct v4l2_control_kind){0};
	while (next_control(fd, kind)) {
		if (strlen(kind->name) == length && strncasecmp(kind->name, name, length) == 0)
			return can_be_set(kind)
				       ? 0
				       : error_set(e, -EINVAL, "control %s cannot be set", kind->name);
		if (can_be_set(kind) && used < sizeof(names))
			used += (size_t)snprintf(
				names + used, sizeof(names) - used, "%s%s", used ? ", " : "", kind->name);
	}
	if (!used)
		return error_set(e, -EINVAL, "the camera has no controls");
	return error_set(
		e, -EINVAL, "the camera has no control \"%.*s\"; it has: %s", (int)length, name, names);
}

/* The texts of a menu's entries, by value. */
struct menu {
	char texts[MENU][40];
	const char *entries[MENU];
};

static void menu_read(int fd, const struct v4l2_control_kind *kind, struct menu *menu)
{
	for (uint32_t i = 0; i < MENU; i++) {
		struct v4l2_querymenu query = {.id = kind->id, .index = i};
		menu->entries[i] = NULL;
		if (i < kind->minimum || i > kind->maximum || device_ioctl(fd, VIDIOC_QUERYMENU, &query) < 0)
			continue;
		if (kind->type == V4L2_CTRL_TYPE_INTEGER_MENU)
			snprintf(menu->texts[i], sizeof(menu->texts[i]), "%lld", (long long)query.value);
		else
			snprintf(menu->texts[i], sizeof(menu->texts[i]), "%.*s", (int)sizeof(query.name),
				(const char *)query.name);
		menu->entries[i] = menu->texts[i];
	}
}

static int value_set(int fd, const struct v4l2_control_kind *kind, int64_t value, struct error *e)
{
	struct v4l2_control control = {.id = kind->id, .value = (int32_t)value};

	int status = device_ioctl(fd, VIDIOC_S_CTRL, &control);
	if (status >= 0)
		return 0;
	if (kind->flags & V4L2_CTRL_FLAG_INACTIVE)
		return error_set(e, status,
			"control %s is inactive while the camera sets it automatically; switch that off "
			"first",
			kind->name);
	return error_set(e, status, "control %s cannot be set to %lld: %s", kind->name, (long long)value,
		strerror(-status));
}

static int control_set(int fd, const char *text, struct error *e)
{
	struct v4l2_control_kind kind;
	struct menu menu;
	int64_t value = 0;
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return error_set(
			e, -EINVAL, "\"%s\" is no control; write NAME=VALUE, as in brightness=128", text);
	int status = control_by_name(fd, text, (size_t)(equals - text), &kind, e);
	if (status < 0)
		return status;
	if (is_menu(&kind))
		menu_read(fd, &kind, &menu);
	status = v4l2_control_value(&kind, is_menu(&kind) ? menu.entries : NULL, equals + 1, &value, e);
	return status < 0 ? status : value_set(fd, &kind, value, e);
}

/* Sets the exposure's mode to the first of two values that the camera has. */
static int exposure_mode_set(int fd, const struct v4l2_control_kind *kind, int first, int second,
	const char *name, struct error *e)
{
	struct menu menu;

	menu_read(fd, kind, &menu);
	if (menu.entries[first])
		return value_set(fd, kind, first, e);
	if (menu.entries[second])
		return value_set(fd, kind, second, e);
	return error_set(e, -EINVAL, "the camera has no %s exposure", name);
}

static int exposure_set(int fd, const char *text, struct error *e)
{
	struct v4l2_control_kind mode;
	struct v4l2_control_kind time;
	int64_t value = 0;
	bool has_mode = control_by_id(fd, V4L2_CID_EXPOSURE_AUTO, &mode);

	if (strcasecmp(text, "auto") == 0) {
		if (!has_mode)
			return error_set(e, -EINVAL, "the camera has no automatic exposure");
		return exposure_mode_set(
			fd, &mode, V4L2_EXPOSURE_AUTO, V4L2_EXPOSURE_APERTURE_PRIORITY, "automatic", e);
	}
	if (!control_by_id(fd, V4L2_CID_EXPOSURE_ABSOLUTE, &time))
		return error_set(e, -EINVAL, "the camera's exposure cannot be set");
	if (!number_read(text, &value) || value < time.minimum || value > time.maximum)
		return error_set(e, -EINVAL,
			"exposure takes auto, or %lld to %lld in units of 100 µs, not \"%s\"",
			(long long)time.minimum, (long long)time.maximum, text);
	if (has_mode) {
		int status = exposure_mode_set(
			fd, &mode, V4L2_EXPOSURE_MANUAL, V4L2_EXPOSURE_SHUTTER_PRIORITY, "manual", e);
		if (status < 0)
			return status;
	}
	return value_set(fd, &time, value, e);
}

int v4l2_controls_set(int fd, const char *exposure, const char *const *controls, struct error *e)
{
	int status = exposure ? exposure_set(fd, exposure, e) : 0;

	if (status && e)
		e->wrong = exposure;
	for (; status == 0 && controls && *controls; controls++)
		if ((status = control_set(fd, *controls, e)) && e)
			e->wrong = *controls;
	return status;
}
