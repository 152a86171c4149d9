/* SPDX-License-Identifier: MIT */
/*
 * What the driver of a design in the PL uses: windows of registers, memory that the design can access, and
 * interrupts. `uio` is the board; `base` is the design that PYNQ's images load at the start; `rtl` is our
 * design itself, simulated clock by clock.
 */
#ifndef PL_BUS_BUS_H
#define PL_BUS_BUS_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct bus;

#define BUS_WINDOWS 4
#define BUS_ALL_ONES UINT32_MAX /* what a register reads where no device answers */

/* Memory that processor and design share. */
struct bus_memory {
	void *data;	  /* page-aligned, zero at first */
	uint64_t address; /* the address that the design uses */
	size_t size;	  /* bytes */
	void *owner;	  /* the bus's own */
};

/* A design's registers, found by the name of their device. */
struct bus_window {
	const char *name; /* "twobit-overlay" */
	size_t size;	  /* bytes that the driver will touch */
};

/* One kind of bus: the functions behind this table get what open gave them. */
struct bus_driver {
	const char *name;
	/* At most BUS_WINDOWS; the names must outlive the bus. -ENODEV: this machine has no such design. */
	int (*open)(const struct bus_window *windows, int count, const char *bitstream, void **state,
		struct error *e);
	void (*close)(void *state);
	uint32_t (*read)(void *state, int window, uint32_t offset);
	void (*write)(void *state, int window, uint32_t offset, uint32_t value);
	int (*allocate)(void *state, size_t size, struct bus_memory *out, struct error *e);
	void (*free)(void *state, struct bus_memory *memory);
	void (*to_design)(void *state, const struct bus_memory *memory, size_t offset, size_t size);
	void (*from_design)(void *state, const struct bus_memory *memory, size_t offset, size_t size);
	int (*wait)(void *state, int window, int64_t deadline);
	int (*program)(void *state, struct error *e);
};

/*
 * The kinds of bus. In a program built without the simulated overlay, opening `rtl` fails. `base` has no
 * interrupts and loads nothing.
 */
extern const struct bus_driver bus_uio, bus_base, bus_rtl;

/*
 * bitstream: the design's file, which is loaded when the PL is empty and by bus_program; it must outlive the
 * bus. NULL: the overlay's own. -EBUSY: another program uses the design.
 */
int bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e);
void bus_close(struct bus *bus); /* takes NULL; frees no memory that was allocated */

/* 32-bit registers; offset in bytes, a multiple of 4, within the window. A missing design reads BUS_ALL_ONES.
 */
uint32_t bus_read(struct bus *bus, int window, uint32_t offset);
void bus_write(struct bus *bus, int window, uint32_t offset, uint32_t value);

int bus_allocate(struct bus *bus, size_t size, struct bus_memory *out, struct error *e);
void bus_free(struct bus *bus, struct bus_memory *memory); /* also takes memory that was never allocated */

/*
 * Call them before the design reads data of the processor, and before the processor reads data of the design.
 */
void bus_to_design(struct bus *bus, const struct bus_memory *memory, size_t offset, size_t size);
void bus_from_design(struct bus *bus, const struct bus_memory *memory, size_t offset, size_t size);

/*
 * Waits for an interrupt of the window's device, or until clock_now() passes `deadline` (ns; INT64_MAX: no
 * limit). 0: one came since the last wait, and may come again; the caller clears the cause. -ETIMEDOUT, -EIO.
 * The caller must read the registers in every case, since an interrupt can be lost.
 */
int bus_wait(struct bus *bus, int window, int64_t deadline);

/* Loads the PL's design again. Memory stays; the registers stay too if nothing could be loaded. */
int bus_program(struct bus *bus, struct error *e);

#endif
