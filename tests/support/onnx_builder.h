/* SPDX-License-Identifier: MIT */
/* Writes ONNX models byte by byte, for the tests of their readers. The numbers of fields are those of
 * onnx.proto. */
#ifndef TEST_SUPPORT_ONNX_BUILDER_H
#define TEST_SUPPORT_ONNX_BUILDER_H

#include <stddef.h>
#include <stdint.h>

/* A message that grows at its end; one that gets full aborts the test. */
struct onnx_buffer {
	uint8_t data[8192];
	size_t size;
};

void onnx_put_raw(struct onnx_buffer *b, const void *data, size_t size);
void onnx_put_varint(struct onnx_buffer *b, uint64_t value);
void onnx_put_integer(struct onnx_buffer *b, uint32_t field, int64_t value);
void onnx_put_float(struct onnx_buffer *b, uint32_t field, float value);
void onnx_put_bytes(struct onnx_buffer *b, uint32_t field, const void *data, size_t size);
void onnx_put_text(struct onnx_buffer *b, uint32_t field, const char *text);
void onnx_put_message(struct onnx_buffer *b, uint32_t field, const struct onnx_buffer *message);

/* A tensor of floats in raw_data. */
void onnx_put_tensor(
	struct onnx_buffer *graph, const char *name, const int *dims, int rank, const float *values);

/* A tensor of ONNX's data type `type`: 2 uint8, 3 int8, 6 int32, 7 int64. */
void onnx_put_integers(
	struct onnx_buffer *graph, const char *name, int type, const int *dims, int rank, const int *values);

/* An input or output [1, channels, height, width]; a size of −1 is left open. */
void onnx_put_value(struct onnx_buffer *graph, uint32_t field, const char *name, const int *dims, int rank);

/*
 * inputs: names separated by spaces; "-" is one that is left out.
 *
 * attributes: "kernel_shape=3,3 epsilon=f0.1 rounding_mode=ROUND signed=1": ints, a float, a text, an int.
 */
void onnx_put_node(struct onnx_buffer *graph, const char *domain, const char *type, const char *inputs,
	const char *output, const char *attributes);

void onnx_put_model(struct onnx_buffer *model, const struct onnx_buffer *graph);

#endif
