/* SPDX-License-Identifier: MIT */
/* What the devices of /dev have in common: how they are opened and asked, and what to say when they refuse.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stddef.h>

struct error;

/* Opens with O_CLOEXEC besides `flags`. A file descriptor, or device_error's negative errno value. */
int device_open(const char *path, int flags, struct error *e);

/*
 * The message for a negative errno value that the device gave: -EACCES and -EPERM with what to do about it,
 * -EBUSY with the programs that have it open, others as the system words them. Returns code. A message on
 * -EBUSY looks at all processes, which takes some milliseconds; e may be NULL.
 */
int device_error(const char *path, int code, struct error *e);

/* ioctl, again when a signal comes. What ioctl returned, or a negative errno value. */
int device_ioctl(int fd, unsigned long request, void *argument);

/*
 * Who else has the device open, as far as /proc lets us see: "cheese (pid 1234)", several as "…, … and 2
 * more". Returns their number; text is empty for 0.
 */
int device_holders(const char *path, char *text, size_t size);

/* What lets this user in: "it belongs to the group video: …". */
void device_permission_hint(const char *path, char *text, size_t size);

#endif
