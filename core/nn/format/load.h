/* SPDX-License-Identifier: MIT */
/* A network from its folder. */
#ifndef NN_FORMAT_LOAD_H
#define NN_FORMAT_LOAD_H

#include "nn/network.h"

/*
 * Reads and checks the folder (its contents: docs/formats.md). On success *out is owned by the caller. Fails
 * with one message in *e that names file, layer and field; reads nothing past its end.
 */
int network_load(const char *folder, struct network **out, struct error *e);

#endif
