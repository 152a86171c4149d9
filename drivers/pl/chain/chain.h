/* SPDX-License-Identifier: MIT */
/*
 * What every PL in hardware takes: a chain of convolutions, fully connected layers and max pools, each of
 * which reads the layer before it. Each driver checks the limits of its own design after these.
 */
#ifndef PL_CHAIN_CHAIN_H
#define PL_CHAIN_CHAIN_H

#include "nn/network.h"

struct error;

/* `pl` is its name in the message, which names the layer: -ENOTSUP, if the layer is not for such a chain. */
int chain_check(const struct network *network, int layer, const char *pl, struct error *e);

#endif
