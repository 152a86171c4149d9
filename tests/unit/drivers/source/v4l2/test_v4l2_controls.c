/* SPDX-License-Identifier: MIT */
/* Which controls of a camera are set, in which order, and what is said of one that cannot be. */
#include "base/error.h"
#include "device/device.h"
#include "source/v4l2/v4l2.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CAMERA 77 /* its descriptor */

static const char *const lamp[] = {"Off", "50 Hz", NULL, "Auto"};
static const char *const modes[] = {NULL, "Manual Mode", NULL, "Aperture Priority Mode"};
static const int64_t gains[] = {100, 200, 400};

/* The camera's controls, by id. */
static struct simulated_control {
	uint32_t id, type;
	const char *name;
	int64_t minimum, maximum;
	const char *const *menu;
	uint32_t flags;
} controls[] = {
	{V4L2_CID_BRIGHTNESS, V4L2_CTRL_TYPE_INTEGER, "Brightness", 0, 255, NULL, 0},
	{V4L2_CID_AUTO_WHITE_BALANCE, V4L2_CTRL_TYPE_BOOLEAN, "White Balance, Automatic", 0, 1, NULL, 0},
	{V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER_MENU, "Gain", 0, 2, NULL, 0},
	{V4L2_CID_POWER_LINE_FREQUENCY, V4L2_CTRL_TYPE_MENU, "Power Line Frequency", 0, 3, lamp, 0},
	{V4L2_CID_SHARPNESS, V4L2_CTRL_TYPE_INTEGER, "Sharpness", 0, 9, NULL, V4L2_CTRL_FLAG_READ_ONLY},
	{V4L2_CID_EXPOSURE_AUTO, V4L2_CTRL_TYPE_MENU, "Auto Exposure", 0, 3, modes, 0},
	{V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Exposure Time, Absolute", 3, 2047, NULL, 0},
};

#define CONTROLS (sizeof(controls) / sizeof(controls[0]))

static char done[200]; /* what was set: "id=value " */
static int refusal;    /* of a set, a negative errno value */
static bool bare;      /* a camera without controls */

static const struct simulated_control *find(uint32_t id)
{
	uint32_t after = id & V4L2_CTRL_FLAG_NEXT_CTRL ? id & ~V4L2_CTRL_FLAG_NEXT_CTRL : id - 1;

	for (size_t i = 0; i < CONTROLS && !bare; i++)
		if (controls[i].id > after)
			return id & V4L2_CTRL_FLAG_NEXT_CTRL || controls[i].id == id ? &controls[i] : NULL;
	return NULL;
}

static int query_menu(struct v4l2_querymenu *query)
{
	const struct simulated_control *c = find(query->id);

	assert_non_null(c);
	assert_in_range(query->index, c->minimum, c->maximum);
	if (c->type == V4L2_CTRL_TYPE_INTEGER_MENU)
		query->value = gains[query->index];
	else if (c->menu[query->index])
		snprintf((char *)query->name, sizeof(query->name), "%s", c->menu[query->index]);
	else
		return -EINVAL;
	return 0;
}

int __wrap_device_ioctl(int fd, unsigned long request, void *argument);

int __wrap_device_ioctl(int fd, unsigned long request, void *argument)
{
	struct v4l2_query_ext_ctrl *query = argument;
	const struct v4l2_control *set = argument;

	assert_int_equal(fd, CAMERA);
	if (request == VIDIOC_QUERYMENU)
		return query_menu(argument);
	if (request == VIDIOC_S_CTRL) {
		size_t used = strlen(done);
		snprintf(done + used, sizeof(done) - used, "%x=%d ", set->id & 0xffff, set->value);
		return refusal;
	}
	assert_int_equal(request, VIDIOC_QUERY_EXT_CTRL);
	const struct simulated_control *c = find(query->id);
	if (!c)
		return -EINVAL;
	*query = (struct v4l2_query_ext_ctrl){.id = c->id,
		.type = c->type,
		.minimum = c->minimum,
		.maximum = c->maximum,
		.flags = c->flags};
	snprintf(query->name, sizeof(query->name), "%s", c->name);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	done[0] = '\0';
	refusal = 0;
	bare = false;
	return 0;
}

static void expect_set(const char *exposure, const char *const *wanted, const char *what)
{
	struct error e;

	done[0] = '\0';
	if (v4l2_controls_set(CAMERA, exposure, wanted, &e))
		fail_msg("%s", e.text);
	assert_string_equal(done, what);
}

/* text: what is at fault. */
static void expect_refusal(const char *exposure, const char *wanted, int status, const char *text)
{
	const char *const list[] = {wanted, NULL};
	struct error e = {0};

	assert_int_equal(v4l2_controls_set(CAMERA, exposure, list, &e), status);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" does not say \"%s\"", e.text, text);
	assert_ptr_equal(e.wrong, exposure ? exposure : wanted);
}

static void controls_are_set_in_their_order(void **state)
{
	(void)state;
	expect_set(NULL, NULL, "");
	expect_set(NULL,
		(const char *const[]){
			"power_line_frequency=50 hz", "Brightness=200", "white_balance_automatic=off", NULL},
		"918=1 900=200 90c=0 ");
	expect_set(
		NULL, (const char *const[]){"power_line_frequency=auto", "gain=400", NULL}, "918=3 913=2 ");
	expect_set(NULL, (const char *const[]){"power_line_frequency=0", NULL}, "918=0 ");
}

static void exposure_is_set_first(void **state)
{
	(void)state;
	expect_set("auto", (const char *const[]){"brightness=1", NULL}, "901=3 900=1 ");
	expect_set("300", NULL, "901=1 902=300 ");
	controls[5].id += 100; /* neither is known */
	controls[6].id += 100;
	expect_refusal("auto", NULL, -EINVAL, "no automatic exposure");
	expect_refusal("300", NULL, -EINVAL, "exposure cannot be set");
	controls[5].id -= 100;
	controls[6].id -= 100;
	expect_refusal("2048", NULL, -EINVAL, "3 to 2047");
	expect_refusal("2", NULL, -EINVAL, "3 to 2047");
}

static void what_cannot_be_set_is_told(void **state)
{
	(void)state;
	expect_refusal(NULL, "brightness", -EINVAL, "NAME=VALUE");
	expect_refusal(NULL, "=3", -EINVAL, "NAME=VALUE");
	expect_refusal(NULL, "brightness=256", -EINVAL, "0 to 255");
	expect_refusal(NULL, "sharpness=3", -EINVAL, "sharpness cannot be set");
	expect_refusal(NULL, "power_line_frequency=2", -EINVAL, "it has: 0 (Off), 1 (50 Hz), 3 (Auto)");
	expect_refusal(NULL, "bright=3", -EINVAL,
		"no control \"bright\"; it has: brightness, white_balance_automatic, gain, "
		"power_line_frequency, auto_exposure, exposure_time_absolute");
	assert_string_equal(done, "");
	bare = true;
	expect_refusal(NULL, "brightness=3", -EINVAL, "no controls");
}

static void a_refusing_camera_is_told(void **state)
{
	(void)state;
	refusal = -EIO;
	expect_refusal(NULL, "brightness=3", -EIO, "brightness cannot be set to 3: Input/output error");
	controls[0].flags = V4L2_CTRL_FLAG_INACTIVE;
	expect_refusal(NULL, "brightness=3", -EIO, "brightness is inactive");
	controls[0].flags = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(controls_are_set_in_their_order, begin),
		cmocka_unit_test_setup(exposure_is_set_first, begin),
		cmocka_unit_test_setup(what_cannot_be_set_is_told, begin),
		cmocka_unit_test_setup(a_refusing_camera_is_told, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
