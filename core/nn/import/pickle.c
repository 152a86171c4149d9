/* SPDX-License-Identifier: MIT */
/* The arrays of a pickle. Its operations: pickle_machine.c. */
#include "nn/import/pickle.h"

#include "base/error.h"
#include "nn/import/pickle_machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The header of an .npy file before its text. */
enum { MAGIC_BYTES = 6 };

/* The text of an .npy header must say that objects follow; where the pickle begins. */
static int header_skip(const uint8_t *file, size_t size, size_t *skipped, struct error *e)
{
	size_t begin = MAGIC_BYTES + 4, length = 0;

	if (size < MAGIC_BYTES + 6 || memcmp(file, "\x93NUMPY", MAGIC_BYTES) != 0)
		return error_set(e, -EBADMSG, "is no .npy file");
	length = file[8] | (size_t)file[9] << 8;
	if (file[6] > 1) {
		length |= (size_t)file[10] << 16 | (size_t)file[11] << 24;
		begin += 2;
	}
	if (length > size - begin)
		return error_set(e, -EBADMSG, "ends within its header");
	if (!memmem(file + begin, length, "|O", 2))
		return error_set(
			e, -EBADMSG, "holds plain numbers; a pickled dictionary of arrays is expected");
	*skipped = begin + length;
	return 0;
}

/* numpy.save wraps the dictionary into an array of one object. */
static int root_unwrap(struct pickle *p)
{
	const struct pickle_node *root = &p->nodes[p->root];

	if (root->kind == PICKLE_ARRAY && root->count == PICKLE_ARRAY_ITEMS) {
		const struct pickle_node *data = pickle_item(p, root, 3);
		if (data->kind == PICKLE_LIST && data->count == 1)
			p->root = data->items[0];
	}
	if (p->nodes[p->root].kind == PICKLE_DICT)
		return 0;
	return error_set(p->error, -EBADMSG, "holds no dictionary of arrays");
}

int pickle_open(const uint8_t *file, size_t size, struct pickle **out, struct error *e)
{
	struct error fault = {0};
	size_t skipped = 0;
	int rc = header_skip(file, size, &skipped, e);

	*out = NULL;
	if (rc)
		return rc;
	struct pickle *p = calloc(1, sizeof(*p));
	if (!p)
		return error_set(e, -ENOMEM, "does not fit into memory");
	p->at = file + skipped;
	p->end = file + size;
	p->to_decode = size - skipped;
	p->error = &fault;
	if ((rc = pickle_run(p)) || (rc = root_unwrap(p))) {
		pickle_close(p);
		return error_set(e, rc, "%s", fault.text);
	}
	p->error = NULL;
	*out = p;
	return 0;
}

void pickle_close(struct pickle *pickle)
{
	if (!pickle)
		return;
	for (uint32_t i = 0; i < pickle->node_count; i++) {
		free(pickle->nodes[i].owned);
		free(pickle->nodes[i].items);
	}
	free(pickle->nodes);
	free(pickle->stack);
	free(pickle->marks);
	free(pickle->memo);
	free(pickle);
}

static int type_get(const struct pickle_node *type, struct npy *npy, struct error *e)
{
	static const char *const known[] = {"f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"};

	if (type->kind != PICKLE_TYPE)
		return error_set(e, -EBADMSG, "has no type");
	if (type->number == '>')
		return error_set(e, -EBADMSG, "is big-endian; save it after astype(\"<%.*s\")",
			(int)(type->size < 4 ? type->size : 4), (const char *)type->bytes);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (pickle_text_is(type->bytes, type->size, known[i])) {
			snprintf(npy->type, sizeof(npy->type), "%s", known[i]);
			return 0;
		}
	return error_set(e, -EBADMSG, "is of type \"%.*s\"; whole numbers, float32 and float64 are read",
		(int)(type->size < 16 ? type->size : 16), (const char *)type->bytes);
}

static int array_get(const struct pickle *p, const struct pickle_node *array, struct npy *npy,
	const uint8_t **values, struct error *e)
{
	if (array->kind != PICKLE_ARRAY || array->count != PICKLE_ARRAY_ITEMS)
		return error_set(e, -EBADMSG, "is no array");
	const struct pickle_node *shape = pickle_item(p, array, 0), *data = pickle_item(p, array, 3);
	int rc = type_get(pickle_item(p, array, 1), npy, e);

	if (rc)
		return rc;
	if (shape->kind != PICKLE_TUPLE || shape->count > NPY_DIMENSIONS)
		return error_set(e, -EBADMSG, "has more than %d dimensions", NPY_DIMENSIONS);
	npy->dimensions = (int)shape->count;
	for (uint32_t i = 0; i < shape->count; i++) {
		if (pickle_item(p, shape, i)->kind != PICKLE_NUMBER || pickle_item(p, shape, i)->number < 0)
			return error_set(e, -EBADMSG, "has a dimension that is no number");
		npy->shape[i] = (uint64_t)pickle_item(p, shape, i)->number;
	}
	if (shape->count > 1 &&
		(pickle_item(p, array, 2)->kind != PICKLE_NUMBER || pickle_item(p, array, 2)->number))
		return error_set(e, -EBADMSG, "is in Fortran order; save it after numpy.ascontiguousarray");
	uint64_t count = npy_count(npy);
	if (data->kind != PICKLE_BYTES || count > SIZE_MAX / 8 || data->size != count * npy_width(npy))
		return error_set(e, -EBADMSG, "does not hold the numbers of its shape");
	*values = data->bytes;
	return 0;
}

int pickle_find(const struct pickle *pickle, const char *name, struct npy *npy, const uint8_t **values,
	struct error *e)
{
	const struct pickle_node *dict = &pickle->nodes[pickle->root];
	struct error fault = {0};

	for (uint32_t i = dict->count; i >= 2; i -= 2) { /* of two of one name, the later counts */
		const struct pickle_node *key = pickle_item(pickle, dict, i - 2);

		if (!pickle_is_text(key) || !pickle_text_is(key->bytes, key->size, name))
			continue;
		int rc = array_get(pickle, pickle_item(pickle, dict, i - 1), npy, values, &fault);
		return rc ? error_set(e, rc, "holds \"%s\", which %s", name, fault.text) : 0;
	}
	return error_set(e, -ENOENT, "holds no array \"%s\"", name);
}
