/* SPDX-License-Identifier: MIT */
/* The decisions of the monitor's driver that need no monitor: modes, connectors, places, formats, bytes. */
#include "base/error.h"
#include "display/display.h"
#include "display/drm/buffer.h"
#include "display/drm/device.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Timings of real monitors; the clock is in kHz. */
static const drmModeModeInfo modes[] = {
	{.hdisplay = 1920,
		.vdisplay = 1080,
		.htotal = 2200,
		.vtotal = 1125,
		.clock = 74250,
		.vrefresh = 30,
		.flags = DRM_MODE_FLAG_INTERLACE},
	{.hdisplay = 1920, .vdisplay = 1080, .htotal = 2200, .vtotal = 1125, .clock = 148500, .vrefresh = 60},
	{.hdisplay = 1920, .vdisplay = 1080, .htotal = 2640, .vtotal = 1125, .clock = 148500, .vrefresh = 50},
	{.hdisplay = 1280,
		.vdisplay = 720,
		.htotal = 1650,
		.vtotal = 750,
		.clock = 74250,
		.vrefresh = 60,
		.type = DRM_MODE_TYPE_PREFERRED},
	{.hdisplay = 1280, .vdisplay = 720, .htotal = 1650, .vtotal = 750, .clock = 74176, .vrefresh = 60},
	{.hdisplay = 1280, .vdisplay = 720, .htotal = 1980, .vtotal = 750, .clock = 74250, .vrefresh = 50},
	{.hdisplay = 640, .vdisplay = 480, .vrefresh = 60},
};

#define MODES ((int)(sizeof(modes) / sizeof(modes[0])))

static void modes_are_read(void **state)
{
	static const char *const wrong[] = {"", "x", "1280", "1280x", "x720", "-1280x720", "0x720", "1280x0",
		"1280x720@", "1280x720@0", "1280x720@-60", "1280x720@60Hz", "1280x720 60", " 1280x720",
		"1280x720@1e9", "1280x720@nan", "1280*720"};
	int width, height;
	double rate;

	(void)state;
	assert_true(drm_mode_parse("1280x720", &width, &height, &rate));
	assert_int_equal(width, 1280);
	assert_int_equal(height, 720);
	assert_true(rate == 0);
	assert_true(drm_mode_parse("1920x1080@59.94", &width, &height, &rate));
	assert_int_equal(width, 1920);
	assert_int_equal(height, 1080);
	assert_float_equal(rate, 59.94, 1e-9);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (drm_mode_parse(wrong[i], &width, &height, &rate))
			fail_msg("'%s' was taken for a mode", wrong[i]);
}

static void rates_come_from_the_timing(void **state)
{
	(void)state;
	assert_float_equal(drm_mode_rate(&modes[0]), 60, 1e-3);
	assert_float_equal(drm_mode_rate(&modes[1]), 60, 1e-3);
	assert_float_equal(drm_mode_rate(&modes[4]), 59.94, 1e-2);
	assert_float_equal(drm_mode_rate(&modes[6]), 60, 1e-9);
}

static void requested_mode_is_chosen(void **state)
{
	static const struct {
		const char *request;
		int index; /* −1: there is none */
	} requests[] = {{"", 3}, {"1920x1080", 1}, {"1920x1080@50", 2}, {"1920x1080@60", 1}, {"1280x720", 3},
		{"1280x720@60", 3}, {"1280x720@59.94", 4}, {"1280x720@50", 5}, {"640x480@60", 6},
		{"640x480@75", -1}, {"800x600", -1}, {"720x1280", -1}, {"nonsense", -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const drmModeModeInfo *chosen = drm_mode_choose(modes, MODES, requests[i].request);
		if (chosen != (requests[i].index < 0 ? NULL : &modes[requests[i].index]))
			fail_msg("'%s' chose number %td", requests[i].request, chosen ? chosen - modes : -1);
	}
	assert_ptr_equal(drm_mode_choose(modes, 2, ""), &modes[0]); /* none preferred: the first */
	assert_null(drm_mode_choose(modes, 0, ""));
}

static void modes_are_listed_once_each(void **state)
{
	char text[300], small[40];

	(void)state;
	drm_mode_names(modes, MODES, text, sizeof(text));
	assert_string_equal(
		text, "1920x1080@60, 1920x1080@50, 1280x720@60, 1280x720@59.94, 1280x720@50, 640x480@60");
	drm_mode_names(modes, MODES, small, sizeof(small));
	assert_string_equal(small, "1920x1080@60, 1920x1080@50, …");
	drm_mode_names(modes, 0, text, sizeof(text));
	assert_string_equal(text, "");
}

static void pictures_fit_with_their_aspect(void **state)
{
	static const struct {
		int width, height, room_width, room_height;
		struct rectangle place;
	} fits[] = {
		{640, 480, 1280, 720, {160, 0, 960, 720}},
		{1280, 720, 1280, 800, {0, 40, 1280, 720}},
		{1280, 720, 1280, 720, {0, 0, 1280, 720}},
		{1920, 1080, 640, 480, {0, 60, 640, 360}},
		{16384, 16, 100, 100, {0, 49, 100, 1}},
		{1, 16384, 1920, 1080, {959, 0, 1, 1080}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		struct rectangle r =
			rectangle_fit(fits[i].width, fits[i].height, fits[i].room_width, fits[i].room_height);
		assert_memory_equal(&r, &fits[i].place, sizeof(r));
	}
}

static void formats_have_the_same_bytes(void **state)
{
	(void)state;
	assert_int_equal(drm_fourcc(PIXEL_BGRX), DRM_FORMAT_XRGB8888);
	assert_int_equal(drm_fourcc(PIXEL_YUYV), DRM_FORMAT_YUYV);
	assert_int_equal(drm_fourcc(PIXEL_UYVY), DRM_FORMAT_UYVY);
	assert_int_equal(drm_fourcc(PIXEL_NV12), DRM_FORMAT_NV12);
	assert_int_equal(drm_fourcc(PIXEL_I420), DRM_FORMAT_YUV420);
	assert_int_equal(drm_fourcc(PIXEL_JPEG), 0);
	assert_int_equal(drm_fourcc(PIXEL_GREY), 0); /* no plane shows one channel as grey */
}

/* A buffer as the driver makes it, in memory of our own. */
static struct drm_buffer buffer_new(uint32_t fourcc, int width, int height, uint32_t pitch)
{
	struct drm_buffer b = {.fourcc = fourcc, .width = width, .height = height, .size = 4096};

	drm_buffer_lay_out(&b, pitch);
	b.map = malloc(b.size);
	assert_non_null(b.map);
	memset(b.map, 0xee, b.size);
	return b;
}

static void raw_rows_go_to_their_places(void **state)
{
	uint8_t bytes[64];
	const struct raw_picture raw = {
		.format = PIXEL_NV12, .width = 3, .height = 3, .data = bytes, .size = 17};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	/* 3 × 3 brightnesses, then 2 × 2 pairs of colours. */
	struct drm_buffer b = buffer_new(DRM_FORMAT_NV12, 3, 3, 16);
	assert_int_equal(b.offsets[1], 48);
	assert_int_equal(b.pitches[1], 16);
	assert_int_equal(drm_buffer_copy(&b, &raw), 0);
	for (int y = 0; y < 3; y++)
		assert_memory_equal(b.map + 16 * y, bytes + 3 * y, 3);
	for (int y = 0; y < 2; y++)
		assert_memory_equal(b.map + 48 + 16 * y, bytes + 9 + 4 * y, 4);
	assert_int_equal(b.map[3], 0xee);
	assert_int_equal(b.map[48 + 4], 0xee);
	struct raw_picture cut = raw;
	cut.size--;
	assert_int_equal(drm_buffer_copy(&b, &cut), -EBADMSG);
	free(b.map);

	struct drm_buffer planar = buffer_new(DRM_FORMAT_YUV420, 3, 3, 16);
	assert_int_equal(planar.offsets[1], 48);
	assert_int_equal(planar.pitches[1], 8);
	assert_int_equal(planar.offsets[2], 64);
	assert_int_equal(drm_buffer_copy(&planar, &raw), 0);
	assert_memory_equal(planar.map + 48 + 8, bytes + 11, 2);
	assert_memory_equal(planar.map + 64 + 8, bytes + 15, 2);
	free(planar.map);
}

static uint32_t pixel_at(const struct drm_buffer *b, int x, int y)
{
	uint32_t pixel;

	memcpy(&pixel, b->map + (size_t)y * b->pitches[0] + (size_t)x * 4, 4);
	return pixel;
}

static void pictures_are_drawn_between_black(void **state)
{
	struct drm_buffer b = buffer_new(DRM_FORMAT_XRGB8888, 16, 8, 80);
	struct picture square = {0}, wide = {0};

	(void)state;
	assert_int_equal(picture_resize(&square, 8, 8), 0);
	assert_int_equal(picture_resize(&wide, 32, 8), 0);
	memset(square.data, 0x55, 4UL * 8 * 8);
	memset(wide.data, 0x77, 4UL * 32 * 8);
	drm_buffer_draw(&b, &square);
	for (int y = 0; y < 8; y++)
		for (int x = 0; x < 16; x++)
			assert_int_equal(pixel_at(&b, x, y), x >= 4 && x < 12 ? 0x55555555 : 0);
	memset(b.map, 0x99, 4); /* what is black stays untouched while pictures keep their shape */
	drm_buffer_draw(&b, &square);
	assert_int_equal(pixel_at(&b, 0, 0), 0x99999999);
	drm_buffer_draw(&b, &wide);
	for (int y = 0; y < 8; y++)
		for (int x = 0; x < 16; x++)
			assert_int_equal(pixel_at(&b, x, y), y >= 2 && y < 6 ? 0x77777777 : 0);
	picture_finish(&square);
	picture_finish(&wide);
	free(b.map);
}

static void put_status(const char *folder, const char *connector, const char *status)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, connector);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/status", folder, connector);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(status, file);
	fclose(file);
}

static void a_monitor_is_seen_in_sysfs(void **state)
{
	char folder[] = "/tmp/test_drm.XXXXXX", command[100];

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_false(drm_any_connected(folder));
	put_status(folder, "card0-DP-1", "disconnected\n");
	put_status(folder, "card0-Writeback-1", "unknown\n");
	put_status(folder, "renderD128", "connected\n");
	assert_false(drm_any_connected(folder));
	put_status(folder, "card1-HDMI-A-1", "connected\n");
	assert_true(drm_any_connected(folder));
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	assert_false(drm_any_connected(folder));
}

/* Messages for impossible requests. */
static void impossible_requests_are_reported(void **state)
{
	static const struct {
		struct display_options options;
		int code;
		const char *message;
	} requests[] = {
		{{.mode = "large"}, -EINVAL, "1280x720"},
		{{.mode = "1280x720@"}, -EINVAL, "1280x720@'"},
		{{.connector = "a connector with a name of more letters than any has"}, -EINVAL,
			"a connector"},
		{{.drm_device = "/nonexistent/card0"}, -ENOENT, "/nonexistent/card0"},
		{{.drm_device = "/dev/null"}, -ENODEV, "/dev/null"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct display *display;
		struct error e = {0};
		assert_int_equal(display_open("drm", &requests[i].options, &display, &e), requests[i].code);
		assert_null(display);
		if (!strstr(e.text, requests[i].message))
			fail_msg("reported: %s", e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_are_read),
		cmocka_unit_test(rates_come_from_the_timing),
		cmocka_unit_test(requested_mode_is_chosen),
		cmocka_unit_test(modes_are_listed_once_each),
		cmocka_unit_test(pictures_fit_with_their_aspect),
		cmocka_unit_test(formats_have_the_same_bytes),
		cmocka_unit_test(raw_rows_go_to_their_places),
		cmocka_unit_test(pictures_are_drawn_between_black),
		cmocka_unit_test(a_monitor_is_seen_in_sysfs),
		cmocka_unit_test(impossible_requests_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
