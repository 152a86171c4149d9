/* SPDX-License-Identifier: MIT */
/* What a pickle of arrays may call, and what becomes of it. */
#include "nn/import/pickle_machine.h"

#include "base/error.h"

#include <errno.h>

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
		if (pickle_text_is(module, module_size, known[i].module) &&
			pickle_text_is(name, name_size, known[i].name)) {
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

static int frombuffer(struct pickle *p, uint32_t arguments)
{
	/* (data, type, shape, order) */
	if (p->nodes[arguments].count != PICKLE_ARRAY_ITEMS)
		return pickle_broken(p, "an array is not as NumPy writes it");
	if (!pickle_push(p, PICKLE_NUMBER))
		return -EBADMSG;
	uint32_t order = p->stack[--p->depth];
	const struct pickle_node letter = *pickle_item(p, &p->nodes[arguments], 3);
	p->nodes[order].number = !pickle_is_text(&letter) || !pickle_text_is(letter.bytes, letter.size, "C");
	if (!pickle_push(p, PICKLE_ARRAY))
		return -EBADMSG;
	uint32_t array = p->stack[p->depth - 1];
	const uint32_t *given = p->nodes[arguments].items;
	const uint32_t items[PICKLE_ARRAY_ITEMS] = {given[2], given[1], order, given[0]};
	for (int i = 0; i < PICKLE_ARRAY_ITEMS; i++)
		if (pickle_item_add(p, array, items[i]))
			return -EBADMSG;
	return 0;
}

/* dtype("f4", …) and _codecs.encode(text, "latin1"): what the first argument holds. */
static int text_made(struct pickle *p, uint32_t arguments, enum pickle_kind kind)
{
	const struct pickle_node *tuple = &p->nodes[arguments];

	if (tuple->count < 1 || !pickle_is_text(pickle_item(p, tuple, 0)))
		return pickle_broken(p, "a type is no text");
	if (kind == PICKLE_BYTES && (tuple->count != 2 || !pickle_is_text(pickle_item(p, tuple, 1)) ||
					    !pickle_text_is(pickle_item(p, tuple, 1)->bytes,
						    pickle_item(p, tuple, 1)->size, "latin1")))
		return pickle_broken(p, "bytes are not encoded as Latin-1");
	const struct pickle_node text = *pickle_item(p, tuple, 0);
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
		const struct pickle_node *order = pickle_item(p, &state, 1);
		if (!pickle_is_text(order) || order->size != 1)
			return pickle_broken(p, "a type has no byte order");
		node->number = *order->bytes;
		return 0;
	}
	if (!tuple || node->kind != PICKLE_ARRAY || node->count || state.count != 1 + PICKLE_ARRAY_ITEMS)
		return pickle_broken(p, "an array is not as NumPy writes it");
	for (uint32_t i = 0; i < PICKLE_ARRAY_ITEMS; i++)
		if (pickle_item_add(p, target, state.items[1 + i]))
			return -EBADMSG;
	return 0;
}
