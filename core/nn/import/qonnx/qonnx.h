/* SPDX-License-Identifier: MIT */
/* Reads the networks that Brevitas exports as QONNX. */
#ifndef NN_IMPORT_QONNX_QONNX_H
#define NN_IMPORT_QONNX_QONNX_H

#include "nn/network.h"

struct error;
struct lower_options;

/*
 * path: MODEL.onnx; tensors may lie in files beside it, and labels.txt, a label a line, too (without it the
 * classes are called "class 0" …). docs/formats.md lists the operators. Weights become integers, and what
 * stands between a layer's sums and the next codes becomes thresholds, or a requantisation where that gives
 * the same codes; both are exact for the model computed in double precision.
 *
 * On success *out passed network_check and is owned by the caller. Fails with one message in *e that names
 * file and node.
 */
int import_qonnx(const char *path, struct network **out, struct error *e);

/* The same with a mean and a deviation of the pixels (core/nn/import/lower/lower.h); no member is needed. */
int import_qonnx_as(
	const char *path, const struct lower_options *options, struct network **out, struct error *e);

#endif
