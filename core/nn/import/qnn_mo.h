/* SPDX-License-Identifier: MIT */
/* Reads the networks of QNN-MO-PYNQ (1-bit weights, activations of 2 or 3 bits) in that project's own format.
 */
#ifndef NN_IMPORT_QNN_MO_H
#define NN_IMPORT_QNN_MO_H

#include "nn/network.h"

struct error;

/*
 * path: the layer list (NAME-layers.json), or the folder that holds exactly one. The list's field `binparam`
 * names the folder of weights and thresholds, from where the list lies. What that project computed in
 * software is left out, the first `layer_skip` layers and the fully connected ones at the end, but for Conv0
 * where its file is there. So the network starts with pixels or codes and ends with codes (class_count 0, no
 * labels). Codes of 3 bits are kept in 4. Layers between a split and a merge get as many
 * groups, and channels keep their order: those of the first group come first.
 *
 * On success *out passed network_check and is owned by the caller. Fails with one message in *e that names
 * file, layer and field; every file has exactly the size that its layer needs.
 */
int import_qnn_mo(const char *path, struct network **out, struct error *e);

#endif
