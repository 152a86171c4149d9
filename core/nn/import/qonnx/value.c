/* SPDX-License-Identifier: MIT */
/* The model's names and what they stand for; the inputs and attributes of the current node. */
#include "nn/import/qonnx/parts.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

int value_compare(const void *a, const void *b)
{
	const struct onnx_bytes *x = &((const struct value *)a)->name;
	const struct onnx_bytes *y = &((const struct value *)b)->name;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->size ? memcmp(x->data, y->data, x->size) : 0;
}

void value_destroy(void *value)
{
	constant_destroy(((struct value *)value)->constant);
	free(value);
}

struct value *value_find(const struct qonnx_import *m, struct onnx_bytes name)
{
	const struct value key = {.name = name};
	struct value *const *found = tfind(&key, &m->values, value_compare);

	return found ? *found : NULL;
}

int value_add(struct qonnx_import *m, struct onnx_bytes name, const struct onnx_tensor *initializer,
	struct constant *constant, struct error *e)
{
	struct value *value = malloc(sizeof(*value));
	char text[ONNX_TEXT];

	if (!value) {
		constant_destroy(constant);
		return error_set(e, -ENOMEM, "%s: out of memory", m->path);
	}
	*value = (struct value){name, initializer, constant};
	struct value *const *found = tsearch(value, &m->values, value_compare);
	if (found && *found == value)
		return 0;
	value_destroy(value);
	return found ? error_set(e, -EBADMSG, "%s: two tensors are called \"%s\"", m->path,
			       onnx_text(name, text))
		     : error_set(e, -ENOMEM, "%s: out of memory", m->path);
}

int constant_input(struct qonnx_import *m, int index, const struct constant **out, struct error *e)
{
	*out = NULL;
	if (index >= m->node->input_count || m->node->inputs[index].size == 0)
		return 0;
	struct value *value = value_find(m, m->node->inputs[index]);
	if (!value || (!value->constant && !value->initializer))
		return node_error(m, -EBADMSG, e, "its input %d must be a constant", index);
	if (!value->constant) {
		int rc = constant_of_tensor(m, value->initializer, &value->constant, e);
		if (rc)
			return rc;
	}
	*out = value->constant;
	return 0;
}

int constant_needed(
	struct qonnx_import *m, int index, const char *what, const struct constant **out, struct error *e)
{
	int rc = constant_input(m, index, out, e);

	return rc == 0 && !*out ? node_error(m, -EBADMSG, e, "its input %d, %s, is missing", index, what)
				: rc;
}

int64_t attribute_integer(const struct qonnx_import *m, const char *name, int64_t other)
{
	struct onnx_attribute attribute;

	return onnx_attribute_find(m->node, name, &attribute) ? attribute.integer : other;
}
