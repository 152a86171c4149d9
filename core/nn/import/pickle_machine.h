/* SPDX-License-Identifier: MIT */
/* What the parts of the reader of pickles share: a stack machine, whose values are nodes. */
#ifndef NN_IMPORT_PICKLE_MACHINE_H
#define NN_IMPORT_PICKLE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct error;

enum pickle_kind {
	PICKLE_NONE,
	PICKLE_NUMBER, /* whole, or a boolean */
	PICKLE_BYTES,  /* a text of Python 2 too */
	PICKLE_TEXT,   /* its characters as bytes of Latin-1 */
	PICKLE_TUPLE,
	PICKLE_LIST,
	PICKLE_DICT, /* items: key, value, key, … */
	PICKLE_CALL, /* what REDUCE may call; number: enum pickle_call */
	PICKLE_TYPE, /* NumPy's dtype; bytes: "f4", number: its byte order, '<' */
	PICKLE_ARRAY /* items: shape, type, whether in Fortran order, data; none before its BUILD */
};

enum pickle_call { CALL_RECONSTRUCT, CALL_FROMBUFFER, CALL_NDARRAY, CALL_DTYPE, CALL_ENCODE };

struct pickle_node {
	enum pickle_kind kind;
	int64_t number;
	const uint8_t *bytes;
	size_t size;
	uint8_t *owned; /* bytes, where they do not stand in the file as they are */
	uint32_t *items;
	uint32_t count, room;
};

struct pickle {
	const uint8_t *at, *end;
	struct pickle_node *nodes;
	uint32_t *stack, *marks, *memo; /* memo: nodes; UINT32_MAX where nothing is kept */
	uint32_t node_count, node_room, depth, stack_room, mark_count, mark_room, memo_room, memo_next;
	size_t to_decode; /* bytes of texts that may still be decoded */
	uint32_t root;
	struct error *error; /* of the call at hand */
};

enum {
	PICKLE_NODES_MOST = 65536,
	PICKLE_ARRAY_ITEMS = 4, /* shape, type, order, data */
};

/* Runs the program; root is its result. */
int pickle_run(struct pickle *p);

/* A new node on the stack; NULL and an error where there is no room. Nodes move when one is made. */
struct pickle_node *pickle_push(struct pickle *p, enum pickle_kind kind);
int pickle_stack_put(struct pickle *p, uint32_t node);
int pickle_item_add(struct pickle *p, uint32_t node, uint32_t item);

/* Room for one more of `count`. */
int pickle_room(const struct pickle *p, void **list, uint32_t count, uint32_t *room, size_t width);

/* The error of a pickle that nobody writes so. */
int pickle_broken(const struct pickle *p, const char *what);

/* What a file may call, and what becomes of it. */
int pickle_global(
	struct pickle *p, const uint8_t *module, size_t module_size, const uint8_t *name, size_t name_size);
int pickle_reduce(struct pickle *p);
int pickle_build(struct pickle *p);

static inline const struct pickle_node *pickle_item(
	const struct pickle *p, const struct pickle_node *node, uint32_t i)
{
	return &p->nodes[node->items[i]];
}

/* A text or bytes, which are one thing in Python 2. */
static inline bool pickle_is_text(const struct pickle_node *node)
{
	return node->kind == PICKLE_TEXT || node->kind == PICKLE_BYTES;
}

static inline bool pickle_text_is(const uint8_t *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

#endif
