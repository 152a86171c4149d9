/* SPDX-License-Identifier: MIT */
/* What all devices of /dev share: opening, ioctl, and messages for refusals. */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stddef.h>

struct error;

/* Opens with `flags` and O_CLOEXEC. Returns a file descriptor, or device_error's negative errno value. */
int device_open(const char *path, int flags, struct error *e);

/*
 * The message for a device's negative errno value: -EACCES and -EPERM with a hint, -EBUSY with the programs
 * that have it open, others with the system's text. Returns code. For -EBUSY it reads all processes, which
 * takes some milliseconds; e may be NULL.
 */
int device_error(const char *path, int code, struct error *e);

/* ioctl, repeated after a signal. Returns what ioctl returned, or a negative errno value. */
int device_ioctl(int fd, unsigned long request, void *argument);

/*
 * Which other programs have the device open, as far as /proc shows: "cheese (pid 1234)", several as "…, … and
 * 2 more". Returns their number; text is empty for 0.
 */
int device_holders(const char *path, char *text, size_t size);

/* How this user gets access: "it belongs to the group video: …". */
void device_permission_hint(const char *path, char *text, size_t size);

#endif
