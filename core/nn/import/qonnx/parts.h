/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the QONNX importer share, from the lowest to the highest: each part uses only what is
 * declared above it here. qonnx.c, which walks over the nodes, uses all of them.
 */
#ifndef NN_IMPORT_QONNX_PARTS_H
#define NN_IMPORT_QONNX_PARTS_H

#include "base/error.h"
#include "nn/import/model/onnx.h"
#include "nn/network.h"

enum { STEP_LIMIT = 32 /* between one Quant and the next */ };

/* A tensor that does not depend on the picture. */
struct constant {
	int rank, dims[ONNX_RANK];
	size_t count;
	float *values;
	float *scales;	  /* [count] of a quantised one: it stands for values · scales; NULL: for values */
	double low, high; /* what a quantised value can be */
	bool bipolar;	  /* −1 and +1 only */
};

/* A name in the model and its meaning; names of the path have neither initializer nor constant. */
struct value {
	struct onnx_bytes name;
	const struct onnx_tensor *initializer; /* not read yet */
	struct constant *constant;
};

/* What a Quant or BipolarQuant does, apart from its scale. */
struct quant {
	double scale;	  /* of an activation */
	double low, high; /* whole numbers */
	double (*round)(double);
	bool bipolar;
};

/* One operation on a number; every one of them is monotone. A max pool leaves each number as it is. */
struct qonnx_step {
	enum step_kind { STEP_ADD, STEP_MULTIPLY, STEP_DIVIDE, STEP_RELU, STEP_POOL } kind;
	int count; /* 1: the same for all channels */
	double *numbers;
};

/* What the path currently consists of. */
enum qonnx_place {
	AT_INPUT, /* numbers of the picture, with steps behind them */
	AT_CODES, /* scale · (code + offset[channel]) */
	AT_SUMS, /* of the layer `open`: sum_scale[channel] · (accumulator + sum_offset[channel]), then steps
		  */
	AT_END,	 /* the same, behind a softmax */
};

struct qonnx_import {
	const char *path;
	struct onnx *model;
	const struct onnx_node *node;  /* the current node */
	char title[2 * ONNX_TEXT + 8]; /* its name and operator, for messages */
	void *values;		       /* tree of struct value by name */
	size_t room, read; /* numbers that nodes may still create from constants; numbers that were read */

	struct network *network;
	struct onnx_bytes tip; /* the name of the path's last output */
	enum qonnx_place place;
	struct shape shape;
	bool flat;  /* two dimensions, channel before row before column */
	int bits;   /* of codes */
	int levels; /* the highest of them */
	double scale;
	double *offset; /* [channels] */
	int open;	/* index of the layer whose sums these are; pools may follow it */
	double *sum_scale, *sum_offset;
	struct qonnx_step steps[STEP_LIMIT];
	int step_count;
};

/* Sets one message that names the current node; its value is `code`. */
#define node_error(m, code, e, format, ...)                                                                  \
	(error_set(e, code, "%s: node %s: " format, (m)->path, (m)->title, ##__VA_ARGS__), (code))

/* constant.c. The caller owns *out; constant_destroy takes NULL. */
/*
 * A constant of the shape of `from`, with its own numbers, which are not set yet. The size of the model
 * bounds what nodes create, so that a series of nodes cannot fill the memory.
 */
int constant_create(struct qonnx_import *m, const struct constant *from, bool quantised,
	struct constant **out, struct error *e);
int constant_of_tensor(
	struct qonnx_import *m, const struct onnx_tensor *tensor, struct constant **out, struct error *e);
void constant_destroy(struct constant *constant);

/* A value of it as a real number. */
static inline double constant_number(const struct constant *constant, size_t index)
{
	double number = constant->values[index];

	return constant->scales ? number * (double)constant->scales[index] : number;
}

/* value.c: the tree of names. value_add takes over the constant, also when it fails. */
int value_compare(const void *a, const void *b);
struct value *value_find(const struct qonnx_import *m, struct onnx_bytes name);
int value_add(struct qonnx_import *m, struct onnx_bytes name, const struct onnx_tensor *initializer,
	struct constant *constant, struct error *e);
void value_destroy(void *value);

/* The constant that an input of the current node names; *out is NULL where the input is left out. */
int constant_input(struct qonnx_import *m, int index, const struct constant **out, struct error *e);

/* The same for an input that must be present. */
int constant_needed(
	struct qonnx_import *m, int index, const char *what, const struct constant **out, struct error *e);

/* The attribute as a whole number, or `other` when it is missing. */
int64_t attribute_integer(const struct qonnx_import *m, const char *name, int64_t other);

/* arithmetic.c: arithmetic by constants. */
int add_follow(struct qonnx_import *m, struct error *e);
int subtract_follow(struct qonnx_import *m, struct error *e);
int multiply_follow(struct qonnx_import *m, struct error *e);
int divide_follow(struct qonnx_import *m, struct error *e);
int relu_follow(struct qonnx_import *m, struct error *e);
int batch_norm_follow(struct qonnx_import *m, struct error *e);
int step_add(struct qonnx_import *m, enum step_kind kind, double *numbers, int count, struct error *e);
int step_constant(struct qonnx_import *m, enum step_kind kind, const struct constant *constant, double factor,
	struct error *e);
double step_apply(const struct qonnx_step *step, int channel, double number);
double steps_apply(const struct qonnx_import *m, int channel, double number);
void steps_clear(struct qonnx_import *m);

/* quant.c */
int quant_read(struct qonnx_import *m, const struct constant **scale, struct quant *quant, struct error *e);
double quant_apply(const struct quant *quant, double number); /* the whole number, between low and high */

/* fold.c: computes a constant from constants. The caller owns *out. */
int constant_node(struct qonnx_import *m, struct constant **out, struct error *e);
int quant_fold(struct qonnx_import *m, struct constant **out, struct error *e);
int transpose_fold(struct qonnx_import *m, struct constant **out, struct error *e);
int reshape_fold(struct qonnx_import *m, struct constant **out, struct error *e);
int identity_fold(struct qonnx_import *m, struct constant **out, struct error *e);

/* layer.c: ends the open layer, in codes or in scores. */
int layer_end_codes(struct qonnx_import *m, const struct quant *quant, struct error *e);
int layer_end_scores(struct qonnx_import *m, struct error *e);

/* path.c: what a node does to the path. */
int conv_follow(struct qonnx_import *m, struct error *e);
int gemm_follow(struct qonnx_import *m, struct error *e);
int matmul_follow(struct qonnx_import *m, struct error *e);
int pool_follow(struct qonnx_import *m, struct error *e);
int reshape_follow(struct qonnx_import *m, struct error *e);
int flatten_follow(struct qonnx_import *m, struct error *e);
int identity_follow(struct qonnx_import *m, struct error *e);
int softmax_follow(struct qonnx_import *m, struct error *e);
int quant_follow(struct qonnx_import *m, struct error *e);

#endif
