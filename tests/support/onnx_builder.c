/* SPDX-License-Identifier: MIT */
#include "support/onnx_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void onnx_put_raw(struct onnx_buffer *b, const void *data, size_t size)
{
	if (size > sizeof(b->data) - b->size)
		abort();
	if (size)
		memcpy(b->data + b->size, data, size);
	b->size += size;
}

void onnx_put_varint(struct onnx_buffer *b, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		onnx_put_raw(b, &byte, 1);
		value >>= 7;
	} while (value);
}

void onnx_put_integer(struct onnx_buffer *b, uint32_t field, int64_t value)
{
	onnx_put_varint(b, field << 3);
	onnx_put_varint(b, (uint64_t)value);
}

void onnx_put_float(struct onnx_buffer *b, uint32_t field, float value)
{
	onnx_put_varint(b, field << 3 | 5);
	onnx_put_raw(b, &value, sizeof(value)); /* the tests run on little-endian processors */
}

void onnx_put_bytes(struct onnx_buffer *b, uint32_t field, const void *data, size_t size)
{
	onnx_put_varint(b, field << 3 | 2);
	onnx_put_varint(b, size);
	onnx_put_raw(b, data, size);
}

void onnx_put_text(struct onnx_buffer *b, uint32_t field, const char *text)
{
	onnx_put_bytes(b, field, text, strlen(text));
}

void onnx_put_message(struct onnx_buffer *b, uint32_t field, const struct onnx_buffer *message)
{
	onnx_put_bytes(b, field, message->data, message->size);
}

void onnx_put_tensor(
	struct onnx_buffer *graph, const char *name, const int *dims, int rank, const float *values)
{
	struct onnx_buffer tensor = {.size = 0};
	size_t count = 1;

	for (int i = 0; i < rank; i++) {
		onnx_put_integer(&tensor, 1, dims[i]);
		count *= (size_t)dims[i];
	}
	onnx_put_integer(&tensor, 2, 1);
	onnx_put_text(&tensor, 8, name);
	onnx_put_bytes(&tensor, 9, values, count * sizeof(*values));
	onnx_put_message(graph, 5, &tensor);
}

void onnx_put_integers(
	struct onnx_buffer *graph, const char *name, int type, const int *dims, int rank, const int *values)
{
	struct onnx_buffer tensor = {.size = 0}, raw = {.size = 0};
	size_t count = 1, width = type == 7 ? 8 : type == 6 ? 4 : 1;

	for (int i = 0; i < rank; i++) {
		onnx_put_integer(&tensor, 1, dims[i]);
		count *= (size_t)dims[i];
	}
	for (size_t i = 0; i < count; i++) {
		int64_t value = values[i];
		onnx_put_raw(&raw, &value, width); /* the tests run on little-endian processors */
	}
	onnx_put_integer(&tensor, 2, type);
	onnx_put_text(&tensor, 8, name);
	onnx_put_bytes(&tensor, 9, raw.data, raw.size);
	onnx_put_message(graph, 5, &tensor);
}

void onnx_put_value(struct onnx_buffer *graph, uint32_t field, const char *name, const int *dims, int rank)
{
	struct onnx_buffer shape = {.size = 0}, tensor = {.size = 0}, type = {.size = 0}, value = {.size = 0};

	for (int i = 0; i < rank; i++) {
		struct onnx_buffer dimension = {.size = 0};
		if (dims[i] < 0)
			onnx_put_text(&dimension, 2, "open");
		else
			onnx_put_integer(&dimension, 1, dims[i]);
		onnx_put_message(&shape, 1, &dimension);
	}
	onnx_put_integer(&tensor, 1, 1);
	onnx_put_message(&tensor, 2, &shape);
	onnx_put_message(&type, 1, &tensor);
	onnx_put_text(&value, 1, name);
	onnx_put_message(&value, 2, &type);
	onnx_put_message(graph, field, &value);
}

static void put_attributes(struct onnx_buffer *node, const char *attributes)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", attributes);
	for (char *rest = NULL, *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		struct onnx_buffer attribute = {.size = 0};
		char *value = strchr(name, '=');

		*value++ = '\0';
		onnx_put_text(&attribute, 1, name);
		if (value[0] == 'f') {
			onnx_put_float(&attribute, 2, strtof(value + 1, NULL));
			onnx_put_integer(&attribute, 20, 1);
		} else if (value[0] >= 'A' && value[0] <= 'Z') {
			onnx_put_text(&attribute, 4, value);
			onnx_put_integer(&attribute, 20, 3);
		} else if (!strchr(value, ',')) {
			onnx_put_integer(&attribute, 3, strtol(value, NULL, 10));
			onnx_put_integer(&attribute, 20, 2);
		} else {
			for (char *end = value; *value; value = end + (*end == ','))
				onnx_put_integer(&attribute, 8, strtol(value, &end, 10));
			onnx_put_integer(&attribute, 20, 7);
		}
		onnx_put_message(node, 5, &attribute);
	}
}

void onnx_put_node(struct onnx_buffer *graph, const char *domain, const char *type, const char *inputs,
	const char *output, const char *attributes)
{
	struct onnx_buffer node = {.size = 0};
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", inputs);
	for (char *rest = NULL, *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		onnx_put_text(&node, 1, strcmp(name, "-") == 0 ? "" : name);
	onnx_put_text(&node, 2, output);
	onnx_put_text(&node, 3, output);
	onnx_put_text(&node, 4, type);
	put_attributes(&node, attributes);
	onnx_put_text(&node, 7, domain);
	onnx_put_message(graph, 1, &node);
}

void onnx_put_model(struct onnx_buffer *model, const struct onnx_buffer *graph)
{
	struct onnx_buffer opset = {.size = 0};

	onnx_put_integer(model, 1, 9);
	onnx_put_message(model, 7, graph);
	onnx_put_text(&opset, 1, "");
	onnx_put_integer(&opset, 2, 13);
	onnx_put_message(model, 8, &opset);
}
