/* SPDX-License-Identifier: MIT */
/*
 * What the program gives up once it needs it no more. From then on the kernel refuses it with EPERM, EACCES
 * or ENOSYS, whichever code asks. Landlock limits files (docs.kernel.org/userspace-api/landlock.html),
 * seccomp system calls (docs.kernel.org/userspace-api/seccomp_filter.html). Nothing of it can be taken back.
 *
 * The limits on system calls hold for all threads at once. The kernel limits files for a thread and for those
 * that it starts later.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>

struct error;
struct sandbox_files;

/* What kernel and build offer. Sanitizers start processes at the end, so their builds have no sandbox. */
struct sandbox_support {
	int files;  /* the version of Landlock; 0: none */
	bool calls; /* seccomp */
};
struct sandbox_support sandbox_support(void);

enum sandbox_access {
	SANDBOX_READ,  /* and ioctl, for a device */
	SANDBOX_WRITE, /* also read, make, delete and rename within a folder */
};

/* Nothing is allowed yet. -ENOSYS: there is no Landlock. */
int sandbox_files_create(struct sandbox_files **out, struct error *e);
void sandbox_files_destroy(struct sandbox_files *files); /* takes NULL */

/* Allows a file, or a folder with all that is below it now or later. What is not there is passed over. */
void sandbox_files_allow(struct sandbox_files *files, const char *path, enum sandbox_access access);

/* The calling thread, and those that it starts, open no other file. Each thread may enter by itself. */
int sandbox_files_enter(const struct sandbox_files *files, struct error *e);

/*
 * All threads start no process or program, debug none, signal none, load no module, change no mount, owner,
 * mode or clock, and so on: calls.c has the list. serves: a socket that listens already accepts connections.
 * logged: the kernel's log tells what is refused.
 */
int sandbox_calls_enter(bool serves, bool logged, struct error *e);

enum sandbox_sockets {
	SANDBOX_SOCKETS_NETWORK = 1, /* of IP, and what finds addresses */
	SANDBOX_SOCKETS_NOTIFY = 2,  /* for messages to systemd */
};

/* All threads make no sockets but these. */
int sandbox_sockets_enter(unsigned allowed, bool logged, struct error *e);

#endif
