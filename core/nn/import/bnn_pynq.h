/* SPDX-License-Identifier: MIT */
/* Reads BNN-PYNQ's networks, LFC-W1A1 and -W1A2 (28×28 pixels), CNV-W1A1, -W1A2 and -W2A2 (32×32, colour), in
 * that project's own format. */
#ifndef NN_IMPORT_BNN_PYNQ_H
#define NN_IMPORT_BNN_PYNQ_H

#include "nn/network.h"

struct error;
struct network_files;

/*
 * folder: holds L-PE-weights.bin and L-PE-thres.bin, and classes.txt as a rule; the files' lengths tell which
 * network it is. An LFC takes bits of pixels, 1 from 128 on, and the highest score is that project's result
 * for every picture; the logits of a CNV are that project's scores. The network has the folder's name.
 *
 * On success *out passed network_check and is owned by the caller; else it is NULL. Fails with one message in
 * *e that names the file; every file has exactly the size that its layer needs.
 */
int import_bnn_pynq(const char *folder, struct network **out, struct error *e);

/* The same of files that lie anywhere, called "lfc" or "cnv"; the network's folder is left NULL. */
int import_bnn_pynq_files(const struct network_files *files, struct network **out, struct error *e);

#endif
