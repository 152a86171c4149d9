/* SPDX-License-Identifier: MIT */
/* What the parts of the importer of QNN-MO-PYNQ's networks share: where the list of layers stands. */
#ifndef NN_IMPORT_QNN_MO_LIST_H
#define NN_IMPORT_QNN_MO_LIST_H

#include "nn/network.h"

struct error;

struct qnn_mo_import {
	char *path;	   /* of the layer list */
	char *parameters;  /* folder of the .bin files */
	const char *layer; /* the current layer, for messages */
	struct network *network;
	int bits;	    /* of all codes: 2 or 3; 0: no layer yet */
	struct shape shape; /* what the layers so far give, all groups; channels 0: no layer yet */
	int groups;	    /* 1 outside of split and merge */
	int file;	    /* L of the first group of the next convolution */
	int file_step; /* from a group's L to the next group's: the convolutions between split and merge */
	bool ended;    /* a fully connected layer came, or the mark of the end */
};

#define layer_error(m, e, format, ...)                                                                       \
	error_set(e, -EBADMSG, "%s: layer \"%s\": " format, (m)->path, (m)->layer, ##__VA_ARGS__)

/*
 * Weights and thresholds of a convolution, from its files; *files: how many L these are for each group. The
 * error names the file.
 */
int qnn_mo_read_parameters(const struct qnn_mo_import *m, struct layer *layer, int *files, struct error *e);

/*
 * Conv0, from pixels, which that project computes in floating point: NETWORK-LAYER.npy beside the list.
 * Whether that file is there; and its weights, in 8 bits, and thresholds for a layer of known shape.
 */
bool qnn_mo_has_conv0(const struct qnn_mo_import *m);
int qnn_mo_read_conv0(const struct qnn_mo_import *m, struct layer *layer, struct error *e);

#endif
