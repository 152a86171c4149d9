/* SPDX-License-Identifier: MIT */
/* The overlay and its DMA on a bus: check that they are present, reset them, load a program. */
#ifndef PL_OVERLAY_DESIGN_H
#define PL_OVERLAY_DESIGN_H

#include "pl/bus/bus.h"
#include "pl/overlay/dma.h"
#include "pl/overlay/program.h"
#include "pl/pl.h"

/* Windows of the bus. */
enum { WINDOW_OVERLAY, WINDOW_DMA };

struct design {
	struct bus *bus;
	struct overlay_dma dma;
	uint32_t geometry, memory, layers; /* registers that identify the design; 0: not read yet */
	struct overlay_limits limits;
	int64_t timeout; /* ns: for operations of microseconds on a chip, or seconds in simulation */
};

/*
 * Opens the bus and checks that this driver supports the overlay. `programs`: another design is replaced with
 * the bus's bitstream. -ENODEV: no overlay; -EPROTO: another version.
 */
int design_open(struct design *design, const struct bus_driver *driver, bool programs, int64_t timeout,
	struct error *e);
void design_close(struct design *design);

/* Programs the PL and checks it as design_open does; its state is lost. */
int design_program(struct design *design, struct error *e);

/* Stops and restarts overlay and DMA together; settings and memories stay. -EIO. */
int design_reset(const struct design *design);

/*
 * Settings, descriptors, and the resident weights, which lie at `offset` in memory. Frames may follow. -EIO:
 * the overlay does not accept them.
 */
int design_load(const struct design *design, const struct program *program, const struct bus_memory *memory,
	size_t offset, struct error *e);

void design_cycles(const struct design *design, const struct program *program, struct pl_cycles *out);

#endif
