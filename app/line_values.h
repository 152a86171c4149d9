/* SPDX-License-Identifier: MIT */
/* The options of the commands that run a line: where frames come from, how long, and what computes. */
#ifndef APP_LINE_VALUES_H
#define APP_LINE_VALUES_H

#include "camera/camera.h"
#include "command.h"
#include "line.h"
#include "networks.h"
#include "options.h"

#include <limits.h>

struct line_values {
	struct option_text source, format, exposure, network, pl, kernels, trace;
	struct option_texts controls;
	struct option_size size;
	double rate, duration, pl_timeout, pl_check; /* frames a second; s */
	int frames;
};

#define LINE_VALUES_DEFAULT                                                                                  \
	{                                                                                                    \
		.network = {NETWORK_DEFAULT}, .pl = {"auto"}, .pl_check = 10                                 \
	}

/* Rows of a table of options; the command's struct `type` has a `struct line_values line`. */
#define OPTION_ROWS_LINE(type)                                                                               \
	{"device", 'd', OPTION_TEXT, "SOURCE", "Where frames come from, as the argument SOURCE",             \
		offsetof(type, line.source), 0, 0, NULL},                                                    \
		{"resolution", 'r', OPTION_SIZE, "WxH",                                                      \
			"Size of the frames [the source's own, or what suits the machine]",                  \
			offsetof(type, line.size), 16, PICTURE_SIDE_MAXIMUM, NULL},                          \
		{"fps", 'f', OPTION_NUMBER, "N", "Frames a second [the source's own, or 30]",                \
			offsetof(type, line.rate), 0.1, 1000, NULL},                                         \
		{"format", 'm', OPTION_TEXT, "NAME",                                                         \
			"What the camera sends: MJPEG, YUYV, NV12, … [the least work]",                      \
			offsetof(type, line.format), 0, 0, NULL},                                            \
		{"control", 0, OPTION_TEXTS, "NAME=VALUE",                                                   \
			"Set a control of the camera, such as brightness=128; may be given again",           \
			offsetof(type, line.controls), 0, 0, NULL},                                          \
		{"exposure", 0, OPTION_TEXT, "auto|N",                                                       \
			"Exposure of the camera; N in units of 0.1 ms [as it is]",                           \
			offsetof(type, line.exposure), 0, 0, NULL},                                          \
		{"frames", 'n', OPTION_INTEGER, "N", "Stop after N frames", offsetof(type, line.frames), 1,  \
			INT_MAX, NULL},                                                                      \
		{"duration", 't', OPTION_DURATION, "TIME", "Stop after TIME: 10s, 5m",                       \
			offsetof(type, line.duration), 0.001, 1e9, NULL},                                    \
		OPTION_ROW_NETWORK(type, line.network), OPTION_ROW_PL(type, line.pl),                        \
		OPTION_ROW_KERNELS(type, line.kernels),                                                      \
		{"pl-timeout", 0, OPTION_DURATION, "TIME",                                                   \
			"How long the PL may take for a frame before it is reset "                           \
			"[by how long it takes at the start]",                                               \
			offsetof(type, line.pl_timeout), 0.001, 3600, NULL},                                 \
		{"pl-check", 0, OPTION_DURATION, "TIME",                                                     \
			"How often a PL in hardware is given something known to compute [10s]",              \
			offsetof(type, line.pl_check), 0.001, 1e6, NULL},                                    \
		OPTION_ROW_TRACE(type, line.trace)

/* The argument SOURCE, of which there may be one, and not besides --device. OPTIONS_GO_ON or EX_USAGE, told.
 */
int line_values_source(struct line_values *v, const struct invocation *invocation, int count);

/* Paced; with what the values say. They must outlive the camera. */
struct camera_options line_values_camera(const struct line_values *v);

/* As camera_open, of what the values name; an exit code, errors are told. EX_OK without a camera: a signal
 * came before. */
int line_values_open(const struct line_values *v, const struct camera_options *wanted, struct camera **out,
	struct error *e);

/* Overlapping; what is open, and how frames are labelled, is for the caller to fill in. Heeds signals.h. */
struct line_options line_values_line(const struct line_values *v);

/* As line_start; an exit code, errors are told. EX_OK without a line: a signal came before. */
int line_values_start(const struct line_options *options, struct line **line, struct error *e);

#endif
