/* SPDX-License-Identifier: MIT */
/*
 * UIO devices: registers and interrupts of designs, found by name. A design has a device of its own, or is a
 * part of `fabric`, the one window that the device tree of PYNQ's images has for whatever is in the PL.
 */
#ifndef PL_BUS_UIO_NODE_H
#define PL_BUS_UIO_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* An open device. */
struct uio_node {
	int number;	/* of /dev/uioN */
	int fd;		/* registers and locks; −1: closed */
	int interrupt;	/* for interrupts; −1 */
	uint8_t *begin; /* of its registers; NULL: not mapped */
	size_t size;	/* bytes of registers that its windows need */
	void *mapping;
	size_t mapped;
};

/*
 * Which device has the window of this name, and from which of its bytes on. 0; -ENODEV: none, and the message
 * gives the solution.
 */
int uio_node_find(const char *root, const char *name, int *number, size_t *place, struct error *e);

/* The lowest number of a device that is not below `from`; -ENODEV: none. */
int uio_node_next(const char *root, int from);

/* Opens the device of a number. Other programs may have other parts of it. -EBUSY: one replaces the design.
 */
int uio_node_open(const char *root, int number, struct uio_node *node, struct error *e);
void uio_node_close(struct uio_node *node); /* takes a closed one */

/* Takes a part for this program alone, until the node is closed: two would get each other's results. -EBUSY.
 */
int uio_node_claim(struct uio_node *node, const char *name, size_t place, size_t size, struct error *e);

/* Whether this program has the whole device, to replace the design in it. -EBUSY: another has a part. */
int uio_node_alone(struct uio_node *node, bool alone, struct error *e);

/* Maps the registers that were claimed. -EINVAL: the device has fewer. */
int uio_node_map(const char *root, struct uio_node *node, struct error *e);
void uio_node_unmap(struct uio_node *node);

#endif
