/* SPDX-License-Identifier: MIT */
/* Which node of /dev a name means, whether it gives pictures, and how a camera is recognised again. */
#include "base/error.h"
#include "device/device.h"
#include "source/v4l2/v4l2.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define V4L2_MAJOR 81

/* Reads one line of sysfs; it is empty where the file does not exist. */
static bool line_read(const char *sysfs, int number, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/video%d/%s", sysfs, number, name);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, (int)size, file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return true;
}

int v4l2_identify(const char *sysfs, int number, struct v4l2_identity *identity)
{
	char path[PATH_MAX];
	char place[PATH_MAX];

	*identity = (struct v4l2_identity){0};
	if (!line_read(sysfs, number, "name", identity->name, sizeof(identity->name)))
		return -ENOENT;
	line_read(sysfs, number, "index", identity->index, sizeof(identity->index));
	line_read(sysfs, number, "device/bInterfaceNumber", identity->interface, sizeof(identity->interface));
	line_read(sysfs, number, "device/../idVendor", identity->vendor, sizeof(identity->vendor));
	line_read(sysfs, number, "device/../idProduct", identity->product, sizeof(identity->product));
	line_read(sysfs, number, "device/../serial", identity->serial, sizeof(identity->serial));
	snprintf(path, sizeof(path), "%s/video%d/device", sysfs, number);
	if (realpath(path, place))
		snprintf(identity->place, sizeof(identity->place), "%.511s", place);
	return 0;
}

bool v4l2_same_camera(const struct v4l2_identity *a, const struct v4l2_identity *b)
{
	if (strcmp(a->index, b->index) != 0 || strcmp(a->interface, b->interface) != 0)
		return false;
	if (a->vendor[0])
		return strcmp(a->vendor, b->vendor) == 0 && strcmp(a->product, b->product) == 0 &&
		       strcmp(a->serial, b->serial) == 0;
	return a->name[0] && strcmp(a->name, b->name) == 0 && strcmp(a->place, b->place) == 0 &&
	       !b->vendor[0];
}

static int numbers_compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int v4l2_numbers(const char *sysfs, int numbers[V4L2_NODES])
{
	struct dirent *entry;
	int count = 0;

	DIR *folder = opendir(sysfs);
	if (!folder)
		return 0;
	while (count < V4L2_NODES && (entry = readdir(folder))) {
		char *end;
		if (strncmp(entry->d_name, "video", 5) != 0)
			continue;
		long number = strtol(entry->d_name + 5, &end, 10);
		if (end > entry->d_name + 5 && !*end && number >= 0 && number < V4L2_NODES)
			numbers[count++] = (int)number;
	}
	closedir(folder);
	qsort(numbers, (size_t)count, sizeof(*numbers), numbers_compare);
	return count;
}

int v4l2_number_of(const char *path)
{
	struct stat status;
	char link[64];
	char target[PATH_MAX];
	int number;

	if (stat(path, &status) < 0 || !S_ISCHR(status.st_mode) || major(status.st_rdev) != V4L2_MAJOR)
		return -ENOENT;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(status.st_rdev), minor(status.st_rdev));
	ssize_t length = readlink(link, target, sizeof(target) - 1);
	if (length > 0) {
		target[length] = '\0';
		const char *name = strrchr(target, '/');
		if (name && sscanf(name, "/video%d", &number) == 1) // NOLINT(cert-err34-c): the kernel's own
			return number;
		return -ENOENT;
	}
	return (int)minor(status.st_rdev);
}

/* uvcvideo gives the name twice: "HD Pro Webcam C920: HD Pro Webc". */
static void card_name(const char *card, char *name, size_t size)
{
	snprintf(name, size, "%s", card);
	char *again = strstr(name, ": ");
	if (again && strstr(name, again + 2) == name)
		*again = '\0';
}

/* 0, or -ENODEV with the reason why this node gives no pictures. */
static int capture_check(int fd, struct v4l2_node *node, struct error *e)
{
	struct v4l2_capability *c = &node->capability;
	const char *what;

	if (device_ioctl(fd, VIDIOC_QUERYCAP, c) < 0)
		return error_set(e, -ENODEV, "%s is no camera", node->path);
	uint32_t can = c->capabilities & V4L2_CAP_DEVICE_CAPS ? c->device_caps : c->capabilities;
	card_name((const char *)c->card, node->name, sizeof(node->name));
	if (can & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE))
		what = "is a converter and no camera";
	else if (can & V4L2_CAP_VIDEO_CAPTURE && can & V4L2_CAP_STREAMING)
		return 0;
	else if (can & V4L2_CAP_VIDEO_CAPTURE)
		what = "gives pictures by read() only, which twobit does not use";
	else if (can & V4L2_CAP_VIDEO_CAPTURE_MPLANE)
		what = "gives pictures in separate planes, which twobit does not read";
	else if (can & V4L2_CAP_META_CAPTURE)
		what = "gives a camera's metadata and no pictures";
	else if (can & (V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE))
		what = "is an output and no camera";
	else
		what = "gives no pictures";
	return error_set(e, -ENODEV, "%s (%s) %s", node->path, node->name, what);
}

static int path_open(struct v4l2_node *node, struct error *e)
{
	int fd = device_open(node->path, O_RDWR | O_NONBLOCK, e);
	if (fd < 0)
		return fd;
	int status = capture_check(fd, node, e);
	if (status < 0) {
		close(fd);
		return status;
	}
	return fd;
}

int v4l2_number_open(int number, struct v4l2_node *node, struct error *e)
{
	*node = (struct v4l2_node){.number = number};
	snprintf(node->path, sizeof(node->path), "/dev/video%d", number);
	v4l2_identify(V4L2_SYSFS, number, &node->identity);
	return path_open(node, e);
}

static int first_open(struct v4l2_node *node, struct error *e)
{
	int numbers[V4L2_NODES];
	int count = v4l2_numbers(V4L2_SYSFS, numbers);
	struct error denied = {0};

	for (int i = 0; i < count; i++) {
		struct error why;
		int fd = v4l2_number_open(numbers[i], node, &why);
		if (fd >= 0)
			return fd;
		if (fd != -ENODEV && !denied.code)
			denied = why;
	}
	if (denied.code)
		return error_set(e, denied.code, "%s", denied.text);
	return error_set(e, -ENOENT,
		"no camera found; plug one in, or give a picture, a folder, a video, or \"test\"");
}

/* "/dev/video0 (HD Pro Webcam C920), /dev/video4 (…)": all nodes with pictures, or those of one device. */
static void others_list(const struct v4l2_identity *same_device, char *text, size_t size)
{
	int numbers[V4L2_NODES];
	int count = v4l2_numbers(V4L2_SYSFS, numbers);
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < count && used < size; i++) {
		struct v4l2_node node;
		int fd = v4l2_number_open(numbers[i], &node, NULL);
		if (fd >= 0)
			close(fd);
		if (fd == -ENODEV || (same_device && strcmp(same_device->place, node.identity.place) != 0))
			continue;
		const char *name = node.name[0] ? node.name : node.identity.name;
		used += (size_t)snprintf(
			text + used, size - used, "%s%s (%s)", used ? ", " : "", node.path, name);
	}
}

static int missing(const char *source, struct error *e)
{
	char others[256];

	others_list(NULL, others, sizeof(others));
	if (!others[0])
		return error_set(e, -ENOENT, "%s: no such camera, and there is no other", source);
	return error_set(e, -ENOENT, "%s: no such camera; there is %s", source, others);
}

int v4l2_node_open(const char *source, struct v4l2_node *node, struct error *e)
{
	char path[PATH_MAX];
	char others[256];
	struct stat status;

	if (!source)
		return first_open(node, e);
	bool digits = source[0] && strspn(source, "0123456789") == strlen(source);
	snprintf(path, sizeof(path), "%s%s", digits ? "/dev/video" : "", source);
	if (stat(path, &status) < 0)
		return errno == EACCES ? device_error(path, -EACCES, e) : missing(source, e);
	int number = v4l2_number_of(path);
	if (number < 0)
		return error_set(e, -ENODEV, "%s is no camera", source);
	int fd = v4l2_number_open(number, node, e);
	if (fd == -ENOENT) {
		/* The node has another name. */
		snprintf(node->path, sizeof(node->path), "%.31s", path);
		fd = path_open(node, e);
	}
	if (fd != -ENODEV || !node->identity.place[0])
		return fd;
	others_list(&node->identity, others, sizeof(others));
	if (others[0] && e)
		snprintf(e->text + strlen(e->text), sizeof(e->text) - strlen(e->text), "; the camera is %s",
			others);
	return fd;
}
