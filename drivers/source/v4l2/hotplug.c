/* SPDX-License-Identifier: MIT */
/*
 * Notices that a node appears, changes or goes. The kernel makes nodes in /dev by itself; udev, where it
 * runs, then sets their permissions and links to them. inotify reports all of that.
 */
#include "base/log.h"
#include "source/v4l2/v4l2.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define CHANGES (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_ONLYDIR)

/* For many events: one has at most 16 bytes and a name of 256. */
#define EVENT_BYTES 4096

int v4l2_hotplug_open(const char *dev)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd >= 0 && inotify_add_watch(fd, dev, CHANGES) >= 0)
		return fd;
	log_debug("%s: no notice of changes (%s); looking for the camera from time to time", dev,
		strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void v4l2_hotplug_rearm(int fd, const char *dev, const char *source)
{
	char events[EVENT_BYTES];
	char folder[256];
	size_t length = strlen(dev);

	if (fd < 0)
		return;
	while (read(fd, events, sizeof(events)) > 0)
		;
	if (!source || strncmp(source, dev, length) != 0 || source[length] != '/')
		return;
	/* A folder that does not exist yet makes its parent change when it appears. */
	for (const char *end = strchr(source + length + 1, '/'); end; end = strchr(end + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(end - source), source);
		inotify_add_watch(fd, folder, CHANGES);
	}
}
