/* SPDX-License-Identifier: MIT */
/* Reads a folder of .npy arrays, as other tools write them, with a list of layers (docs/formats.md). */
#ifndef NN_IMPORT_NPY_FOLDER_H
#define NN_IMPORT_NPY_FOLDER_H

#include "nn/network.h"

struct error;
struct network_files;

/*
 * folder: holds layers.json, which is written as network.json is, and the arrays. Weights may come in any
 * order of dimensions (`layout`), numbers in any type of NumPy's that holds them.
 *
 * On success *out passed network_check and is owned by the caller; else it is NULL. Fails with one message
 * in *e that names file, layer and field; reads nothing past its end.
 */
int import_npy(const char *folder, struct network **out, struct error *e);

/* The same of files that lie anywhere; the network's folder is left NULL. */
int import_npy_files(const struct network_files *files, struct network **out, struct error *e);

#endif
