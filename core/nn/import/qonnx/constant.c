/* SPDX-License-Identifier: MIT */
/* Constants: tensors of the model that do not depend on the picture. */
#include "nn/import/qonnx/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

void constant_destroy(struct constant *constant)
{
	if (!constant)
		return;
	free(constant->values);
	free(constant->scales);
	free(constant);
}

int constant_create(struct qonnx_import *m, const struct constant *from, bool quantised,
	struct constant **out, struct error *e)
{
	size_t size = from->count * (quantised ? 2 : 1);

	if (size > m->room)
		return node_error(m, -EOVERFLOW, e, "is one more copy of the constants than can be needed");
	m->room -= size;
	struct constant *made = malloc(sizeof(*made));
	if (!made)
		return node_error(m, -ENOMEM, e, "out of memory");
	*made = *from;
	made->values = malloc(from->count * sizeof(*made->values));
	made->scales = quantised ? malloc(from->count * sizeof(*made->scales)) : NULL;
	*out = made;
	if (made->values && (!quantised || made->scales))
		return 0;
	constant_destroy(made);
	*out = NULL;
	return node_error(m, -ENOMEM, e, "out of memory");
}

int constant_of_tensor(
	struct qonnx_import *m, const struct onnx_tensor *tensor, struct constant **out, struct error *e)
{
	struct constant *constant = calloc(1, sizeof(*constant));
	struct error cause = {0};
	char text[ONNX_TEXT];

	if (!constant)
		return node_error(m, -ENOMEM, e, "out of memory");
	double *numbers = NULL;
	int rc = onnx_tensor_read(m->model, tensor, &numbers, &constant->count, &cause);
	if (!rc && !(constant->values = malloc((constant->count + 1) * sizeof(float))))
		rc = error_set(&cause, -ENOMEM, "does not fit into memory");
	for (size_t i = 0; !rc && i < constant->count; i++)
		constant->values[i] = (float)numbers[i];
	free(numbers);
	if (rc) {
		constant_destroy(constant);
		return node_error(
			m, rc, e, "its constant \"%s\" %s", onnx_text(tensor->name, text), cause.text);
	}
	m->read += constant->count;
	if (m->read > 2 * WEIGHT_LIMIT) {
		constant_destroy(constant);
		return node_error(m, -EOVERFLOW, e, "the model's constants are over the limit");
	}
	/* External data counts as part of the model. */
	m->room += 8 * constant->count;
	constant->rank = tensor->rank;
	for (int i = 0; i < tensor->rank; i++)
		constant->dims[i] = (int)tensor->dims[i];
	for (size_t i = 0; i < constant->count; i++)
		if (!isfinite(constant->values[i])) {
			constant_destroy(constant);
			return node_error(m, -EBADMSG, e,
				"its constant \"%s\" holds a number that is not finite",
				onnx_text(tensor->name, text));
		}
	*out = constant;
	return 0;
}
