/* SPDX-License-Identifier: MIT */
/* How long a network takes for a picture on this processor, from a few of its layers. */
#ifndef APP_CHOICE_ESTIMATE_H
#define APP_CHOICE_ESTIMATE_H

#include "nn/network.h"

struct error;

/*
 * *picture: ns of processor time in one thread. kernels: as for engine_create. Takes at most about `budget`
 * ns, or what a layer of each kind of work takes, if that is more; the others are estimated from these.
 * -ENOTSUP: no layer can be timed.
 */
int estimate_picture(const struct network *network, const char *kernels, int64_t budget, int64_t *picture,
	struct error *e);

#endif
