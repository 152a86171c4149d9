/* SPDX-License-Identifier: MIT */
/* The processors that this process may use. */
#ifndef NN_CORES_H
#define NN_CORES_H

#include <sched.h>

/* The most cores that are told apart; more are not used. */
#define CORES_MOST 64

struct cores {
	int count;		    /* cores that the affinity mask allows, at least 1 */
	int processors;		    /* hardware threads of them: at least as many */
	cpu_set_t sets[CORES_MOST]; /* [count], the hardware threads of a core */
	int of_caller;		    /* the core that runs the caller now; −1: not known */
};

/* Where the system does not tell which hardware threads share a core, each counts as one. */
void cores_find(struct cores *out);

/* Their count alone. */
int cores_count(void);

#endif
