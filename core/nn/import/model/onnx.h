/* SPDX-License-Identifier: MIT */
/*
 * ONNX models: the protobuf container, read in place. This file does not interpret a model: nodes and tensors
 * come as they are in the file, in its order. Fields: onnx.proto of the ONNX project.
 */
#ifndef NN_IMPORT_MODEL_ONNX_H
#define NN_IMPORT_MODEL_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	ONNX_RANK = 6,	 /* dimensions of a tensor that are kept */
	ONNX_EDGES = 32, /* inputs or outputs of a node that are kept, and numbers of an attribute */
};

/* Bytes of the file: a text without a zero at its end, or a message. */
struct onnx_bytes {
	const uint8_t *data;
	size_t size;
};

/* An initializer, or the value of a constant. */
struct onnx_tensor {
	struct onnx_bytes name, message;
	int rank; /* may be more than ONNX_RANK; 0: one number */
	int64_t dims[ONNX_RANK];
	int64_t type; /* 1 float, 2 uint8, 3 int8, 6 int32, 7 int64, 9 bool, 11 double … */
};

/* The picture that a model takes. */
struct onnx_input {
	struct onnx_bytes name;
	int rank;
	int64_t dims[ONNX_RANK]; /* −1 where the model gives no number */
};

struct onnx_node {
	struct onnx_bytes name, type, domain, message;
	int input_count, output_count;				   /* may be more than ONNX_EDGES */
	struct onnx_bytes inputs[ONNX_EDGES], outputs[ONNX_EDGES]; /* an empty name: left out */
};

struct onnx_attribute {
	struct onnx_bytes name;
	int64_t type; /* 1 float, 2 int, 3 text, 4 tensor, 6 floats, 7 ints; 0: not given in the file */
	float number;
	int64_t integer;
	struct onnx_bytes text;
	struct onnx_tensor tensor;
	int count; /* of integers; may be more than ONNX_EDGES */
	int64_t integers[ONNX_EDGES];
	int number_count; /* of numbers, likewise */
	float numbers[ONNX_EDGES];
};

struct onnx {
	uint8_t *file;
	size_t size;  /* bytes of the file */
	char *folder; /* where it lies, and its external data with it */
	struct onnx_node *nodes;
	struct onnx_tensor *tensors;
	struct onnx_input *inputs; /* older models list their tensors here as well */
	struct onnx_bytes *outputs;
	int node_count, tensor_count, input_count, output_count;
};

/*
 * Reads the model at `path` into memory and takes its graph apart. On success *out is owned by the caller.
 * Fails with one message that names the file; reads nothing past its end.
 */
int onnx_load(const char *path, struct onnx **out, struct error *e);

/* Takes NULL. */
void onnx_destroy(struct onnx *model);

/* Takes the next attribute off the front of a node's message: 1; 0: there is none; −1: it is damaged. */
int onnx_attribute_next(struct onnx_bytes *message, struct onnx_attribute *out);

/*
 * The tensor's numbers, *count of them, for the caller to free; from the model itself or from a
 * file beside it. The error begins with a verb: "has …".
 */
int onnx_tensor_read(const struct onnx *model, const struct onnx_tensor *tensor, double **values,
	size_t *count, struct error *e);

bool onnx_text_is(struct onnx_bytes bytes, const char *text);

/* A copy for messages: cut to the room, what cannot be printed is '?'. Returns room. */
#define ONNX_TEXT 80
const char *onnx_text(struct onnx_bytes bytes, char room[ONNX_TEXT]);

#endif
