/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the lowering share. A tensor of the graph is a signal: a sum of terms, each a scale and
 * an offset on the whole numbers that a layer of the network makes, with functions of each number behind the
 * sum that no layer computes yet. A quantisation point ends a signal in a layer that gives codes; a linear
 * operator makes a layer of sums of each term.
 */
#ifndef NN_IMPORT_LOWER_PARTS_H
#define NN_IMPORT_LOWER_PARTS_H

#include "nn/import/lower/lower.h"

enum {
	TERM_LIMIT = LAYER_INPUTS,
	STEP_LIMIT = 32,     /* functions behind each other */
	BUILD_LIMIT = 65536, /* layers before those that belong together are merged */
	DIGIT_BITS = 8,	     /* sums that a linear operator reads are cut into codes of so many bits */
	DIGIT_LIMIT = 2,
};

/* scale[c] · (x[c] + offset[c]), x of what the layer `source` makes. */
struct term {
	int source;		      /* or NETWORK_INPUT */
	const double *scale, *offset; /* [channels] */
};

/* What a max pool or an upsample does, for when the codes are made. */
struct spatial {
	enum layer_kind kind;
	int kernel[2], stride[2], pads[4]; /* top, left, bottom, right */
	struct shape out;
};

/* compute(x, a[c], b[c]): monotone, unless it says otherwise. Or `spatial` instead. */
struct step {
	double (*compute)(double x, double a, double b);
	const double *a, *b; /* [channels], or NULL */
	bool not_monotone;
	bool bounds;	  /* keeps numbers within a … b */
	bool ends_scores; /* can be left out behind the scores of classes */
	const struct spatial *spatial;
};

struct signal {
	bool known;
	bool ended; /* behind a Softmax or the like: only the output may follow */
	struct shape shape;
	char order[4]; /* of the numbers in the graph's tensor, slowest first: "CHW", "HWC" … */
	int pads[4];   /* of a Pad, not done yet: numbers 0 around it */
	struct term terms[TERM_LIMIT];
	int term_count;
	const double *summand; /* [channels] */
	struct step steps[STEP_LIMIT];
	int step_count;
};

/* A layer under construction, and what each channel of it can be. */
struct built {
	struct layer layer;
	int64_t *low, *high; /* [out.channels]: accumulators; of codes 0 … the highest */
	bool exact_end;	     /* its epilogue is as its maker wants it */
};

struct lowering {
	struct graph *graph;
	const struct lower_options *options;
	const struct graph_node *node; /* the current one, for messages */
	struct signal *signals;	       /* of graph->tensors; see signal_of */
	struct built *built;
	int built_count, built_room;
	void **blocks; /* memory that lives as long as the lowering */
	int block_count, block_room;
	size_t memory; /* bytes taken, of blocks and layers */
	bool input_decided;
	const double *pixel_scale, *pixel_summand; /* of the input, as long as nothing computes with it */
	struct network *network;
};

/* Sets one message that names the current node; its value is `code`. */
#define node_error(l, code, e, ...) (graph_error((l)->graph, (l)->node, code, e, __VA_ARGS__), (code))

/* memory.c */
/* Counts memory that a layer takes, and refuses what no sensible model needs. */
int lowering_charge(struct lowering *l, size_t count, size_t size, struct error *e);

/* Memory of zeros that lives as long as the lowering. */
int lowering_take(struct lowering *l, size_t count, size_t size, void *out, struct error *e);
int numbers_take(struct lowering *l, int count, double fill, double **out, struct error *e);
struct signal *signal_of(const struct lowering *l, const struct graph_tensor *tensor);

/* signal.c */
/* An input of the current node that depends on the picture. */
int signal_input(struct lowering *l, int index, const struct signal **out, struct error *e);

/* A constant with one number for all or one for each channel of the signal, as numbers [channels]. */
int channel_numbers(struct lowering *l, const struct graph_tensor *constant, const struct signal *signal,
	const struct graph_tensor *place, const double **out, struct error *e);

/* Whether the tensor's dimensions are [1, channels, height, width] of the signal and its pads. */
bool signal_is_picture(const struct signal *signal, const struct graph_tensor *tensor);

/* Refuses what is not a plain sum of terms: functions wait for a quantisation point. */
int signal_plain(struct lowering *l, const struct signal *signal, struct error *e);

/* One term of codes, and nothing behind it. */
bool signal_is_codes(const struct lowering *l, const struct signal *signal);

int signal_step(struct lowering *l, struct signal *signal, struct step step, struct error *e);
int signal_affine(struct lowering *l, struct signal *signal, const double *factor, const double *summand,
	struct error *e);

/* layers.c */
int layer_build(struct lowering *l, enum layer_kind kind, int source, int *index, struct error *e);
struct tensor built_tensor(const struct lowering *l, int index);
int64_t reach_low(const struct lowering *l, int index, int channel);
int64_t reach_high(const struct lowering *l, int index, int channel);
int reach_make(struct lowering *l, int index, struct error *e);

/* A layer of one of the kinds that move codes, behind `source`; sets its shape. */
int spatial_build(struct lowering *l, int source, const struct spatial *spatial, int *index, struct error *e);
int table_build(struct lowering *l, int source, int bits, int rows, int *index, struct error *e);

/* An add of sources with factors [inputs][channels], all of `bias` and `shift` 0. */
int add_build(struct lowering *l, const int *sources, int count, int *index, struct error *e);

/* sums.c */
/* The signal as one term of sums, or of codes if it is that already; functions stay behind it. */
int signal_combine(struct lowering *l, struct signal *signal, struct error *e);

/* The signal as terms of codes, and the codes of their zeros, −1 where there is none and `padded` is false.
 */
struct code_terms {
	struct term terms[4 * TERM_LIMIT];
	int zeros[4 * TERM_LIMIT];
	int count;
	const double *summand; /* [channels], of the sum; 0 if padded */
};
int signal_codes(struct lowering *l, const struct signal *signal, bool padded, struct code_terms *out,
	struct error *e);

/* epilogue.c */
int signal_quantise(struct lowering *l, const struct signal *signal, const struct graph_node *point,
	struct signal *out, struct error *e);

/* linear.c: handlers of nodes */
int conv_lower(struct lowering *l, struct signal *out, struct error *e);
int transposed_lower(struct lowering *l, struct signal *out, struct error *e);
int gemm_lower(struct lowering *l, struct signal *out, struct error *e);
int matmul_lower(struct lowering *l, struct signal *out, struct error *e);

/* windows.c */
int pair_read(struct lowering *l, const char *name, int otherwise, int pair[2], struct error *e);
int pads_read(struct lowering *l, const struct signal *in, const int kernel[2], const int stride[2],
	const int dilation[2], int pads[4], struct error *e);
int max_pool_lower(struct lowering *l, struct signal *out, struct error *e);
int average_pool_lower(struct lowering *l, struct signal *out, struct error *e);
int global_average_lower(struct lowering *l, struct signal *out, struct error *e);
int global_max_lower(struct lowering *l, struct signal *out, struct error *e);
int mean_lower(struct lowering *l, struct signal *out, struct error *e);
int resize_lower(struct lowering *l, struct signal *out, struct error *e);
int pad_lower(struct lowering *l, struct signal *out, struct error *e);

/* depth.c */
int depth_lower(struct lowering *l, struct signal *out, struct error *e);

/* elements.c */
int element_lower(struct lowering *l, struct signal *out, struct error *e); /* 1: not of these operators */

/* moves.c */
int reshape_lower(struct lowering *l, struct signal *out, struct error *e);
int transpose_lower(struct lowering *l, struct signal *out, struct error *e);
int concat_lower(struct lowering *l, struct signal *out, struct error *e);
int identity_lower(struct lowering *l, struct signal *out, struct error *e);
int tail_lower(struct lowering *l, struct signal *out, struct error *e);

/* finish.c: the network of the layers that were built, for the output's signal. */
int lowering_finish(struct lowering *l, const struct signal *output, struct error *e);

#endif
