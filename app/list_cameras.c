/* SPDX-License-Identifier: MIT */
/* `twobit list cameras`: the formats, sizes and rates of each camera, in few lines of text. */
#include "list_cameras.h"

#include "base/error.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/output.h"
#include "source/cameras.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static bool is_range(const struct camera_mode *mode)
{
	return mode->last_width > mode->width || mode->last_height > mode->height;
}

static bool same_rates(const struct camera_mode *a, const struct camera_mode *b)
{
	return a->rate_count == b->rate_count && a->any_rate == b->any_rate &&
	       memcmp(a->rates, b->rates, (size_t)a->rate_count * sizeof(*a->rates)) == 0;
}

static void print_rates(const struct camera_mode *mode)
{
	const char *between = mode->any_rate ? " to " : ", ";

	for (int i = 0; i < mode->rate_count; i++)
		printf("%s%.4g", i ? between : " at ", mode->rates[i]);
}

/* "640x480, 320x240 at 30, 15; 1280x720 at 10 frames a second": sizes with the same rates stand together. */
static void print_modes(const struct camera_format *format)
{
	for (int i = 0; i < format->mode_count; i++) {
		const struct camera_mode *mode = &format->modes[i];
		bool last = i + 1 == format->mode_count || !same_rates(mode, mode + 1);
		printf("%dx%d", mode->width, mode->height);
		if (is_range(mode))
			printf(" to %dx%d", mode->last_width, mode->last_height);
		if (last)
			print_rates(mode);
		if (i + 1 < format->mode_count)
			printf("%s", last ? "; " : ", ");
		else if (mode->rate_count)
			printf(" frames a second");
	}
}

static bool same_modes(const struct camera_format *a, const struct camera_format *b)
{
	if (a->mode_count != b->mode_count)
		return false;
	for (int i = 0; i < a->mode_count; i++) {
		const struct camera_mode *m = &a->modes[i];
		const struct camera_mode *n = &b->modes[i];
		if (m->width != n->width || m->height != n->height || m->last_width != n->last_width ||
			m->last_height != n->last_height || !same_rates(m, n))
			return false;
	}
	return true;
}

static bool is_own(const struct camera_format *format)
{
	return format->readable && !format->converted;
}

/* Prints one line for a format and the next ones with the same sizes and rates. Returns the index after them.
 */
static int print_format(const struct camera_entry *camera, int index)
{
	const struct camera_format *format = &camera->formats[index];
	int next = index + 1;

	printf("                %s", PRINTABLE(format->name));
	while (next < camera->format_count && is_own(&camera->formats[next]) &&
		same_modes(format, &camera->formats[next]))
		printf(", %s", PRINTABLE(camera->formats[next++].name));
	printf(": ");
	print_modes(format);
	printf("\n");
	return next;
}

/* Prints the names of all formats of one kind on one line. */
static void print_names(const struct camera_entry *camera, bool readable, const char *heading)
{
	bool any = false;

	for (int i = 0; i < camera->format_count; i++) {
		const struct camera_format *format = &camera->formats[i];
		if (format->readable != readable || is_own(format))
			continue;
		printf("%s%s", any ? ", " : heading, PRINTABLE(format->name));
		any = true;
	}
	if (any)
		printf("\n");
}

static void print_camera(const struct camera_entry *camera)
{
	printf("  %-12s  %s\n", PRINTABLE(camera->path), PRINTABLE(camera->name));
	if (camera->link[0])
		printf("                %s\n", PRINTABLE(camera->link));
	if (camera->failure[0]) {
		printf("                %s\n", PRINTABLE(camera->failure));
		return;
	}
	printf("                %s, %s\n", PRINTABLE(camera->bus), PRINTABLE(camera->driver));
	for (int i = 0; i < camera->format_count;)
		i = is_own(&camera->formats[i]) ? print_format(camera, i) : i + 1;
	print_names(camera, true, "                converted by libv4l: ");
	print_names(camera, false, "                not read by twobit: ");
}

static json_t *mode_json(const struct camera_mode *mode)
{
	json_t *rates = json_array();

	for (int i = 0; i < mode->rate_count; i++)
		output_append(rates, json_real(mode->rates[i]));
	json_t *json = output_pack("{s:i, s:i, s:o, s:b}", "width", mode->width, "height", mode->height,
		"rates", rates, "any_rate", (int)mode->any_rate);
	if (is_range(mode))
		output_merge(json, output_pack("{s:i, s:i, s:i, s:i}", "last_width", mode->last_width,
					   "last_height", mode->last_height, "width_step", mode->width_step,
					   "height_step", mode->height_step));
	return json;
}

static json_t *format_json(const struct camera_format *format)
{
	json_t *modes = json_array();

	for (int i = 0; i < format->mode_count; i++)
		output_append(modes, mode_json(&format->modes[i]));
	return output_pack("{s:o, s:b, s:b, s:o}", "name", output_text(format->name), "readable",
		(int)format->readable, "converted", (int)format->converted, "modes", modes);
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? output_text(text) : json_null();
}

static json_t *camera_json(const struct camera_entry *camera)
{
	json_t *formats = json_array();

	for (int i = 0; i < camera->format_count; i++)
		output_append(formats, format_json(&camera->formats[i]));
	return output_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path", output_text(camera->path), "name",
		output_text(camera->name), "link", text_or_null(camera->link), "bus",
		text_or_null(camera->bus), "driver", text_or_null(camera->driver), "trouble",
		text_or_null(camera->failure), "formats", formats);
}

int list_cameras(json_t *rows)
{
	struct camera_entry *cameras;
	struct error e;

	int count = cameras_find(&cameras);
	if (count < 0) {
		error_set(&e, count, "out of memory while looking for cameras");
		return fail(FAILURE_SOURCE, &e);
	}
	for (int i = 0; i < count; i++) {
		if (rows)
			output_append(rows, camera_json(&cameras[i]));
		else
			print_camera(&cameras[i]);
	}
	if (!count && !rows)
		printf("  no camera is plugged in\n");
	cameras_forget(cameras, count);
	return EX_OK;
}
