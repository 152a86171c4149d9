/* SPDX-License-Identifier: MIT */
/* What `twobit pl` does: another design for the PL, and what can be told of the one in it. */
#include "pl/bus/uio/uio.h"

#include "base/error.h"
#include "pl/bus/uio/files.h"
#include "pl/bus/uio/fpga_manager.h"
#include "pl/bus/uio/memory.h"
#include "pl/bus/uio/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODES 16 /* that are looked at: a PYNQ image has two */

/* Takes all UIO devices, whatever their names: a program that uses one has registers of the PL mapped. */
static int take_all(struct uio_node *nodes, int *count, struct error *e)
{
	int rc = 0, number = -1;

	*count = 0;
	while (!rc && *count < NODES && (number = uio_node_next(uio_root(), number + 1)) >= 0) {
		rc = uio_node_open(uio_root(), number, &nodes[*count], e);
		if (!rc)
			rc = uio_node_alone(&nodes[(*count)++], true, e);
		else if (rc == -ENOENT || rc == -ENXIO) /* no node for it: nobody can use it */
			rc = 0;
	}
	return rc;
}

bool uio_has(const char *window)
{
	size_t place;
	int number;

	return !uio_node_find(uio_root(), window, &number, &place, NULL);
}

int uio_load(const char *bitstream, struct error *e)
{
	struct uio_node nodes[NODES];
	uint64_t hash;
	int count = 0, rc = fpga_manager_prepare(uio_root(), bitstream, &hash, e);

	if (!rc)
		rc = take_all(nodes, &count, e);
	if (!rc)
		rc = fpga_manager_load(uio_root(), bitstream, hash, e);
	while (count > 0)
		uio_node_close(&nodes[--count]);
	return rc;
}

void uio_status_read(struct uio_status *out)
{
	struct memory *memory;
	struct error e;
	size_t place;
	int number;

	*out = (struct uio_status){0};
	if (fpga_manager_state(uio_root(), out->state, sizeof(out->state)))
		out->state[0] = '\0';
	if (loaded_read(uio_root(), &out->loaded))
		out->loaded.path[0] = '\0';
	out->holds = fpga_manager_holds(uio_root(), NULL);
	if (uio_node_find(uio_root(), "twobit-overlay", &number, &place, &e))
		snprintf(out->registers, sizeof(out->registers), "%s", e.text);
	else
		snprintf(out->registers, sizeof(out->registers), "/dev/uio%d", number);
	if (memory_open(uio_root(), &memory, &e)) {
		snprintf(out->memory, sizeof(out->memory), "%s", e.text);
		return;
	}
	snprintf(out->memory, sizeof(out->memory), "%s", memory_name(memory));
	memory_close(memory);
}
