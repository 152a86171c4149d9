/* SPDX-License-Identifier: MIT */
/* Reads ONNX models of 8-bit integers, and of floats, which it quantises to 8 bits. */
#ifndef NN_IMPORT_ONNX_IMPORT_ONNX_H
#define NN_IMPORT_ONNX_IMPORT_ONNX_H

#include "nn/network.h"

struct error;

enum { IMPORT_CHANNELS = 16 /* of pixels, for which a mean can be given */ };

/*
 * Pictures to calibrate with. read: picture `index` as uint8_t [height][width][channels], as `classify` would
 * give it to the network.
 */
struct calibration_pictures {
	int count;
	int (*read)(void *context, int index, struct shape shape, uint8_t *pixels, struct error *e);
	void *context;
	double effort; /* multiplications that may be spent on them in all; 0: CALIBRATION_EFFORT */
};

#define CALIBRATION_EFFORT 2e13 /* about an hour */

struct import_onnx_options {
	/* What becomes of a pixel of 0 … 255 before the model sees it: (pixel / 255 − mean) / std. One number
	 * for all channels, or one for each; count 0: mean 0, std 1. */
	double mean[IMPORT_CHANNELS], std[IMPORT_CHANNELS];
	int mean_count, std_count;
	int height, width; /* of the input where the model leaves them open; 0: not given */
	struct view view;
	const char *labels; /* a file, a label a line; NULL: labels.txt beside the model, else numbers */
	struct calibration_pictures pictures; /* needed by a model of floats */
};

/* How well 8 bits keep what one layer makes. */
struct layer_error {
	char *name;	     /* the node's */
	char *type;	     /* its operator */
	double least, most;  /* of the numbers that occurred */
	double low, high;    /* of those that the codes stand for */
	double noise, power; /* Σ (quantised − float)², with the errors of all layers before; Σ float² */
};

struct layer_report {
	struct layer_error *layers;
	int count; /* 0: the model was quantised already */
};

/*
 * path: MODEL.onnx; tensors may lie in files beside it. docs/formats.md lists operators, and what becomes of
 * them. report may be NULL.
 *
 * On success *out passed network_check and is owned by the caller, and so is the report. Fails with one
 * message in *e that names file and node, and says what to do.
 */
int import_onnx(const char *path, const struct import_onnx_options *options, struct network **out,
	struct layer_report *report, struct error *e);

void layer_report_finish(struct layer_report *report);

#endif
