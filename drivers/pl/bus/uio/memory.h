/* SPDX-License-Identifier: MIT */
/*
 * Memory that the PL can reach: contiguous, with a known address, and with a way to flush the processor's
 * caches. Calls are for one thread at a time.
 */
#ifndef PL_BUS_UIO_MEMORY_H
#define PL_BUS_UIO_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct memory;
struct bus_memory;

/*
 * Opens zocl, which PYNQ's images have, or else the u-dma-buf called "twobit-memory", or the first one.
 * -ENODEV: there is none; the message gives the solution.
 */
int memory_open(const char *root, struct memory **out, struct error *e);

/* Takes NULL. Frees all that was allocated: nothing in the PL may use it any more. */
void memory_close(struct memory *memory);

const char *memory_name(const struct memory *memory); /* "zocl" */

int memory_allocate(struct memory *memory, size_t size, struct bus_memory *out, struct error *e);
void memory_free(struct memory *memory, struct bus_memory *part);

/* Between the processor's caches and the memory. */
void memory_to_design(struct memory *memory, const struct bus_memory *part, size_t offset, size_t size);
void memory_from_design(struct memory *memory, const struct bus_memory *part, size_t offset, size_t size);

#endif
