/* SPDX-License-Identifier: MIT */
/* The values of a pickle, and the stack that they stand on. */
#include "nn/import/pickle_machine.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

int pickle_broken(const struct pickle *p, const char *what)
{
	return error_set(p->error, -EBADMSG, "holds a broken pickle: %s", what);
}

int pickle_room(const struct pickle *p, void **list, uint32_t count, uint32_t *room, size_t width)
{
	if (count < *room)
		return 0;
	uint32_t more = *room ? 2 * *room : 16;
	void *grown = realloc(*list, more * width);
	if (!grown)
		return error_set(p->error, -ENOMEM, "does not fit into memory");
	*list = grown;
	*room = more;
	return 0;
}

int pickle_stack_put(struct pickle *p, uint32_t node)
{
	if (p->depth == PICKLE_NODES_MOST)
		return pickle_broken(p, "its stack is too deep");
	int rc = pickle_room(p, (void **)&p->stack, p->depth, &p->stack_room, sizeof(*p->stack));
	if (rc == 0)
		p->stack[p->depth++] = node;
	return rc;
}

struct pickle_node *pickle_push(struct pickle *p, enum pickle_kind kind)
{
	if (p->node_count == PICKLE_NODES_MOST) {
		error_set(p->error, -EBADMSG, "holds more than %d values", PICKLE_NODES_MOST);
		return NULL;
	}
	if (pickle_room(p, (void **)&p->nodes, p->node_count, &p->node_room, sizeof(*p->nodes)) ||
		pickle_stack_put(p, p->node_count))
		return NULL;
	struct pickle_node *node = &p->nodes[p->node_count++];
	*node = (struct pickle_node){.kind = kind};
	return node;
}

int pickle_item_add(struct pickle *p, uint32_t node, uint32_t item)
{
	struct pickle_node *n = &p->nodes[node];
	int rc = n->count < PICKLE_NODES_MOST
			 ? pickle_room(p, (void **)&n->items, n->count, &n->room, sizeof(*n->items))
			 : pickle_broken(p, "a list is too long");
	if (rc == 0)
		n->items[n->count++] = item;
	return rc;
}
