/* SPDX-License-Identifier: MIT */
/* Memory that lives as long as the lowering. */
#include "nn/import/lower/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_LIMIT ((size_t)512 << 20) /* bytes: far above what a network that fits its limits needs */

int lowering_charge(struct lowering *l, size_t count, size_t size, struct error *e)
{
	if (count > (MEMORY_LIMIT - l->memory) / size)
		return node_error(l, -EOVERFLOW, e,
			"would take more than %zu MiB of memory with those before it", MEMORY_LIMIT >> 20);
	l->memory += count * size;
	return 0;
}

int lowering_take(struct lowering *l, size_t count, size_t size, void *out, struct error *e)
{
	int rc = lowering_charge(l, count, size, e);
	void *block = rc ? NULL : calloc(count + 1, size);

	if (rc)
		return rc;

	if (block && l->block_count == l->block_room) {
		int room = l->block_room ? 2 * l->block_room : 256;
		void *grown = realloc((void *)l->blocks, (size_t)room * sizeof(*l->blocks));

		if (grown) {
			l->blocks = grown;
			l->block_room = room;
		}
	}
	if (!block || l->block_count == l->block_room) {
		free(block);
		return node_error(l, -ENOMEM, e, "out of memory");
	}
	l->blocks[l->block_count++] = block;
	memcpy(out, &block, sizeof(block));
	return 0;
}

int numbers_take(struct lowering *l, int count, double fill, double **out, struct error *e)
{
	int rc = lowering_take(l, (size_t)count, sizeof(**out), out, e);

	for (int i = 0; i < count && rc == 0; i++)
		(*out)[i] = fill;
	return rc;
}

struct signal *signal_of(const struct lowering *l, const struct graph_tensor *tensor)
{
	for (int i = 0; i < l->graph->tensor_count; i++)
		if (l->graph->tensors[i] == tensor)
			return &l->signals[i];
	return NULL;
}
