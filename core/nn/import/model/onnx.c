/* SPDX-License-Identifier: MIT */
#include "nn/import/model/onnx.h"

#include "base/error.h"
#include "base/file.h"
#include "nn/import/model/onnx_fields.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)INT32_MAX) /* bytes; protobuf allows no more */
#define GRAPH_LIMIT 65536	       /* nodes, tensors, inputs and outputs, of each */

static int varint_next(struct onnx_bytes *bytes, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < 10 && i < bytes->size; i++) {
		*value |= (uint64_t)(bytes->data[i] & 0x7f) << 7 * i;
		if (bytes->data[i] & 0x80)
			continue;
		bytes->data += i + 1;
		bytes->size -= i + 1;
		return 1;
	}
	return -1;
}

static int fixed_next(struct onnx_bytes *bytes, size_t width, uint64_t *value)
{
	if (bytes->size < width)
		return -1;
	*value = 0;
	for (size_t i = 0; i < width; i++)
		*value |= (uint64_t)bytes->data[i] << 8 * i;
	bytes->data += width;
	bytes->size -= width;
	return 1;
}

int onnx_number_next(struct onnx_bytes *packed, enum wire wire, uint64_t *value)
{
	if (packed->size == 0)
		return 0;
	if (wire == WIRE_VARINT)
		return varint_next(packed, value);
	return fixed_next(packed, wire == WIRE_32 ? 4 : 8, value);
}

int onnx_field_next(struct onnx_bytes *message, struct onnx_field *field)
{
	uint64_t key = 0;

	if (message->size == 0)
		return 0;
	if (varint_next(message, &key) < 0 || key >> 3 == 0 || key > UINT32_MAX)
		return -1;
	*field = (struct onnx_field){.number = (uint32_t)(key >> 3), .wire = (enum wire)(key & 7)};
	switch (field->wire) {
	case WIRE_VARINT:
		return varint_next(message, &field->value);
	case WIRE_64:
		return fixed_next(message, 8, &field->value);
	case WIRE_32:
		return fixed_next(message, 4, &field->value);
	case WIRE_BYTES:
		if (varint_next(message, &key) < 0 || key > message->size)
			return -1;
		field->bytes = (struct onnx_bytes){message->data, (size_t)key};
		message->data += key;
		message->size -= (size_t)key;
		return 1;
	}
	return -1;
}

bool onnx_text_is(struct onnx_bytes bytes, const char *text)
{
	return bytes.size == strlen(text) && (bytes.size == 0 || memcmp(bytes.data, text, bytes.size) == 0);
}

const char *onnx_text(struct onnx_bytes bytes, char room[ONNX_TEXT])
{
	size_t size = bytes.size < ONNX_TEXT ? bytes.size : ONNX_TEXT - 1;

	for (size_t i = 0; i < size; i++)
		room[i] = bytes.data[i] >= ' ' && bytes.data[i] <= '~' ? (char)bytes.data[i] : '?';
	room[size] = '\0';
	return room;
}

/* Adds a field's numbers, packed or single, to `numbers`; those past `room` are only counted. */
static int integers_add(const struct onnx_field *field, int64_t *numbers, int room, int *count)
{
	struct onnx_bytes packed = field->bytes;
	uint64_t value = field->value;
	int got = field->wire == WIRE_VARINT;

	if (field->wire != WIRE_VARINT && field->wire != WIRE_BYTES)
		return -1;
	if (field->wire == WIRE_BYTES)
		got = onnx_number_next(&packed, WIRE_VARINT, &value);
	for (; got == 1; got = onnx_number_next(&packed, WIRE_VARINT, &value)) {
		if (*count < room)
			numbers[*count] = (int64_t)value;
		if (*count < INT_MAX)
			++*count;
	}
	return got;
}

/* The same for floats. */
static int numbers_add(const struct onnx_field *field, float *numbers, int room, int *count)
{
	struct onnx_bytes packed = field->bytes;
	uint64_t value = field->value;
	int got = field->wire == WIRE_32;

	if (field->wire != WIRE_32 && field->wire != WIRE_BYTES)
		return -1;
	if (field->wire == WIRE_BYTES)
		got = onnx_number_next(&packed, WIRE_32, &value);
	for (; got == 1; got = onnx_number_next(&packed, WIRE_32, &value)) {
		if (*count < room)
			memcpy(&numbers[*count], &(uint32_t){(uint32_t)value}, sizeof(*numbers));
		if (*count < INT_MAX)
			++*count;
	}
	return got;
}

/* Whether the field is one that we read but of another wire type. */
static bool wire_wrong(const struct onnx_field *field, uint32_t number, enum wire wire)
{
	return field->number == number && field->wire != wire;
}

/* 0; −1: damaged. */
static int tensor_parse(struct onnx_bytes message, struct onnx_tensor *tensor)
{
	struct onnx_field field;
	int got;

	*tensor = (struct onnx_tensor){.message = message};
	while ((got = onnx_field_next(&message, &field)) == 1) {
		if (wire_wrong(&field, 2, WIRE_VARINT) || wire_wrong(&field, 8, WIRE_BYTES))
			return -1;
		if (field.number == 1 && integers_add(&field, tensor->dims, ONNX_RANK, &tensor->rank) < 0)
			return -1;
		if (field.number == 2)
			tensor->type = (int64_t)field.value;
		if (field.number == 8)
			tensor->name = field.bytes;
	}
	return got;
}

static int attribute_field(const struct onnx_field *field, struct onnx_attribute *out)
{
	switch (field->number) {
	case 1:
		out->name = field->bytes;
		return 0;
	case 2:
		memcpy(&out->number, &(uint32_t){(uint32_t)field->value}, sizeof(out->number));
		return 0;
	case 3:
		out->integer = (int64_t)field->value;
		return 0;
	case 4:
		out->text = field->bytes;
		return 0;
	case 5:
		return tensor_parse(field->bytes, &out->tensor);
	case 7:
		return numbers_add(field, out->numbers, ONNX_EDGES, &out->number_count);
	case 8:
		return integers_add(field, out->integers, ONNX_EDGES, &out->count);
	case 20:
		out->type = (int64_t)field->value;
		return 0;
	default:
		return 0;
	}
}

static int attribute_parse(struct onnx_bytes message, struct onnx_attribute *out)
{
	struct onnx_field field;
	int got;

	*out = (struct onnx_attribute){0};
	while ((got = onnx_field_next(&message, &field)) == 1)
		if (wire_wrong(&field, 1, WIRE_BYTES) || wire_wrong(&field, 2, WIRE_32) ||
			wire_wrong(&field, 3, WIRE_VARINT) || wire_wrong(&field, 4, WIRE_BYTES) ||
			wire_wrong(&field, 5, WIRE_BYTES) || wire_wrong(&field, 20, WIRE_VARINT) ||
			attribute_field(&field, out) < 0)
			return -1;
	return got;
}

int onnx_attribute_next(struct onnx_bytes *message, struct onnx_attribute *out)
{
	struct onnx_field field;
	int got;

	while ((got = onnx_field_next(message, &field)) == 1)
		if (field.number == 5)
			return attribute_parse(field.bytes, out) < 0 ? -1 : 1;
	return got;
}

static void edge_add(struct onnx_bytes name, struct onnx_bytes *edges, int *count)
{
	if (*count < ONNX_EDGES)
		edges[*count] = name;
	if (*count < INT_MAX)
		++*count;
}

static int node_parse(struct onnx_bytes message, struct onnx_node *node)
{
	struct onnx_attribute attribute;
	struct onnx_field field;
	int got;

	*node = (struct onnx_node){.message = message};
	while ((got = onnx_field_next(&message, &field)) == 1) {
		bool known = field.number <= 5 || field.number == 7;

		if (known && field.wire != WIRE_BYTES)
			return -1;
		if (field.number == 1)
			edge_add(field.bytes, node->inputs, &node->input_count);
		else if (field.number == 2)
			edge_add(field.bytes, node->outputs, &node->output_count);
		else if (field.number == 3)
			node->name = field.bytes;
		else if (field.number == 4)
			node->type = field.bytes;
		else if (field.number == 7)
			node->domain = field.bytes;
		else if (field.number == 5 && attribute_parse(field.bytes, &attribute) < 0)
			return -1;
	}
	return got;
}

/* The last field of this number, which holds a message or text; empty when there is none. */
static int inner_get(struct onnx_bytes message, uint32_t number, struct onnx_bytes *out)
{
	struct onnx_field field;
	int got;

	*out = (struct onnx_bytes){0};
	while ((got = onnx_field_next(&message, &field)) == 1) {
		if (wire_wrong(&field, number, WIRE_BYTES))
			return -1;
		if (field.number == number)
			*out = field.bytes;
	}
	return got;
}

/* A dimension: its value (1), or the name of one that is left open (2). */
static int dimension_parse(struct onnx_bytes message, int64_t *size)
{
	struct onnx_field field;
	int got;

	*size = -1;
	while ((got = onnx_field_next(&message, &field)) == 1) {
		if (wire_wrong(&field, 1, WIRE_VARINT))
			return -1;
		if (field.number == 1)
			*size = (int64_t)field.value < 0 ? -1 : (int64_t)field.value;
	}
	return got;
}

/* ValueInfoProto: name 1, type 2; in it tensor_type 1; in it shape 2; in it dim 1. */
static int input_parse(struct onnx_bytes message, struct onnx_input *input)
{
	struct onnx_bytes shape;
	struct onnx_field field;
	int got;

	*input = (struct onnx_input){0};
	if (inner_get(message, 1, &input->name) < 0 || inner_get(message, 2, &shape) < 0 ||
		inner_get(shape, 1, &shape) < 0 || inner_get(shape, 2, &shape) < 0)
		return -1;
	while ((got = onnx_field_next(&shape, &field)) == 1) {
		int64_t size = -1;

		if (wire_wrong(&field, 1, WIRE_BYTES) ||
			(field.number == 1 && dimension_parse(field.bytes, &size) < 0))
			return -1;
		if (field.number != 1)
			continue;
		if (input->rank < ONNX_RANK)
			input->dims[input->rank] = size;
		input->rank += input->rank < INT_MAX;
	}
	return got;
}

static int graph_count(struct onnx_bytes graph, struct onnx *model)
{
	struct onnx_field field;
	int got;

	while ((got = onnx_field_next(&graph, &field)) == 1) {
		model->node_count += field.number == 1;
		model->tensor_count += field.number == 5;
		model->input_count += field.number == 11;
		model->output_count += field.number == 12;
	}
	return got;
}

static int graph_parse(struct onnx_bytes graph, struct onnx *model)
{
	int node = 0, tensor = 0, input = 0, output = 0;
	struct onnx_field field;

	while (onnx_field_next(&graph, &field) == 1) {
		bool known =
			field.number == 1 || field.number == 5 || field.number == 11 || field.number == 12;
		int rc = known && field.wire != WIRE_BYTES ? -1 : 0;

		if (rc == 0 && field.number == 1)
			rc = node_parse(field.bytes, &model->nodes[node++]);
		else if (rc == 0 && field.number == 5)
			rc = tensor_parse(field.bytes, &model->tensors[tensor++]);
		else if (rc == 0 && field.number == 11)
			rc = input_parse(field.bytes, &model->inputs[input++]);
		else if (rc == 0 && field.number == 12)
			rc = inner_get(field.bytes, 1, &model->outputs[output++]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int model_parse(struct onnx *model, const char *path, struct error *e)
{
	struct onnx_bytes graph;

	if (inner_get((struct onnx_bytes){model->file, model->size}, 7, &graph) < 0 ||
		graph_count(graph, model) < 0)
		return error_set(e, -EBADMSG, "%s: is not an ONNX model, or a damaged one", path);
	if (model->node_count == 0)
		return error_set(e, -EBADMSG, "%s: holds no graph; is it an ONNX model?", path);
	if (model->node_count > GRAPH_LIMIT || model->tensor_count > GRAPH_LIMIT ||
		model->input_count > GRAPH_LIMIT || model->output_count > GRAPH_LIMIT)
		return error_set(e, -EOVERFLOW, "%s: has more than %d nodes or tensors", path, GRAPH_LIMIT);
	model->nodes = calloc((size_t)model->node_count, sizeof(*model->nodes));
	model->tensors = calloc((size_t)model->tensor_count + 1, sizeof(*model->tensors));
	model->inputs = calloc((size_t)model->input_count + 1, sizeof(*model->inputs));
	model->outputs = calloc((size_t)model->output_count + 1, sizeof(*model->outputs));
	if (!model->nodes || !model->tensors || !model->inputs || !model->outputs)
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	if (graph_parse(graph, model) < 0)
		return error_set(e, -EBADMSG, "%s: is damaged inside its graph", path);
	return 0;
}

int onnx_load(const char *path, struct onnx **out, struct error *e)
{
	const char *slash = strrchr(path, '/');
	struct onnx *model = calloc(1, sizeof(*model));
	struct error cause;
	int rc;

	*out = NULL;
	if (model)
		model->folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
	if (!model || !model->folder)
		rc = error_set(e, -ENOMEM, "%s: out of memory", path);
	else if ((rc = file_read(AT_FDCWD, path, FILE_LIMIT, &model->file, &model->size, &cause)))
		error_set(e, rc, "%s: %s", path, cause.text);
	else
		rc = model_parse(model, path, e);
	if (rc == 0)
		*out = model;
	else
		onnx_destroy(model);
	return rc;
}

void onnx_destroy(struct onnx *model)
{
	if (!model)
		return;
	free(model->nodes);
	free(model->tensors);
	free(model->inputs);
	free(model->outputs);
	free(model->folder);
	free(model->file);
	free(model);
}
