/* SPDX-License-Identifier: MIT */
/* The options of `twobit import onnx`. */
#ifndef APP_IMPORT_ONNX_OPTIONS_H
#define APP_IMPORT_ONNX_OPTIONS_H

#include "cli/options.h"
#include "import/pictures.h"
#include "nn/import/onnx/import_onnx.h"

struct onnx_values {
	struct option_text calibrate, mean, std, crop, labels;
	struct option_size size; /* 0: not given */
	bool layer_report;
};

/* Rows of an options table; the command's struct `type` has a member `struct onnx_values onnx`. */
#define OPTION_ROWS_ONNX(type)                                                                               \
	{"calibrate", 0, OPTION_TEXT, "FOLDER", "onnx: pictures to quantise a model of floats with",         \
		offsetof(type, onnx.calibrate), 0, 0, NULL, OPTION_FROM_OWN},                                \
		{"mean", 0, OPTION_TEXT, "X|X,X,X",                                                          \
			"onnx, qonnx: the model takes (pixel / 255 - mean) / std; one for each channel, or " \
			"one "                                                                               \
			"[0]",                                                                               \
			offsetof(type, onnx.mean), 0, 0, NULL, OPTION_FROM_OWN},                             \
		{"std", 0, OPTION_TEXT, "X|X,X,X", "onnx, qonnx: see --mean [1]", offsetof(type, onnx.std),  \
			0, 0, NULL, OPTION_FROM_OWN},                                                        \
		{"size", 0, OPTION_SIZE, "WxH", "onnx: the input, where the model leaves it open",           \
			offsetof(type, onnx.size), .minimum = 1, .maximum = 16384,                           \
			.source = OPTION_FROM_OWN},                                                          \
		{"crop", 0, OPTION_TEXT, "KIND[:SIZE]",                                                      \
			"onnx: what the network sees of a picture: centre, box, ink, face; size of the "     \
			"box, "                                                                              \
			"0.1 ... 1 [centre]",                                                                \
			offsetof(type, onnx.crop), 0, 0, NULL, OPTION_FROM_OWN},                             \
		{"labels", 0, OPTION_TEXT, "FILE",                                                           \
			"onnx, qonnx: names of the classes, one a line [labels.txt beside the model, or "    \
			"numbers]",                                                                          \
			offsetof(type, onnx.labels), 0, 0, NULL, OPTION_FROM_OWN},                           \
	{                                                                                                    \
		"layer-report", 0, OPTION_FLAG, NULL, "onnx: print the error of each layer",                 \
			offsetof(type, onnx.layer_report), 0, 0, NULL, OPTION_FROM_OWN                       \
	}

/*
 * The first option that was given of those for the format onnx alone; and of those for onnx and qonnx. As the
 * user wrote it; NULL: none was.
 */
const char *onnx_option_given(const struct onnx_values *values);
const char *model_option_given(const struct onnx_values *values);

/* The import's options as the user gave them, apart from the pictures: OPTIONS_GO_ON, or the exit code. */
int onnx_options_take(const struct invocation *invocation, const struct onnx_values *values,
	struct import_onnx_options *out);

void layer_report_print(const struct layer_report *report);

#endif
