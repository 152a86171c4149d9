/* SPDX-License-Identifier: MIT */
/* Reads the networks of QNN-MO-PYNQ (1-bit weights, 2-bit activations) in that project's own format. */
#ifndef NN_IMPORT_QNN_MO_H
#define NN_IMPORT_QNN_MO_H

#include "nn/network.h"

struct error;

/*
 * path: the layer list (NAME-layers.json), or the folder that holds exactly one. The list's field `binparam`
 * names the folder of weights and thresholds, from where the list lies. What that project computed in
 * software is left out: the first `layer_skip` layers and the fully connected ones at the end. So the network
 * starts and ends with 2-bit codes (class_count 0, no labels). Layers between a split and a merge get as many
 * groups, and channels keep their order: those of the first group come first.
 *
 * On success *out passed network_check and is owned by the caller. Fails with one message in *e that names
 * file, layer and field; every file has exactly the size that its layer needs.
 */
int import_qnn_mo(const char *path, struct network **out, struct error *e);

#endif
