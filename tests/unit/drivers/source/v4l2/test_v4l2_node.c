/* SPDX-License-Identifier: MIT */
/* Which of the video nodes is taken for a camera, and what is said where none is. */
#include "base/error.h"
#include "device/device.h"
#include "source/v4l2/v4l2.h"
#include "support/folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NODES 4

/* The nodes of this machine, by number. */
static struct simulated_node {
	int refusal; /* of the open, a negative errno value */
	const char *card;
	uint32_t can;
} nodes[NODES];

static int opened; /* the node */
static char *sysfs;

int __wrap_device_open(const char *path, int flags, struct error *e);
int __wrap_device_ioctl(int fd, unsigned long request, void *argument);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

int __wrap_device_open(const char *path, int flags, struct error *e)
{
	(void)flags;
	assert_int_equal(sscanf(path, "/dev/video%d", &opened), 1);
	if (nodes[opened].refusal)
		return error_set(e, nodes[opened].refusal, "%s is closed", path);
	int fd = dup(STDERR_FILENO);
	assert_true(fd >= 0);
	return fd;
}

int __wrap_device_ioctl(int fd, unsigned long request, void *argument)
{
	struct v4l2_capability *capability = argument;

	(void)fd;
	assert_int_equal(request, VIDIOC_QUERYCAP);
	if (!nodes[opened].card)
		return -ENOTTY;
	*capability = (struct v4l2_capability){
		.capabilities = V4L2_CAP_DEVICE_CAPS, .device_caps = nodes[opened].can};
	snprintf((char *)capability->card, sizeof(capability->card), "%s", nodes[opened].card);
	return 0;
}

/* Where sysfs has the nodes, the test's folder has them. */
static const char *of_sysfs(const char *path, char out[PATH_MAX])
{
	size_t length = strlen(V4L2_SYSFS);

	if (strncmp(path, V4L2_SYSFS, length) != 0)
		return path;
	snprintf(out, PATH_MAX, "%s%s", sysfs, path + length);
	return out;
}

DIR *__wrap_opendir(const char *path)
{
	char moved[PATH_MAX];

	return __real_opendir(of_sysfs(path, moved));
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	char moved[PATH_MAX];

	return __real_fopen64(of_sysfs(path, moved), mode);
}

static int begin(void **state)
{
	char name[64], text[32];

	(void)state;
	sysfs = folder_create();
	for (int i = 0; i < NODES; i++) {
		nodes[i] = (struct simulated_node){.refusal = -ENODEV};
		snprintf(name, sizeof(name), "/video%d/name", i);
		snprintf(text, sizeof(text), "node %d\n", i);
		folder_put(sysfs, name, text);
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	folder_destroy(sysfs);
	return 0;
}

static void the_first_camera_is_taken(void **state)
{
	struct v4l2_node node;
	struct error e;

	(void)state;
	nodes[0] = (struct simulated_node){-EACCES, NULL, 0};
	nodes[1] = (struct simulated_node){
		0, "HD Pro Webcam C920: HD Pro Webc", V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING};
	nodes[2] = (struct simulated_node){
		0, "HD Pro Webcam C920: HD Pro Webc", V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING};
	nodes[3] = nodes[2];
	int fd = v4l2_node_open(NULL, &node, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(node.number, 2);
	assert_string_equal(node.path, "/dev/video2");
	assert_string_equal(node.name, "HD Pro Webcam C920");
	nodes[2].card = "Logitech: BRIO";
	fd = v4l2_node_open(NULL, &node, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_string_equal(node.name, "Logitech: BRIO");
}

/* A camera that this user may not open is the reason rather than that there is none. */
static void a_refusal_is_told(void **state)
{
	struct v4l2_node node;
	struct error e;

	(void)state;
	assert_int_equal(v4l2_node_open(NULL, &node, &e), -ENOENT);
	assert_non_null(strstr(e.text, "no camera found"));
	nodes[1].refusal = -EACCES;
	nodes[3].refusal = -EBUSY;
	assert_int_equal(v4l2_node_open(NULL, &node, &e), -EACCES);
	assert_string_equal(e.text, "/dev/video1 is closed");
}

static void other_files_are_no_camera(void **state)
{
	struct v4l2_node node;
	struct error e;

	(void)state;
	assert_int_equal(v4l2_node_open("/dev/null", &node, &e), -ENODEV);
	assert_string_equal(e.text, "/dev/null is no camera");
	assert_int_equal(v4l2_node_open("/dev/nothing", &node, &e), -ENOENT);
	assert_string_equal(e.text, "/dev/nothing: no such camera, and there is no other");
	nodes[2] = (struct simulated_node){0, "Webcam", V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING};
	nodes[3].refusal = -EBUSY; /* it has a name all the same */
	assert_int_equal(v4l2_node_open("/dev/nothing", &node, &e), -ENOENT);
	assert_string_equal(
		e.text, "/dev/nothing: no such camera; there is /dev/video2 (Webcam), /dev/video3 (node 3)");
}

/* What a node without pictures is. */
static void other_nodes_are_named(void **state)
{
	static const struct {
		uint32_t can;
		const char *text;
	} cases[] = {
		{V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING, "is a converter"},
		{V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING, "is a converter"},
		{V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE, "by read() only"},
		{V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING, "separate planes"},
		{V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING, "metadata"},
		{V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING, "is an output"},
		{V4L2_CAP_VIDEO_OUTPUT_MPLANE, "is an output"},
		{V4L2_CAP_RADIO, "gives no pictures"},
	};
	struct v4l2_node node;
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		nodes[0] = (struct simulated_node){0, "Thing", cases[i].can};
		assert_int_equal(v4l2_number_open(0, &node, &e), -ENODEV);
		if (!strstr(e.text, cases[i].text) || !strstr(e.text, "/dev/video0 (Thing) "))
			fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].text);
	}
	nodes[0] = (struct simulated_node){0, NULL, 0};
	assert_int_equal(v4l2_number_open(0, &node, &e), -ENODEV);
	assert_string_equal(e.text, "/dev/video0 is no camera");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_camera_is_taken, begin, end),
		cmocka_unit_test_setup_teardown(a_refusal_is_told, begin, end),
		cmocka_unit_test_setup_teardown(other_files_are_no_camera, begin, end),
		cmocka_unit_test_setup_teardown(other_nodes_are_named, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
