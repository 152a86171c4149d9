/* SPDX-License-Identifier: MIT */
/* Random networks of every kind of layer, whose layers read any that come before them. */
#ifndef TEST_SUPPORT_RANDOM_GRAPH_H
#define TEST_SUPPORT_RANDOM_GRAPH_H

#include "nn/network.h"

/* A whole network that network_check takes, of 3 … `most` layers and a few more that join their ends. */
struct network *random_graph(int most);

#endif
