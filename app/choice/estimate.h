/* SPDX-License-Identifier: MIT */
/* How long a network takes for a picture on this processor, from a few of its layers. */
#ifndef APP_CHOICE_ESTIMATE_H
#define APP_CHOICE_ESTIMATE_H

#include "nn/network.h"

struct error;

/*
 * *picture: ns of processor time in one thread. kernels: as for engine_create. Takes at most about `budget`
 * ns; layers that were not reached are estimated from those that were. -ETIME: none was reached.
 */
int estimate_picture(const struct network *network, const char *kernels, int64_t budget, int64_t *picture,
	struct error *e);

#endif
