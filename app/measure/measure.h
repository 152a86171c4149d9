/* SPDX-License-Identifier: MIT */
/* The results of `twobit measure` for a network and a PL, and the parts of the command that measure them. */
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

/* Version of the JSON; docs/formats.md. */
#define MEASURE_FORMAT 1

/* The machine is busy if other programs take more than this share of the time of all processors. */
#define MEASURE_BUSY 0.10

struct energy;
struct pool;

struct measure_options {
	const char *pl, *kernels;
	const char *source;    /* of pictures; NULL: they are generated in about the network's size */
	int64_t time_limit;    /* ns for a network */
	struct pool *pool;     /* of MEASURED_NETWORK and PIPELINE_SHARED; NULL: one thread */
	int batch;	       /* its pictures at once; the time is that of one of them */
	struct energy *energy; /* NULL: the machine does not report it */
	bool timeline;	       /* trace a run with and one without overlap */
	bool progress;	       /* print a line of progress on stderr and overwrite it */
};

/* Parts of a picture's way, each measured alone. */
enum measured_time {
	MEASURED_SOURCE,	  /* get a picture */
	MEASURED_PICTURE,	  /* decode it, at full size */
	MEASURED_VIEW,		  /* make the network's input of it */
	MEASURED_DECODE,	  /* both of these */
	MEASURED_CONV0,		  /* first layers, into the PL's buffer */
	MEASURED_PL,		  /* submit and wait, with the transfer of input and scores */
	MEASURED_LABEL,		  /* scores to labels */
	MEASURED_ALL,		  /* Conv0, PL, label */
	MEASURED_SOFTWARE_LAYERS, /* the PL's layers, in the calling thread */
	MEASURED_SOFTWARE_ALL,	  /* Conv0, the PL's layers in software, label */
	MEASURED_NETWORK,	  /* all layers, again and again on one input: the caches are warm */
	MEASURED_TIMES
};

extern const char *const measured_keys[MEASURED_TIMES]; /* their names in JSON */

struct measured_layer {
	const struct layer *layer;
	const char *kernel;	 /* "" for a layer without weights */
	struct summary software; /* engine, in the calling thread */
	struct summary pl;	 /* no runs: not known */
	bool merged;		 /* counted with the layer before it */
};

/* The pipeline; with overlap, Conv0 works on the next picture while the PL runs. */
struct measured_pipeline {
	struct samples latencies; /* from Conv0's beginning to the label, ns */
	struct samples intervals; /* from picture to picture: the mean of each run, ns */
	struct summary latency, interval;
	uint64_t pictures;
	struct trace *trace; /* NULL: not traced */
};

/* The pipeline's stages, each alone (stages_alone.h), and its hand-overs alone (hand_overs.h). */
enum { ALONE_SOURCE, ALONE_DECODE, ALONE_CONV0, ALONE_PL, ALONE_LABEL, ALONE_HAND_OVERS, ALONE_STAGES };

extern const char *const alone_keys[ALONE_STAGES]; /* their names in JSON and for people */

enum {
	PIPELINE_OVERLAPPED,
	PIPELINE_IN_TURN,
	PIPELINE_KINDS, /* that every measurement has */
	/* With threads and a PL in software: they share each layer of the whole network. */
	PIPELINE_SHARED = PIPELINE_KINDS,
	PIPELINES
};

struct measurement {
	const struct network *network; /* owned by the caller */
	char pl[64];
	char source[256];     /* what it delivers; "": the pictures are generated */
	int reach;	      /* the layer behind the last one in the PL; software computes the others */
	char stopped_at[700]; /* as pl_stopped */
	bool counted;	      /* the PL reports cycles: they give the times of its layers, at `hertz` */
	bool simulated;	      /* the PL is simulated: cycles also give MEASURED_PL */
	bool hardware;	      /* the PL is no software: it may be simulated */
	double hertz;
	struct measured_layer *layers; /* [network->layer_count] */
	struct summary times[MEASURED_TIMES];
	int threads, batch; /* of MEASURED_NETWORK; threads: of PIPELINE_SHARED, too */
	int64_t pl_alone;   /* ns that the PL computes on a picture; without transfers if it reports cycles */

	struct measured_pipeline pipelines[PIPELINES];
	char no_pipeline[160];		    /* the reason why the pipeline did not run; "": it ran */
	struct summary alone[ALONE_STAGES]; /* in turns with the pipeline; no runs: it did not run */
	const char *slowest_stage;
	int64_t ideal; /* ns from picture to picture if only the slowest stage took time */

	double joules; /* per picture; < 0: not known */
	double others; /* share of the processors' time that other programs took; NAN: not known */
	bool stopped;  /* a signal ended the measurement early */
	double seconds;
};

/* A measurement without times. 0 or -ENOMEM. */
int measurement_init(const struct network *network, struct measurement *out, struct error *e);

/* Measures everything. On failure there is nothing to finish; *where is the step that failed. */
int measure_network(const struct network *network, const struct measure_options *options,
	struct measurement *out, enum failure *where, struct error *e);
void measurement_finish(struct measurement *m);

/* The two parts of measure_network, in this order. */
int measure_layers(
	const struct measure_options *options, struct measurement *m, enum failure *where, struct error *e);
int measure_pipelines(
	const struct measure_options *options, struct measurement *m, enum failure *where, struct error *e);

/*
 * Opens the source of pictures. Those that are generated have about the input's size, so that this costs
 * little, and are larger if the network takes only a box of the picture. As source_open; -EINVAL for what
 * delivers at a pace of its own.
 */
int measure_source_open(const struct network *network, const struct measure_options *options,
	struct source **out, struct error *e);

/* Opens it, with a pool of one frame, which is acquired. The caller ends all three, after a failure too. */
int measure_frame_open(const struct network *network, const struct measure_options *options,
	struct source **source, struct frame_pool **pool, struct frame **frame, struct error *e);

/* The next picture; broken ones are passed over. As source_next. */
int measure_next(struct source *source, struct frame *frame, struct error *e);

/* Makes the picture of the frame's raw one as a lossless pipeline does, and what the network looks at. */
int measure_picture(struct frame *frame, struct error *e);

/* Makes the network's input of that. */
void measure_view(const struct network *network, struct frame *frame);

uint64_t measured_operations(const struct network *network);

/* 10⁹ operations a joule, which is Gop/s a watt; with overlap, where the joules are known. */
double measured_efficiency(const struct measurement *m);

double measured_rate(const struct summary *summary); /* per second; 0 without runs */
/* The share of the ideal rate that the pipeline with overlap reaches; 0: not run. */
double measured_reach(const struct measurement *m);
/* The rate with overlap divided by the rate without; 0: not run. */
double measured_gain(const struct measurement *m);

/* Prints "dorefanet: layers, 40 %" over the last such line, at most five times a second. */
void measure_progress(
	const struct measure_options *options, const char *network, const char *part, double share);
void measure_progress_end(const struct measure_options *options);

/* All measurements, and the machine that made them. */
struct measured_all {
	struct measurement *networks; /* [count] */
	int count;
	struct machine before, after;
	double frequency;		/* of the processor after it, MHz; 0: not measured */
	const char *energy, *no_energy; /* the energy meter, or the reason why there is none */
	char date[32];			/* 2026-11-21T10:00:00Z */
};

/* Prints tables on stdout. */
void measure_print(const struct measured_all *all);

/* docs/formats.md has the schema. NULL: out of memory. */
json_t *measure_json(const struct measured_all *all);

#endif
