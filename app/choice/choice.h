/* SPDX-License-Identifier: MIT */
/*
 * The network of a command whose user names none: NETWORK_LARGE where this processor keeps up with a camera,
 * NETWORK_DEFAULT where a PL in hardware runs it, where the processor is too slow, or where no other is
 * there.
 */
#ifndef APP_CHOICE_CHOICE_H
#define APP_CHOICE_CHOICE_H

#include "base/error.h"
#include "nn/network.h"

#include <stdbool.h>

struct choice {
	const char *network;	  /* that the user named; NULL: none */
	const char *pl, *kernels; /* as for pl_open; pl NULL: auto */
	bool quiet;		  /* no line about what was taken */
};

/*
 * Whether there are such a PL and such kernels, before anything is opened: 0, -EINVAL or -ENOTSUP; *where is
 * which of the two.
 */
int choice_check(const struct choice *choice, enum failure *where, struct error *e);

/* As networks_open. A choice is logged in one line with its reason. */
int choose_network(const struct choice *choice, struct network **out, struct error *e);

#endif
