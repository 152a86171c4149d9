/* SPDX-License-Identifier: MIT */
#include "source/cameras.h"

#include "base/error.h"
#include "source/v4l2/v4l2.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS "/dev/v4l/by-id"

/* The permanent name that udev gives the node; "" without udev or a serial number. */
static void link_find(const char *path, char *link, size_t size)
{
	struct dirent *entry;
	char target[PATH_MAX];
	bool found = false;

	link[0] = '\0';
	DIR *folder = opendir(LINKS);
	while (folder && !found && (entry = readdir(folder))) {
		snprintf(link, size, LINKS "/%s", entry->d_name);
		found = realpath(link, target) && strcmp(target, path) == 0;
	}
	if (folder)
		closedir(folder);
	if (!found)
		link[0] = '\0';
}

static void entry_fill(struct camera_entry *entry, const struct v4l2_node *node)
{
	const char *name = node->name[0] ? node->name : node->identity.name;

	snprintf(entry->name, sizeof(entry->name), "%s", name[0] ? name : "a camera");
	snprintf(entry->path, sizeof(entry->path), "%s", node->path);
	snprintf(entry->bus, sizeof(entry->bus), "%s", (const char *)node->capability.bus_info);
	snprintf(entry->driver, sizeof(entry->driver), "%s", (const char *)node->capability.driver);
	link_find(node->path, entry->link, sizeof(entry->link));
}

/* Whether the node belongs in the list. fd < 0: why it does not open. */
static bool belongs(int fd, const struct v4l2_node *node)
{
	if (fd >= 0)
		return true;
	/* A camera's other nodes carry metadata. A node that does not open cannot be queried. */
	bool first = !node->identity.index[0] || strcmp(node->identity.index, "0") == 0;
	return fd != -ENODEV && fd != -ENOENT && first;
}

int cameras_find(struct camera_entry **out)
{
	int numbers[V4L2_NODES];
	int nodes = v4l2_numbers(V4L2_SYSFS, numbers);
	int count = 0;
	int status = 0;

	*out = calloc((size_t)nodes + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (int i = 0; i < nodes && status != -ENOMEM; i++) {
		struct v4l2_node node;
		struct error e = {0};
		int fd = v4l2_number_open(numbers[i], &node, &e);
		if (!belongs(fd, &node))
			continue;
		struct camera_entry *entry = &(*out)[count++];
		entry_fill(entry, &node);
		status = fd < 0 ? fd : v4l2_formats_read(fd, &entry->formats);
		if (fd >= 0)
			close(fd);
		if (status >= 0)
			entry->format_count = status;
		else
			snprintf(entry->failure, sizeof(entry->failure), "%s",
				e.text[0] ? e.text : strerror(-status));
	}
	if (status != -ENOMEM)
		return count;
	cameras_forget(*out, count);
	*out = NULL;
	return -ENOMEM;
}

void cameras_forget(struct camera_entry *cameras, int count)
{
	for (int i = 0; i < count; i++)
		v4l2_formats_free(cameras[i].formats, cameras[i].format_count);
	free(cameras);
}
