/* SPDX-License-Identifier: MIT */
/* The kinds of memory that the PL can reach, for the table in memory.c alone. */
#ifndef PL_BUS_UIO_MEMORY_DRIVER_H
#define PL_BUS_UIO_MEMORY_DRIVER_H

#include <stddef.h>

struct bus_memory;
struct error;

/* The functions behind this table get what open gave them. */
struct memory_driver {
	const char *name;
	int (*open)(const char *root, void **state, struct error *e); /* -ENODEV: this kernel has none */
	void (*close)(void *state);				      /* frees all that was allocated */
	int (*allocate)(void *state, size_t size, struct bus_memory *out, struct error *e);
	void (*free)(void *state, struct bus_memory *part);
	void (*to_design)(void *state, const struct bus_memory *part, size_t offset, size_t size);
	void (*from_design)(void *state, const struct bus_memory *part, size_t offset, size_t size);
};

extern const struct memory_driver memory_zocl, memory_udmabuf;

#endif
