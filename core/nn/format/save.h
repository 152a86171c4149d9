/* SPDX-License-Identifier: MIT */
/* A network into a folder. */
#ifndef NN_FORMAT_SAVE_H
#define NN_FORMAT_SAVE_H

#include "nn/network.h"

/*
 * Writes the network as a folder that network_load reads. The folder is made when all of it is written; it
 * must not be there before, or be empty. After a failure all is as it was.
 */
int network_save(const struct network *network, const char *folder, struct error *e);

/* The same into a folder that holds other files, too. */
struct output_folder;
int network_save_files(const struct network *network, struct output_folder *to, struct error *e);

#endif
