/* SPDX-License-Identifier: MIT */
/* The options of the commands that run a pipeline: the source, how long, the network and the PL. */
#ifndef APP_LIVE_PIPELINE_OPTIONS_H
#define APP_LIVE_PIPELINE_OPTIONS_H

#include "cli/command.h"
#include "cli/options.h"
#include "cli/threads.h"
#include "live/confinement.h"
#include "pipeline/pipeline.h"
#include "source/source.h"

#include <limits.h>
#include <stdbool.h>

struct pipeline_options {
	struct option_text source, format, exposure, network, pl, kernels, threads, trace;
	struct option_texts controls;
	struct option_size size;
	double rate, duration, pl_timeout, pl_check; /* frames a second; s */
	int frames;
	const char *rotate;  /* NULL: not */
	const char *sandbox; /* of confinement_modes */
	bool loop;
};

#define PIPELINE_OPTIONS_DEFAULT                                                                             \
	{                                                                                                    \
		.pl = {"auto"}, .pl_check = 10, .sandbox = "auto"                                            \
	}

/* Rows of an options table; the command's struct `type` has a member `struct pipeline_options pipeline`. */
#define OPTION_ROWS_PIPELINE(type)                                                                           \
	{"device", 'd', OPTION_TEXT, "SOURCE", "Where frames come from, as the argument SOURCE",             \
		offsetof(type, pipeline.source), 0, 0, NULL},                                                \
		{"resolution", 'r', OPTION_SIZE, "WxH",                                                      \
			"Size of the frames [the source's own, or what suits the machine]",                  \
			offsetof(type, pipeline.size), 16, PICTURE_SIDE_MAXIMUM, NULL},                      \
		{"fps", 'f', OPTION_NUMBER, "N", "Frames a second [the source's own, or 30]",                \
			offsetof(type, pipeline.rate), 0.1, 1000, NULL},                                     \
		{"format", 'm', OPTION_TEXT, "NAME",                                                         \
			"What the camera sends: MJPEG, YUYV, NV12, … [the least work]",                      \
			offsetof(type, pipeline.format), 0, 0, NULL},                                        \
		{"control", 0, OPTION_TEXTS, "NAME=VALUE",                                                   \
			"Set a control of the camera, such as brightness=128; may be given again",           \
			offsetof(type, pipeline.controls), 0, 0, NULL},                                      \
		{"exposure", 0, OPTION_TEXT, "auto|N",                                                       \
			"Exposure of the camera; N in units of 0.1 ms [as it is]",                           \
			offsetof(type, pipeline.exposure), 0, 0, NULL},                                      \
		{"frames", 'n', OPTION_INTEGER, "N", "Stop after N frames", offsetof(type, pipeline.frames), \
			1, INT_MAX, NULL},                                                                   \
		{"duration", 't', OPTION_DURATION, "TIME", "Stop after TIME: 10s, 5m",                       \
			offsetof(type, pipeline.duration), 0.001, 1e9, NULL},                                \
		OPTION_ROW_NETWORK(type, pipeline.network), OPTION_ROW_PL(type, pipeline.pl),                \
		OPTION_ROW_KERNELS(type, pipeline.kernels), OPTION_ROW_THREADS(type, pipeline.threads),      \
		{"pl-timeout", 0, OPTION_DURATION, "TIME",                                                   \
			"How long the PL may take for a frame before it is reset "                           \
			"[by how long it takes at the start]",                                               \
			offsetof(type, pipeline.pl_timeout), 0.001, 3600, NULL},                             \
		{"pl-check", 0, OPTION_DURATION, "TIME",                                                     \
			"How often a PL in hardware is given something known to compute [10s]",              \
			offsetof(type, pipeline.pl_check), 0.001, 1e6, NULL},                                \
		OPTION_ROW_TRACE(type, pipeline.trace)

extern const char *const pipeline_rotations[]; /* what --rotate takes */

/* Rows for those that show or record. */
#define OPTION_ROWS_ROTATE_LOOP(type)                                                                        \
	{"rotate", 0, OPTION_CHOICE, "DEGREES",                                                              \
		"Turn the picture clockwise by 90, 180 or 270, for a camera that hangs so",                  \
		offsetof(type, pipeline.rotate), 0, 0, pipeline_rotations},                                  \
		{"loop", 0, OPTION_FLAG, NULL, "Start again at the end of a video or of pictures",           \
			offsetof(type, pipeline.loop), 0, 0, NULL},                                          \
	{                                                                                                    \
		"sandbox", 0, OPTION_CHOICE, "WHEN",                                                         \
			"Give up what is not needed once all is open: auto, on or off [auto]",               \
			offsetof(type, pipeline.sandbox), 0, 0, confinement_modes                            \
	}

/* A row of an options table, for a struct option_text. */
#define OPTION_ROW_SMOOTHING(type, member)                                                                   \
	{                                                                                                    \
		"smoothing", 0, OPTION_TEXT, "TIME",                                                         \
			"Time constant of the label: longer is steadier, 0s is none [0.5s]",                 \
			offsetof(type, member), 0, 0, NULL                                                   \
	}

/* The time constant that the option gives, s; the default without it. OPTIONS_GO_ON or EX_USAGE, reported. */
int smoothing_option(const struct invocation *invocation, const struct option_text *given, double *seconds);

/*
 * Takes the argument SOURCE: at most one, and not with --device. It goes over a device of a file or the
 * environment. If it is no camera, settings from there that fit only cameras are left out. OPTIONS_GO_ON or
 * EX_USAGE, reported.
 */
int pipeline_options_source(struct pipeline_options *v, const struct invocation *invocation, int count);

/* The source's options, paced. The values must outlive the source. */
struct source_options pipeline_options_for_source(const struct pipeline_options *v);

/* Opens the source that the values name. Returns an exit code; errors are reported. EX_OK and no source: a
 * signal came first. */
int pipeline_options_open(const struct pipeline_options *v, const struct invocation *invocation,
	const struct source_options *wanted, struct source **out, struct error *e);

/*
 * The network that the values name, or the one to choose (choice/choice.h). quiet: without a line about it.
 * Returns an exit code; errors are reported, also those of the names of PL and kernels.
 */
int pipeline_options_network(const struct pipeline_options *v, const struct invocation *invocation,
	bool quiet, struct network **out, struct error *e);

/* Opens the PL that the values name. Returns an exit code; errors are reported. */
int pipeline_options_pl(const struct pipeline_options *v, const struct invocation *invocation,
	struct pl **out, struct error *e);

/* With overlap and signals.h; the caller adds what is open and how frames are labelled. */
struct pipeline_config pipeline_options_config(const struct pipeline_options *v);

/* Starts the pipeline. Returns an exit code; errors are reported. EX_OK and no pipeline: a signal came first.
 */
int pipeline_options_start(const struct pipeline_config *config, const struct invocation *invocation,
	struct pipeline **pipeline, struct error *e);

#endif
