/* SPDX-License-Identifier: MIT */
/* A network of the shapes of EfficientNet-Lite0, with random weights and codes of 8 bits. */
#ifndef TEST_BENCH_LITE0_H
#define TEST_BENCH_LITE0_H

#include "nn/network.h"

/* Its layers are the caller's, lite0_finish frees what they hold. */
struct network lite0_network(void);
void lite0_finish(struct network *network);

#endif
