/* SPDX-License-Identifier: MIT */
/* What a pickle of arrays may call, and the arrays. The operations: pickle_machine.c. */
#include "nn/import/pickle.h"

#include "base/error.h"
#include "nn/import/pickle_machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The header of an .npy file before its text. */
enum { MAGIC_BYTES = 6, NUMPY_ARRAY = 4 /* shape, type, order, data */ };

static bool equals(const uint8_t *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

int pickle_global(
	struct pickle *p, const uint8_t *module, size_t module_size, const uint8_t *name, size_t name_size)
{
	static const struct {
		const char *module, *name;
		enum pickle_call call;
	} known[] = {
		{"numpy.core.multiarray", "_reconstruct", CALL_RECONSTRUCT},
		{"numpy._core.multiarray", "_reconstruct", CALL_RECONSTRUCT},
		{"numpy.core.numeric", "_frombuffer", CALL_FROMBUFFER}, /* protocol 5 */
		{"numpy._core.numeric", "_frombuffer", CALL_FROMBUFFER}, {"numpy", "ndarray", CALL_NDARRAY},
		{"numpy", "dtype", CALL_DTYPE},
		{"_codecs", "encode", CALL_ENCODE}, /* bytes in Python 3's protocols 0 to 2 */
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (equals(module, module_size, known[i].module) && equals(name, name_size, known[i].name)) {
			struct pickle_node *node = pickle_push(p, PICKLE_CALL);
			if (!node)
				return -EBADMSG;
			node->number = known[i].call;
			return 0;
		}
	return error_set(p->error, -EBADMSG,
		"wants to call %.*s.%.*s, and is not allowed to: only a dictionary of plain arrays can be "
		"read",
		(int)(module_size < 80 ? module_size : 80), (const char *)module,
		(int)(name_size < 80 ? name_size : 80), (const char *)name);
}

static const struct pickle_node *item(const struct pickle *p, const struct pickle_node *node, uint32_t i)
{
	return &p->nodes[node->items[i]];
}

/* A text or bytes, which are one thing in Python 2. */
static bool is_text(const struct pickle_node *node)
{
	return node->kind == PICKLE_TEXT || node->kind == PICKLE_BYTES;
}

static int frombuffer(struct pickle *p, uint32_t arguments)
{
	/* (data, type, shape, order) */
	if (p->nodes[arguments].count != NUMPY_ARRAY)
		return pickle_broken(p, "an array is not as NumPy writes it");
	if (!pickle_push(p, PICKLE_NUMBER))
		return -EBADMSG;
	uint32_t order = p->stack[--p->depth];
	const struct pickle_node letter = *item(p, &p->nodes[arguments], 3);
	p->nodes[order].number = !is_text(&letter) || !equals(letter.bytes, letter.size, "C");
	if (!pickle_push(p, PICKLE_ARRAY))
		return -EBADMSG;
	uint32_t array = p->stack[p->depth - 1];
	const uint32_t *given = p->nodes[arguments].items;
	const uint32_t items[NUMPY_ARRAY] = {given[2], given[1], order, given[0]};
	for (int i = 0; i < NUMPY_ARRAY; i++)
		if (pickle_item_add(p, array, items[i]))
			return -EBADMSG;
	return 0;
}

/* dtype("f4", …) and _codecs.encode(text, "latin1"): what the first argument holds. */
static int text_made(struct pickle *p, uint32_t arguments, enum pickle_kind kind)
{
	const struct pickle_node *tuple = &p->nodes[arguments];

	if (tuple->count < 1 || !is_text(item(p, tuple, 0)))
		return pickle_broken(p, "a type is no text");
	if (kind == PICKLE_BYTES &&
		(tuple->count != 2 || !is_text(item(p, tuple, 1)) ||
			!equals(item(p, tuple, 1)->bytes, item(p, tuple, 1)->size, "latin1")))
		return pickle_broken(p, "bytes are not encoded as Latin-1");
	const struct pickle_node text = *item(p, tuple, 0);
	struct pickle_node *made = pickle_push(p, kind);
	if (!made)
		return -EBADMSG;
	made->bytes = text.bytes;
	made->size = text.size;
	return 0;
}

int pickle_reduce(struct pickle *p)
{
	if (p->depth < 2)
		return pickle_broken(p, "its stack is empty");
	uint32_t arguments = p->stack[p->depth - 1];
	const struct pickle_node *call = &p->nodes[p->stack[p->depth - 2]];
	if (call->kind != PICKLE_CALL || p->nodes[arguments].kind != PICKLE_TUPLE)
		return pickle_broken(p, "it calls what is no function");
	p->depth -= 2;
	switch (call->number) {
	case CALL_RECONSTRUCT:
		return pickle_push(p, PICKLE_ARRAY) ? 0 : -EBADMSG;
	case CALL_FROMBUFFER:
		return frombuffer(p, arguments);
	case CALL_DTYPE:
		return text_made(p, arguments, PICKLE_TYPE);
	case CALL_ENCODE:
		return text_made(p, arguments, PICKLE_BYTES);
	default:
		return pickle_broken(p, "an array is not as NumPy writes it");
	}
}

/* The state of a type, (3, "<", …), and of an array, (1, shape, type, Fortran order, data). */
int pickle_build(struct pickle *p)
{
	if (p->depth < 2)
		return pickle_broken(p, "its stack is empty");
	const struct pickle_node state = p->nodes[p->stack[p->depth - 1]];
	uint32_t target = p->stack[p->depth - 2];
	struct pickle_node *node = &p->nodes[target];
	bool tuple = state.kind == PICKLE_TUPLE && state.count >= 2;

	p->depth--;
	if (tuple && node->kind == PICKLE_TYPE) {
		const struct pickle_node *order = item(p, &state, 1);
		if (!is_text(order) || order->size != 1)
			return pickle_broken(p, "a type has no byte order");
		node->number = *order->bytes;
		return 0;
	}
	if (!tuple || node->kind != PICKLE_ARRAY || node->count || state.count != 1 + NUMPY_ARRAY)
		return pickle_broken(p, "an array is not as NumPy writes it");
	for (uint32_t i = 0; i < NUMPY_ARRAY; i++)
		if (pickle_item_add(p, target, state.items[1 + i]))
			return -EBADMSG;
	return 0;
}

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

	if (root->kind == PICKLE_ARRAY && root->count == NUMPY_ARRAY) {
		const struct pickle_node *data = item(p, root, 3);
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
		if (equals(type->bytes, type->size, known[i])) {
			snprintf(npy->type, sizeof(npy->type), "%s", known[i]);
			return 0;
		}
	return error_set(e, -EBADMSG, "is of type \"%.*s\"; whole numbers, float32 and float64 are read",
		(int)(type->size < 16 ? type->size : 16), (const char *)type->bytes);
}

static int array_get(const struct pickle *p, const struct pickle_node *array, struct npy *npy,
	const uint8_t **values, struct error *e)
{
	if (array->kind != PICKLE_ARRAY || array->count != NUMPY_ARRAY)
		return error_set(e, -EBADMSG, "is no array");
	const struct pickle_node *shape = item(p, array, 0), *data = item(p, array, 3);
	int rc = type_get(item(p, array, 1), npy, e);

	if (rc)
		return rc;
	if (shape->kind != PICKLE_TUPLE || shape->count > NPY_DIMENSIONS)
		return error_set(e, -EBADMSG, "has more than %d dimensions", NPY_DIMENSIONS);
	npy->dimensions = (int)shape->count;
	for (uint32_t i = 0; i < shape->count; i++) {
		if (item(p, shape, i)->kind != PICKLE_NUMBER || item(p, shape, i)->number < 0)
			return error_set(e, -EBADMSG, "has a dimension that is no number");
		npy->shape[i] = (uint64_t)item(p, shape, i)->number;
	}
	if (shape->count > 1 && (item(p, array, 2)->kind != PICKLE_NUMBER || item(p, array, 2)->number))
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
		const struct pickle_node *key = item(pickle, dict, i - 2);

		if (!is_text(key) || !equals(key->bytes, key->size, name))
			continue;
		int rc = array_get(pickle, item(pickle, dict, i - 1), npy, values, &fault);
		return rc ? error_set(e, rc, "holds \"%s\", which %s", name, fault.text) : 0;
	}
	return error_set(e, -ENOENT, "holds no array \"%s\"", name);
}
