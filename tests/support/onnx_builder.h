/* SPDX-License-Identifier: MIT */
/* Writes ONNX models byte by byte, for the tests of their readers. */
#ifndef UNIT_ONNX_BUILDER_H
#define UNIT_ONNX_BUILDER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
	uint8_t data[8192];
	size_t size;
};

static inline void put_raw(struct buffer *b, const void *data, size_t size)
{
	if (size > sizeof(b->data) - b->size)
		abort();
	if (size)
		memcpy(b->data + b->size, data, size);
	b->size += size;
}

static inline void put_varint(struct buffer *b, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		put_raw(b, &byte, 1);
		value >>= 7;
	} while (value);
}

static inline void put_integer(struct buffer *b, uint32_t field, int64_t value)
{
	put_varint(b, field << 3);
	put_varint(b, (uint64_t)value);
}

static inline void put_float(struct buffer *b, uint32_t field, float value)
{
	put_varint(b, field << 3 | 5);
	put_raw(b, &value, sizeof(value)); /* the tests run on little-endian processors */
}

static inline void put_bytes(struct buffer *b, uint32_t field, const void *data, size_t size)
{
	put_varint(b, field << 3 | 2);
	put_varint(b, size);
	put_raw(b, data, size);
}

static inline void put_text(struct buffer *b, uint32_t field, const char *text)
{
	put_bytes(b, field, text, strlen(text));
}

static inline void put_message(struct buffer *b, uint32_t field, const struct buffer *message)
{
	put_bytes(b, field, message->data, message->size);
}

/* A tensor of floats in raw_data. */
static inline void put_tensor(
	struct buffer *graph, const char *name, const int *dims, int rank, const float *values)
{
	struct buffer tensor = {.size = 0};
	size_t count = 1;

	for (int i = 0; i < rank; i++) {
		put_integer(&tensor, 1, dims[i]);
		count *= (size_t)dims[i];
	}
	put_integer(&tensor, 2, 1);
	put_text(&tensor, 8, name);
	put_bytes(&tensor, 9, values, count * sizeof(*values));
	put_message(graph, 5, &tensor);
}

/* An input or output [1, channels, height, width]; a size of −1 is left open. */
static inline void put_value(
	struct buffer *graph, uint32_t field, const char *name, const int *dims, int rank)
{
	struct buffer shape = {.size = 0}, tensor = {.size = 0}, type = {.size = 0}, value = {.size = 0};

	for (int i = 0; i < rank; i++) {
		struct buffer dimension = {.size = 0};
		if (dims[i] < 0)
			put_text(&dimension, 2, "open");
		else
			put_integer(&dimension, 1, dims[i]);
		put_message(&shape, 1, &dimension);
	}
	put_integer(&tensor, 1, 1);
	put_message(&tensor, 2, &shape);
	put_message(&type, 1, &tensor);
	put_text(&value, 1, name);
	put_message(&value, 2, &type);
	put_message(graph, field, &value);
}

/* "kernel_shape=3,3 epsilon=f0.1 rounding_mode=ROUND signed=1": ints, a float, a text, an int. */
static inline void put_attributes(struct buffer *node, const char *attributes)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", attributes);
	for (char *rest = NULL, *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		struct buffer attribute = {.size = 0};
		char *value = strchr(name, '=');

		*value++ = '\0';
		put_text(&attribute, 1, name);
		if (value[0] == 'f') {
			put_float(&attribute, 2, strtof(value + 1, NULL));
			put_integer(&attribute, 20, 1);
		} else if (value[0] >= 'A' && value[0] <= 'Z') {
			put_text(&attribute, 4, value);
			put_integer(&attribute, 20, 3);
		} else if (!strchr(value, ',')) {
			put_integer(&attribute, 3, strtol(value, NULL, 10));
			put_integer(&attribute, 20, 2);
		} else {
			for (char *end = value; *value; value = end + (*end == ','))
				put_integer(&attribute, 8, strtol(value, &end, 10));
			put_integer(&attribute, 20, 7);
		}
		put_message(node, 5, &attribute);
	}
}

/* inputs: names separated by spaces; "-" is one that is left out. */
static inline void put_node(struct buffer *graph, const char *domain, const char *type, const char *inputs,
	const char *output, const char *attributes)
{
	struct buffer node = {.size = 0};
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", inputs);
	for (char *rest = NULL, *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		put_text(&node, 1, strcmp(name, "-") == 0 ? "" : name);
	put_text(&node, 2, output);
	put_text(&node, 3, output);
	put_text(&node, 4, type);
	put_attributes(&node, attributes);
	put_text(&node, 7, domain);
	put_message(graph, 1, &node);
}

static inline void put_model(struct buffer *model, const struct buffer *graph)
{
	struct buffer opset = {.size = 0};

	put_integer(model, 1, 9);
	put_message(model, 7, graph);
	put_text(&opset, 1, "");
	put_integer(&opset, 2, 13);
	put_message(model, 8, &opset);
}

#endif
