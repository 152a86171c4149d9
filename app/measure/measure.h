/* SPDX-License-Identifier: MIT */
/* What `twobit measure` finds out about a network and a PL, and the parts of the command that find it out. */
#ifndef APP_MEASURE_MEASURE_H
#define APP_MEASURE_MEASURE_H

#include "cli/command.h"
#include "flow/statistics.h"
#include "flow/trace.h"
#include "machine/machine.h"
#include "nn/network.h"
#include "source/source.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A multiply-accumulate is two operations. */
#define MEASURE_OPERATIONS_A_PRODUCT 2

/* Of the JSON; docs/formats.md. */
#define MEASURE_FORMAT 1

/* Others' share of all processors' time from which the machine counts as busy. */
#define MEASURE_BUSY 0.10

struct energy;

struct measure_options {
	const char *pl, *kernels;
	int64_t time_limit;    /* ns for a network */
	struct energy *energy; /* NULL: the machine does not report it */
	bool timeline;	       /* trace a run with and one without overlap */
	bool progress;	       /* a line on stderr that is written over */
};

/* Parts of a picture's way, each by itself. */
enum measured_time {
	MEASURED_SOURCE,	  /* a generated picture of the input's size */
	MEASURED_DECODE,	  /* it becomes the network's input */
	MEASURED_CONV0,		  /* into the PL's buffer */
	MEASURED_PL,		  /* submit and wait: with hand-over, there and back */
	MEASURED_LABEL,		  /* scores to labels */
	MEASURED_ALL,		  /* Conv0, PL, label */
	MEASURED_SOFTWARE_LAYERS, /* the PL's layers, in the calling thread */
	MEASURED_SOFTWARE_ALL,	  /* Conv0, these, label */
	MEASURED_TIMES
};

extern const char *const measured_keys[MEASURED_TIMES]; /* their names in JSON */

struct measured_layer {
	const struct layer *layer;
	const char *kernel;	 /* "" for a max pool */
	struct summary software; /* engine, in the calling thread */
	struct summary pl;	 /* no runs: not known */
	bool merged;		 /* counted with the layer before it */
};

/* The pipeline, with or without Conv0 working on the next picture while the PL runs. */
struct measured_pipeline {
	struct samples latencies; /* from Conv0's beginning to the label, ns */
	struct samples intervals; /* from picture to picture, the mean of a run, ns */
	struct summary latency, interval;
	uint64_t pictures;
	struct trace *trace; /* NULL: not traced */
};

enum { PIPELINE_OVERLAPPED, PIPELINE_IN_TURN, PIPELINE_KINDS };

struct measurement {
	const struct network *network; /* whoever opened it closes it */
	char pl[64];
	bool counted;	/* the PL reports cycles: its layers' times are these, at `hertz` */
	bool simulated; /* … and so is MEASURED_PL, for nothing else says how fast it is */
	double hertz;
	struct measured_layer *layers; /* [network->layer_count] */
	struct summary times[MEASURED_TIMES];
	int64_t pl_alone; /* ns that the PL computes on a picture, without hand-over as far as that is known
			   */

	struct measured_pipeline pipelines[PIPELINE_KINDS];
	char no_pipeline[160]; /* why the pipeline did not run; "": it did */
	const char *slowest_stage;
	int64_t ideal; /* ns from picture to picture, were there but the slowest stage */

	double joules; /* a picture; < 0: not known */
	double others; /* their share of the processors' time meanwhile; NAN: not known */
	bool stopped;  /* by a signal, with what was known then */
	double seconds;
};

/* A network of which nothing has been measured yet. 0 or -ENOMEM. */
int measurement_begin(const struct network *network, struct measurement *out, struct error *e);

/* All of it. On failure nothing is left to finish; *where is what was being done. */
int measure_network(const struct network *network, const struct measure_options *options,
	struct measurement *out, enum failure *where, struct error *e);
void measurement_finish(struct measurement *m);

/* The parts, in their order. */
int measure_layers(
	const struct measure_options *options, struct measurement *m, enum failure *where, struct error *e);
int measure_pipelines(
	const struct measure_options *options, struct measurement *m, enum failure *where, struct error *e);

/* The source of both: generated pictures of about the input's size, so that to make one costs little; larger
 * where the network looks at a box in it. */
void measure_source(const struct network *network, struct source_options *out);

uint64_t measured_operations(const struct network *network);
double measured_rate(const struct summary *summary); /* a second; 0 without runs */
double measured_reach(
	const struct measurement *m); /* share of the ideal that the overlap reaches; 0: not run */
double measured_gain(const struct measurement *m); /* overlap's pictures a second over those in turn; 0 */

/* "dorefanet: layers, 40 %"; for terminals. */
void measure_progress(
	const struct measure_options *options, const char *network, const char *part, double share);
void measure_progress_end(const struct measure_options *options);

/* All measurements, and the machine that they were made on. */
struct measured_all {
	struct measurement *networks; /* [count] */
	int count;
	struct machine before, after;
	const char *energy, *no_energy; /* what was counted, or why not */
	char date[32];			/* 2026-11-21T10:00:00Z */
};

/* Tables for people, on stdout. */
void measure_print(const struct measured_all *all);

/* docs/formats.md has the schema. NULL: out of memory. */
json_t *measure_json(const struct measured_all *all);

#endif
