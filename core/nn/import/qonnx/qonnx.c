/* SPDX-License-Identifier: MIT */
/*
 * Walks over the model's nodes in their order. A node that reads only constants becomes a constant. Nodes
 * that read the picture form the path. There is one path: every node on it reads the last output of the path.
 */
#include "nn/import/qonnx/qonnx.h"

#include "base/error.h"
#include "nn/format/labels.h"
#include "nn/import/qonnx/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LABELS_LIMIT ((size_t)CHANNEL_LIMIT * (LABEL_LIMIT + 2) + 3) /* bytes of labels.txt */

static void node_enter(struct qonnx_import *m, const struct onnx_node *node)
{
	char name[ONNX_TEXT], type[ONNX_TEXT];

	m->node = node;
	snprintf(m->title, sizeof(m->title), "\"%s\" (%s)",
		onnx_text(node->name.size ? node->name : node->outputs[0], name),
		onnx_text(node->type, type));
}

enum domain { DOMAIN_ONNX, DOMAIN_QUANT };

static const struct operation {
	const char *type;
	enum domain domain;
	bool either; /* the path may be the second input */
	int (*fold)(
		struct qonnx_import *m, struct constant **out, struct error *e); /* reads constants only */
	int (*follow)(struct qonnx_import *m, struct error *e);			 /* reads the path */
} operations[] = {
	{"Quant", DOMAIN_QUANT, false, quant_fold, quant_follow},
	{"BipolarQuant", DOMAIN_QUANT, false, quant_fold, quant_follow},
	{"Conv", DOMAIN_ONNX, false, NULL, conv_follow},
	{"Gemm", DOMAIN_ONNX, false, NULL, gemm_follow},
	{"MatMul", DOMAIN_ONNX, false, NULL, matmul_follow},
	{"BatchNormalization", DOMAIN_ONNX, false, NULL, batch_norm_follow},
	{"Relu", DOMAIN_ONNX, false, NULL, relu_follow},
	{"MaxPool", DOMAIN_ONNX, false, NULL, pool_follow},
	{"Add", DOMAIN_ONNX, true, NULL, add_follow},
	{"Sub", DOMAIN_ONNX, true, NULL, subtract_follow},
	{"Mul", DOMAIN_ONNX, true, NULL, multiply_follow},
	{"Div", DOMAIN_ONNX, false, NULL, divide_follow},
	{"Reshape", DOMAIN_ONNX, false, reshape_fold, reshape_follow},
	{"Flatten", DOMAIN_ONNX, false, NULL, flatten_follow},
	{"Transpose", DOMAIN_ONNX, false, transpose_fold, NULL},
	{"Identity", DOMAIN_ONNX, false, identity_fold, identity_follow},
	{"Dropout", DOMAIN_ONNX, false, identity_fold, identity_follow},
	{"Constant", DOMAIN_ONNX, false, constant_node, NULL},
	{"Softmax", DOMAIN_ONNX, false, NULL, softmax_follow},
	{"LogSoftmax", DOMAIN_ONNX, false, NULL, softmax_follow},
};

static const struct operation *operation_find(const struct onnx_node *node)
{
	bool quant = onnx_text_is(node->domain, "onnx.brevitas") ||
		     onnx_text_is(node->domain, "qonnx.custom_op.general");
	bool onnx = node->domain.size == 0 || onnx_text_is(node->domain, "ai.onnx");

	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (onnx_text_is(node->type, operations[i].type) &&
			(operations[i].domain == DOMAIN_QUANT ? quant : onnx))
			return &operations[i];
	return NULL;
}

static int operation_unknown(const struct qonnx_import *m, struct error *e)
{
	char domain[ONNX_TEXT], type[ONNX_TEXT];

	if (m->node->domain.size && !onnx_text_is(m->node->domain, "ai.onnx"))
		return node_error(m, -EBADMSG, e, "the operator %s of domain %s cannot be imported",
			onnx_text(m->node->type, type), onnx_text(m->node->domain, domain));
	return node_error(
		m, -EBADMSG, e, "the operator %s cannot be imported", onnx_text(m->node->type, type));
}

/* Which input is the path; −1: none. */
static int path_find(const struct qonnx_import *m, int *path, struct error *e)
{
	char text[ONNX_TEXT];

	*path = -1;
	for (int i = 0; i < m->node->input_count; i++) {
		const struct onnx_bytes name = m->node->inputs[i];
		const struct value *value = name.size ? value_find(m, name) : NULL;

		if (name.size && !value)
			return node_error(m, -EBADMSG, e, "reads \"%s\", which nothing before it gives",
				onnx_text(name, text));
		if (!value || value->constant || value->initializer)
			continue;
		if (*path >= 0 || value_compare(value, &(struct value){.name = m->tip}) != 0)
			return node_error(m, -EBADMSG, e,
				"the network branches at \"%s\"; only a chain can be imported",
				onnx_text(name, text));
		*path = i;
	}
	return 0;
}

static int node_walk(struct qonnx_import *m, struct error *e)
{
	const struct operation *operation = operation_find(m->node);
	struct constant *constant = NULL;
	int path;

	if (!operation)
		return operation_unknown(m, e);
	if (m->node->input_count > ONNX_EDGES || m->node->output_count < 1)
		return node_error(m, -EBADMSG, e, "has %d inputs and %d outputs", m->node->input_count,
			m->node->output_count);
	int rc = path_find(m, &path, e);
	if (rc)
		return rc;
	if (path < 0) {
		if (!operation->fold)
			return node_error(
				m, -EBADMSG, e, "reads constants only; let the exporter fold them into one");
		rc = operation->fold(m, &constant, e);
		return rc ? rc : value_add(m, m->node->outputs[0], NULL, constant, e);
	}
	if (!operation->follow || path > (operation->either ? 1 : 0))
		return node_error(m, -EBADMSG, e, "its %s must be a constant, not what the picture makes",
			operation->follow ? "other inputs" : "input");
	if (m->place == AT_END && operation->follow != identity_follow)
		return node_error(m, -EBADMSG, e, "comes after the softmax, which must end the network");
	rc = operation->follow(m, e);
	m->tip = m->node->outputs[0];
	return rc ? rc : value_add(m, m->tip, NULL, NULL, e);
}

static int initializers_add(struct qonnx_import *m, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < m->model->tensor_count && rc == 0; i++)
		rc = value_add(m, m->model->tensors[i].name, &m->model->tensors[i], NULL, e);
	return rc;
}

/* [pictures, channels, height, width]; the pictures may be any number. */
static int input_shape(struct qonnx_import *m, const struct onnx_input *input, struct error *e)
{
	const int64_t *dims = input->dims;
	char text[ONNX_TEXT];

	if (input->rank != 4 || dims[1] < 1 || dims[1] > CHANNEL_LIMIT || dims[2] < 1 ||
		dims[2] > SIDE_LIMIT || dims[3] < 1 || dims[3] > SIDE_LIMIT)
		return error_set(e, -EBADMSG,
			"%s: the input \"%s\" must be of pictures [1, channels, height, width], with numbers "
			"for "
			"them; flatten them inside the model",
			m->path, onnx_text(input->name, text));
	m->shape = (struct shape){(int)dims[2], (int)dims[3], (int)dims[1]};
	m->tip = input->name;
	return value_add(m, input->name, NULL, NULL, e);
}

static int input_add(struct qonnx_import *m, struct error *e)
{
	const struct onnx_input *picture = NULL;
	int count = 0;

	for (int i = 0; i < m->model->input_count; i++)
		if (!value_find(m, m->model->inputs[i].name)) {
			picture = &m->model->inputs[i];
			count++;
		}
	if (count != 1)
		return error_set(
			e, -EBADMSG, "%s: has %d inputs, but must have one, the picture", m->path, count);
	return input_shape(m, picture, e);
}

static int path_end(struct qonnx_import *m, struct error *e)
{
	char text[ONNX_TEXT];

	if (m->model->output_count != 1)
		return error_set(e, -EBADMSG, "%s: has %d outputs, but must have one", m->path,
			m->model->output_count);
	if (value_compare(&(struct value){.name = m->tip}, &(struct value){.name = m->model->outputs[0]}) !=
		0)
		return error_set(e, -EBADMSG, "%s: the output \"%s\" is not the end of the chain", m->path,
			onnx_text(m->model->outputs[0], text));
	if (m->place == AT_INPUT || m->network->layer_count == 0)
		return error_set(e, -EBADMSG, "%s: holds no layer with weights", m->path);
	return m->place == AT_CODES ? 0 : layer_end_scores(m, e);
}

static int labels_make(struct qonnx_import *m, struct error *e)
{
	struct network *network = m->network;
	uint8_t *text = NULL;
	char *path = NULL;
	size_t size;
	int rc;

	if (network->class_count == 0)
		return 0;
	if (asprintf(&path, "%slabels.txt", m->model->folder) < 0)
		return error_set(e, -ENOMEM, "%s: out of memory", m->path);
	if (access(path, F_OK) == 0) {
		rc = onnx_file_read(path, LABELS_LIMIT, &text, &size, e);
		rc = rc ? rc : labels_parse(network, path, (const char *)text, size, e);
		free(text);
		free(path);
		return rc;
	}
	free(path);
	return labels_number(network, e);
}

/* The file's name without its suffix. */
static int network_make(struct qonnx_import *m, struct error *e)
{
	const char *slash = strrchr(m->path, '/');
	const char *name = slash ? slash + 1 : m->path;
	size_t length = strlen(name);

	if (length > 5 && strcasecmp(name + length - 5, ".onnx") == 0)
		length -= 5;
	m->network = calloc(1, sizeof(*m->network));
	if (m->network)
		m->network->name = strndup(name, length);
	return m->network && m->network->name ? 0 : error_set(e, -ENOMEM, "%s: out of memory", m->path);
}

static int model_walk(struct qonnx_import *m, struct error *e)
{
	struct error fault = {0};
	int rc = 0;

	if ((rc = network_make(m, e)) || (rc = initializers_add(m, e)) || (rc = input_add(m, e)))
		return rc;
	for (int i = 0; i < m->model->node_count && rc == 0; i++) {
		node_enter(m, &m->model->nodes[i]);
		rc = node_walk(m, e);
	}
	if (rc || (rc = path_end(m, e)) || (rc = labels_make(m, e)))
		return rc;
	rc = network_check(m->network, &fault);
	return rc ? error_set(e, rc, "%s: %.300s", m->path, fault.text) : 0;
}

int import_qonnx(const char *path, struct network **out, struct error *e)
{
	struct qonnx_import m = {.path = path};
	int rc = onnx_load(path, &m.model, e);

	*out = NULL;
	if (rc)
		return rc;
	m.room = 8 * (m.model->size + 1024);
	rc = model_walk(&m, e);
	tdestroy(m.values, value_destroy);
	steps_clear(&m);
	free(m.offset);
	free(m.sum_scale);
	free(m.sum_offset);
	onnx_destroy(m.model);
	if (rc == 0)
		*out = m.network;
	else
		network_destroy(m.network);
	return rc;
}
