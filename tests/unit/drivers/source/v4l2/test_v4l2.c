/* SPDX-License-Identifier: MIT */
/* The V4L2 camera's decisions, which need no camera: which mode, what is broken, which camera is back. */
#include "source/v4l2/v4l2.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE(w, h, ...)                                                                                      \
	{                                                                                                    \
		.width = (w), .height = (h), .last_width = (w), .last_height = (h), .rates = {__VA_ARGS__},  \
		.rate_count = sizeof((double[]){__VA_ARGS__}) / sizeof(double)                               \
	}

/* A usual webcam of USB 2: raw pictures are slow when they are large. */
static struct camera_mode webcam_yuyv[] = {
	SIZE(640, 480, 30, 15), SIZE(320, 240, 30), SIZE(1280, 720, 10, 5), SIZE(1920, 1080, 5)};
static struct camera_mode webcam_mjpeg[] = {
	SIZE(640, 480, 60, 30, 25), SIZE(1280, 720, 30, 25, 15), SIZE(1920, 1080, 30, 15)};
static struct camera_mode webcam_h264[] = {SIZE(1280, 720, 30)};
static struct camera_mode webcam_grey[] = {SIZE(640, 480, 30)};

struct offer {
	uint32_t code;
	struct camera_mode *modes;
	int count;
};

static const struct offer webcam[] = {{V4L2_PIX_FMT_YUYV, webcam_yuyv, 4},
	{V4L2_PIX_FMT_MJPEG, webcam_mjpeg, 3}, {V4L2_PIX_FMT_H264, webcam_h264, 1},
	{V4L2_PIX_FMT_GREY, webcam_grey, 1}};

/* What is taken of the first `count` offers, as "MJPEG 1280x720 30"; or the message that refuses. */
static const char *chosen(
	const struct offer *offers, int count, const struct source_options *options, int processors)
{
	static char text[600];
	struct camera_format formats[8] = {0};
	struct v4l2_choice choice;
	struct error e;

	for (int i = 0; i < count; i++) {
		v4l2_format_name(offers[i].code, &formats[i]);
		formats[i].modes = offers[i].modes;
		formats[i].mode_count = offers[i].count;
	}
	struct v4l2_request request = v4l2_request_of(options, processors);
	int status = v4l2_choose(formats, count, &request, &choice, &e);
	if (status == 0) {
		snprintf(text, sizeof(text), "%s %dx%d %.4g", choice.format->name, choice.width,
			choice.height, choice.rate);
	} else {
		assert_int_equal(status, -EINVAL);
		snprintf(text, sizeof(text), "%s", e.text);
	}
	return text;
}

static void least_work_is_chosen(void **state)
{
	(void)state;
	static const struct {
		const char *format;
		int width, height;
		double rate;
		int processors;
		const char *wanted;
	} cases[] = {
		{NULL, 0, 0, 0, 8, "MJPEG 1280x720 30"}, /* raw is too slow at this size */
		{NULL, 0, 0, 0, 2, "YUYV 640x480 30"},	 /* raw is fast enough, and costs less */
		{"auto", 640, 480, 0, 8, "YUYV 640x480 30"},
		{NULL, 640, 480, 60, 8, "MJPEG 640x480 60"},
		{NULL, 640, 480, 15, 8, "YUYV 640x480 15"},
		{NULL, 640, 480, 31, 8, "YUYV 640x480 30"},   /* near enough */
		{NULL, 640, 480, 120, 8, "MJPEG 640x480 60"}, /* as fast as it goes */
		{NULL, 1280, 720, 10, 8, "YUYV 1280x720 10"},
		{NULL, 1280, 720, 0, 2, "MJPEG 1280x720 30"},
		{NULL, 1920, 1080, 60, 2, "MJPEG 1920x1080 30"},
		{NULL, 800, 600, 0, 2, "YUYV 640x480 30"}, /* the nearest */
		{NULL, 4000, 3000, 0, 2, "MJPEG 1920x1080 30"},
		{NULL, 100, 100, 0, 2, "YUYV 320x240 30"},
		{"MJPEG", 0, 0, 0, 2, "MJPEG 640x480 30"},
		{"mjpg", 0, 0, 0, 8, "MJPEG 1280x720 30"},
		{"YUYV", 0, 0, 0, 8, "YUYV 640x480 30"}, /* a smaller picture before a slow one */
		{"YUY2", 1280, 720, 0, 8, "YUYV 1280x720 10"},
		{"GREY", 0, 0, 0, 8, "GREY 640x480 30"}, /* only when asked for */
		{"NV12", 0, 0, 0, 8, "the camera gives no NV12; choose one of: auto, YUYV, MJPEG, GREY"},
		{"H264", 0, 0, 0, 8, "the camera gives H264, but twobit does not read it"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct source_options options = {.format = cases[i].format,
			.width = cases[i].width,
			.height = cases[i].height,
			.rate = cases[i].rate};
		assert_string_equal(chosen(webcam, 4, &options, cases[i].processors), cases[i].wanted);
	}
}

static void unusual_cameras_are_read(void **state)
{
	(void)state;
	static struct camera_mode slow[] = {SIZE(160, 120, 20), SIZE(640, 480, 15), SIZE(1280, 960, 7.5)};
	static struct camera_mode range[] = {{.width = 32,
		.height = 16,
		.last_width = 1920,
		.last_height = 1200,
		.width_step = 32,
		.height_step = 16,
		.any_rate = true,
		.rate_count = 2,
		.rates = {100, 1}}};
	static struct camera_mode silent[] = {SIZE(720, 576, 0)};
	const struct offer bayer = {V4L2_PIX_FMT_SGRBG8, slow, 3};
	const struct offer steps = {V4L2_PIX_FMT_UYVY, range, 1};
	const struct offer television = {V4L2_PIX_FMT_NV12, silent, 1};
	const struct offer infrared = {V4L2_PIX_FMT_GREY, webcam_grey, 1};
	const struct offer depth = {V4L2_PIX_FMT_Z16, webcam_grey, 1};
	const struct offer both[] = {bayer, {V4L2_PIX_FMT_NV12, slow, 3}};
	struct source_options any = {0};

	silent[0].rate_count = 0;
	assert_string_equal(chosen(&bayer, 1, &any, 2),
		TWOBIT_HAVE_V4LCONVERT ? "GRBG 640x480 15" : "the camera gives no format that twobit reads");
	assert_string_equal(chosen(both, 2, &any, 2), "NV12 640x480 15");
	assert_string_equal(chosen(&television, 1, &any, 2), "NV12 720x576 0");
	assert_string_equal(chosen(&infrared, 1, &any, 2), "GREY 640x480 30");
	assert_string_equal(chosen(&depth, 1, &any, 2), "the camera gives no format that twobit reads");
	assert_string_equal(chosen(&depth, 0, &any, 2), "the camera gives no format that twobit reads");
	assert_string_equal(chosen(&steps, 1, &any, 2), "UYVY 640x480 30");
	struct source_options odd = {.width = 1000, .height = 5000, .rate = 250};
	assert_string_equal(chosen(&steps, 1, &odd, 2), "UYVY 992x1200 100");
	assert_int_equal(v4l2_pixel_format(V4L2_PIX_FMT_SGRBG8), PIXEL_I420);
	assert_int_equal(v4l2_pixel_format(V4L2_PIX_FMT_MJPEG), PIXEL_JPEG);
}

static void controls_are_named(void **state)
{
	(void)state;
	static const char *const names[][2] = {
		{"Brightness", "brightness"},
		{"White Balance, Automatic", "white_balance_automatic"},
		{"Exposure Time, Absolute", "exposure_time_absolute"},
		{"  Power Line -- Frequency ", "power_line_frequency"},
		{"H.264 I-Frame Period", "h_264_i_frame_period"},
		{"", ""},
	};
	char name[40];
	char little[5];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		v4l2_control_name(names[i][0], name, sizeof(name));
		assert_string_equal(name, names[i][1]);
	}
	v4l2_control_name("Brightness", little, sizeof(little));
	assert_true(strlen(little) < sizeof(little));
}

static void assert_value(
	const struct v4l2_control_kind *kind, const char *const *menu, const char *text, int64_t wanted)
{
	struct error e;
	int64_t value = -77;

	if (v4l2_control_value(kind, menu, text, &value, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(value, wanted);
}

static void assert_no_value(
	const struct v4l2_control_kind *kind, const char *const *menu, const char *text, const char *wanted)
{
	struct error e;
	int64_t value;

	assert_int_equal(v4l2_control_value(kind, menu, text, &value, &e), -EINVAL);
	assert_string_equal(e.text, wanted);
}

static void controls_are_read(void **state)
{
	(void)state;
	const struct v4l2_control_kind gain = {
		.name = "gain", .type = V4L2_CTRL_TYPE_INTEGER, .minimum = -5, .maximum = 255};
	const struct v4l2_control_kind focus = {
		.name = "focus_auto", .type = V4L2_CTRL_TYPE_BOOLEAN, .minimum = 0, .maximum = 1};
	const struct v4l2_control_kind exposure = {
		.name = "auto_exposure", .type = V4L2_CTRL_TYPE_MENU, .minimum = 0, .maximum = 3};
	const char *const menu[64] = {[1] = "Manual Mode", [3] = "Aperture Priority Mode"};

	assert_value(&gain, NULL, "-5", -5);
	assert_value(&gain, NULL, "0xff", 255);
	assert_no_value(&gain, NULL, "256", "control gain takes -5 to 255, not \"256\"");
	assert_no_value(&gain, NULL, "", "control gain takes -5 to 255, not \"\"");
	assert_no_value(&gain, NULL, "12x", "control gain takes -5 to 255, not \"12x\"");
	assert_no_value(&gain, NULL, "on", "control gain takes -5 to 255, not \"on\"");
	assert_no_value(&gain, NULL, "99999999999999999999",
		"control gain takes -5 to 255, not \"99999999999999999999\"");
	assert_value(&focus, NULL, "on", 1);
	assert_value(&focus, NULL, "False", 0);
	assert_value(&focus, NULL, "1", 1);
	assert_value(&exposure, menu, "3", 3);
	assert_value(&exposure, menu, "Manual Mode", 1);
	assert_value(&exposure, menu, "aperture_priority_mode", 3);
	assert_no_value(&exposure, menu, "2",
		"control auto_exposure has no choice \"2\"; it has: 1 (Manual Mode), 3 (Aperture Priority "
		"Mode)");
	assert_no_value(&exposure, menu, "-1",
		"control auto_exposure has no choice \"-1\"; it has: 1 (Manual Mode), 3 (Aperture Priority "
		"Mode)");
}

static char folder[] = "/tmp/twobit-v4l2-XXXXXX";

/* folder/PATH, with its folders, holding a line. */
static void line_write(const char *path, const char *line)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", folder, path);
	for (char *slash = strchr(full + sizeof(folder), '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", line);
	fclose(file);
}

/* A node as the kernel shows it: videoN/device leads to the USB interface, whose parent is the device. */
static void node_make(int number, const char *port, const char *serial, const char *index)
{
	char path[300];
	char target[300];

	snprintf(path, sizeof(path), "usb/%s/idVendor", port);
	line_write(path, "046d");
	snprintf(path, sizeof(path), "usb/%s/idProduct", port);
	line_write(path, "082d");
	if (serial) {
		snprintf(path, sizeof(path), "usb/%s/serial", port);
		line_write(path, serial);
	}
	snprintf(path, sizeof(path), "usb/%s/interface/bInterfaceNumber", port);
	line_write(path, "00");
	snprintf(path, sizeof(path), "class/video%d/name", number);
	line_write(path, "HD Pro Webcam C920");
	snprintf(path, sizeof(path), "class/video%d/index", number);
	line_write(path, index);
	snprintf(path, sizeof(path), "%s/class/video%d/device", folder, number);
	snprintf(target, sizeof(target), "../../usb/%s/interface", port);
	assert_int_equal(symlink(target, path), 0);
}

static void cameras_are_known_again(void **state)
{
	(void)state;
	char sysfs[64];
	struct v4l2_identity a, b;
	int numbers[V4L2_NODES];

	snprintf(sysfs, sizeof(sysfs), "%s/class", folder);
	assert_int_equal(v4l2_numbers(sysfs, numbers), 0);
	node_make(0, "1-1", "AAAA", "0");
	node_make(1, "1-1", "AAAA", "1");
	node_make(12, "1-2", "AAAA", "0");
	node_make(3, "1-3", "BBBB", "0");
	node_make(4, "1-4", NULL, "0");
	node_make(5, "1-5", NULL, "0");
	line_write("class/v4l-subdev0/name", "a part of a camera");
	line_write("class/video/name", "not a node");
	assert_int_equal(v4l2_numbers(sysfs, numbers), 6);
	assert_memory_equal(numbers, ((int[]){0, 1, 3, 4, 5, 12}), 6 * sizeof(int));

	assert_int_equal(v4l2_identify(sysfs, 0, &a), 0);
	assert_string_equal(a.vendor, "046d");
	assert_string_equal(a.product, "082d");
	assert_string_equal(a.serial, "AAAA");
	assert_string_equal(a.interface, "00");
	assert_string_equal(a.name, "HD Pro Webcam C920");
	assert_string_equal(a.place + strlen(a.place) - 13, "1-1/interface");
	static const struct {
		int number;
		bool same;
	} others[] = {{0, true}, {1, false}, {12, true}, {3, false}, {4, false}};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(v4l2_identify(sysfs, others[i].number, &b), 0);
		assert_int_equal(v4l2_same_camera(&a, &b), others[i].same);
		assert_int_equal(v4l2_same_camera(&b, &a), others[i].same);
	}
	assert_int_equal(v4l2_identify(sysfs, 2, &b), -ENOENT);
	assert_false(v4l2_same_camera(&b, &b)); /* without any data there is no match */

	/* Other devices than USB are identified by name and place. */
	const struct v4l2_identity vivid = {
		.index = "0", .name = "vivid-000-vid-cap", .place = "/sys/vivid.0"};
	struct v4l2_identity other = vivid;
	assert_true(v4l2_same_camera(&vivid, &other));
	assert_false(v4l2_same_camera(&vivid, &a));
	assert_false(v4l2_same_camera(&a, &vivid));
	strcpy(other.place, "/sys/vivid.1");
	assert_false(v4l2_same_camera(&vivid, &other));
}

static void gaps_are_counted(void **state)
{
	(void)state;
	assert_int_equal(v4l2_sequence_gap(6, 7), 0);
	assert_int_equal(v4l2_sequence_gap(6, 9), 2);
	assert_int_equal(v4l2_sequence_gap(0xffffffff, 0), 0);
	assert_int_equal(v4l2_sequence_gap(0xfffffffe, 3), 4);
	assert_int_equal(v4l2_sequence_gap(500, 0), 0); /* the camera counts anew */
	assert_int_equal(v4l2_sequence_gap(500, 500), 0);
	assert_int_equal(v4l2_sequence_gap(5, 3000000000), 0);
}

static void times_are_checked(void **state)
{
	(void)state;
	const uint32_t ours = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
	const int64_t now = 1000 * NS_PER_S;

	assert_int_equal(v4l2_capture_time(ours, now - 30000000, now), now - 30000000);
	assert_int_equal(v4l2_capture_time(ours, now, now), now);
	assert_int_equal(v4l2_capture_time(ours, now + 1, now), now);
	assert_int_equal(v4l2_capture_time(ours, now - 3600 * NS_PER_S, now), now);
	assert_int_equal(v4l2_capture_time(ours, 0, now), now);
	assert_int_equal(v4l2_capture_time(V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN, now - 1000, now), now);
	assert_int_equal(v4l2_capture_time(V4L2_BUF_FLAG_TIMESTAMP_COPY, now - 1000, now), now);
}

static void broken_jpegs_are_found(void **state)
{
	(void)state;
	const size_t whole = 1000, room = 200000;
	uint8_t *data = malloc(room);

	memset(data, 0x55, room);
	memcpy(data, "\xff\xd8", 2);
	memcpy(data + whole - 2, "\xff\xd9", 2);
	assert_int_equal(v4l2_jpeg_length(data, whole), whole);
	assert_int_equal(v4l2_jpeg_length(data, whole + 300), whole); /* junk behind it */
	assert_int_equal(v4l2_jpeg_length(data, room), 0);	      /* too much of it */
	assert_int_equal(v4l2_jpeg_length(data, whole - 1), 0);	      /* cut off */
	assert_int_equal(v4l2_jpeg_length(data, whole - 500), 0);
	memset(data + whole, 0, room - whole);
	assert_int_equal(v4l2_jpeg_length(data, room), whole); /* a whole buffer, mostly empty */
	assert_int_equal(v4l2_jpeg_length(data + 1, whole - 1), 0);
	for (size_t size = 0; size < 8; size++)
		assert_int_equal(v4l2_jpeg_length(data, size), 0);
	assert_int_equal(v4l2_jpeg_length((const uint8_t *)"\xff\xd8\xff\xd9", 4), 4);
	memset(data, 0, room);
	assert_int_equal(v4l2_jpeg_length(data, room), 0);
	free(data);
}

/* Each byte of a picture without gaps, out of one whose rows have gaps and whose end is cut in time. */
static void rows_are_copied(void **state)
{
	(void)state;
	static const struct {
		enum pixel_format format;
		size_t row, stride, rows;	     /* of the first plane */
		size_t half, half_stride, half_rows; /* of those behind it */
		int planes;
	} cases[] = {
		{PIXEL_YUYV, 20, 32, 7, 0, 0, 0, 1},
		{PIXEL_UYVY, 20, 20, 7, 0, 0, 0, 1},
		{PIXEL_BGRX, 40, 64, 7, 0, 0, 0, 1},
		{PIXEL_GREY, 10, 16, 7, 0, 0, 0, 1},
		{PIXEL_NV12, 10, 16, 7, 10, 16, 4, 2},
		{PIXEL_NV12, 10, 10, 7, 10, 10, 4, 2},
		{PIXEL_I420, 10, 16, 7, 5, 8, 4, 3},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = 0, out = 0;
		uint8_t *from = calloc(1, 1024), *wanted = calloc(1, 1024);
		uint8_t *to = malloc(v4l2_picture_size(cases[i].format, 10, 7));
		for (int p = 0; p < cases[i].planes; p++)
			for (size_t y = 0; y < (p ? cases[i].half_rows : cases[i].rows); y++) {
				for (size_t x = 0; x < (p ? cases[i].half : cases[i].row); x++) {
					from[size + x] = wanted[out] = (uint8_t)(out * 7 + 1);
					out++;
				}
				size += p ? cases[i].half_stride : cases[i].stride;
			}
		assert_int_equal(v4l2_picture_size(cases[i].format, 10, 7), out);
		size_t gap = cases[i].planes > 1 ? cases[i].half_stride - cases[i].half
						 : cases[i].stride - cases[i].row;
		size_t least = size - gap; /* the last row may end where its pixels do */
		assert_int_equal(
			v4l2_picture_copy(cases[i].format, 10, 7, cases[i].stride, from, least, to), 0);
		assert_memory_equal(to, wanted, out);
		assert_int_equal(
			v4l2_picture_copy(cases[i].format, 10, 7, cases[i].stride, from, least - 1, to),
			-EBADMSG);
		assert_int_equal(v4l2_picture_copy(cases[i].format, 10, 7, cases[i].row - 1, from, 1024, to),
			-EBADMSG);
		free(from);
		free(wanted);
		free(to);
	}
}

/* A camera at 30 frames a second; the picture's number is in its middle, where a quick look does not see it.
 */
struct motion_record {
	struct v4l2_frozen frozen;
	uint8_t data[10000];
	int64_t now;
	int reported[4];
};

static void look_at_frames(struct motion_record *w, int frames, bool moving)
{
	for (int i = 0; i < frames; i++) {
		if (moving)
			w->data[5000]++;
		w->now += NS_PER_S / 30;
		w->reported[v4l2_frozen_look(&w->frozen, w->data, sizeof(w->data), w->now)]++;
	}
}

static void assert_reported(struct motion_record *w, int frozen, int still, int back)
{
	assert_int_equal(w->reported[MOTION_FROZEN], frozen);
	assert_int_equal(w->reported[MOTION_STILL], still);
	assert_int_equal(w->reported[MOTION_BACK], back);
}

static void frozen_cameras_are_noticed(void **state)
{
	(void)state;
	static struct motion_record w;

	memset(&w, 0, sizeof(w));
	look_at_frames(&w, 300, true);
	assert_reported(&w, 0, 0, 0);
	look_at_frames(&w, 55, false);
	assert_reported(&w, 0, 0, 0);
	look_at_frames(&w, 1, true); /* just in time */
	look_at_frames(&w, 58, false);
	assert_reported(&w, 0, 0, 0);
	look_at_frames(&w, 4, false);
	assert_reported(&w, 1, 0, 0);
	/* 4, 8, 16, 32 s, and then each minute. */
	look_at_frames(&w, 30 * 65, false);
	assert_reported(&w, 1, 4, 0);
	look_at_frames(&w, 30 * 600, false);
	assert_in_range(w.reported[MOTION_STILL], 13, 14);
	/* One new picture is no recovery, ten are; and then it may be reported again. */
	int still = w.reported[MOTION_STILL];
	look_at_frames(&w, 1, true);
	look_at_frames(&w, 1, false);
	look_at_frames(&w, 9, true);
	assert_reported(&w, 1, still, 0);
	look_at_frames(&w, 1, true);
	assert_reported(&w, 1, still, 1);
	look_at_frames(&w, 1000, true);
	assert_reported(&w, 1, still, 1);
	look_at_frames(&w, 70, false);
	assert_reported(&w, 2, still, 1);
}

/* A slow camera: two seconds alone are not enough, ten pictures must be the same. */
static void slow_cameras_are_not_frozen(void **state)
{
	(void)state;
	struct v4l2_frozen frozen = {0};
	const uint8_t data[3] = {1, 2, 3};

	for (int i = 0; i < 9; i++)
		assert_int_equal(v4l2_frozen_look(&frozen, data, sizeof(data), i * NS_PER_S), MOTION_USUAL);
	assert_int_equal(v4l2_frozen_look(&frozen, data, sizeof(data), 9 * NS_PER_S), MOTION_FROZEN);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_work_is_chosen),
		cmocka_unit_test(unusual_cameras_are_read),
		cmocka_unit_test(controls_are_named),
		cmocka_unit_test(controls_are_read),
		cmocka_unit_test_setup_teardown(cameras_are_known_again, folder_make, folder_remove),
		cmocka_unit_test(gaps_are_counted),
		cmocka_unit_test(times_are_checked),
		cmocka_unit_test(broken_jpegs_are_found),
		cmocka_unit_test(rows_are_copied),
		cmocka_unit_test(frozen_cameras_are_noticed),
		cmocka_unit_test(slow_cameras_are_not_frozen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
