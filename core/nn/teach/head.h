/* SPDX-License-Identifier: MIT */
/* A network's last layer, and another in its place. */
#ifndef NN_TEACH_HEAD_H
#define NN_TEACH_HEAD_H

#include "nn/network.h"
#include "nn/teach/ridge.h"

struct error;

/*
 * The layers that make features: 0 … this − 1. Where the network ends in scores, it falls apart there for the
 * last time (network_cuts); a network that ends in codes keeps all its layers. -EINVAL: nothing is left.
 */
int head_features(const struct network *network, int *layers, struct error *e);

/*
 * Puts a fully connected layer of 8-bit weights behind the features, in the place of what gave scores, and
 * the classes of these labels in the place of the network's; it has no groups, temperature or unknown_below
 * then, which belonged to its old scores. Each class's weights have a scale of their own, so that rounding
 * costs less than a 254th of the largest. After an error the network can only be destroyed.
 */
int head_replace(struct network *network, const struct ridge *ridge, char *const *labels, int class_count,
	struct error *e);

#endif
