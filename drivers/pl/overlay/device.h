/* SPDX-License-Identifier: MIT */
/* The overlay and its DMA behind a bus: are they there, reset them, tell them a program. */
#ifndef OVERLAY_DEVICE_H
#define OVERLAY_DEVICE_H

#include "pl/bus/bus.h"
#include "pl/overlay/dma.h"
#include "pl/overlay/program.h"
#include "pl/pl.h"

/* Windows of the bus. */
enum { DEVICE_OVERLAY, DEVICE_DMA };

struct device {
	struct bus *bus;
	struct dma dma;
	uint32_t geometry, memory, layers; /* registers that say what the design is; 0: not read yet */
	struct overlay_limits limits;
	int64_t patience; /* ns: for what should take microseconds on a chip, or be simulated in seconds */
};

/*
 * Opens the bus and checks that the overlay is one that this driver knows. With a bitstream, one that is not
 * is programmed first. -ENODEV: there is none; -EPROTO: another version.
 */
int design_open(struct device *device, const struct bus_driver *driver, const char *bitstream,
	int64_t patience, struct error *e);
void design_close(struct device *device);

/* Programs the PL and checks it as design_open does; what it knew is lost. bitstream: a file or NULL. */
int design_program(struct device *device, const char *bitstream, struct error *e);

/* Stops overlay and DMA together and lets them begin anew; settings and memories stay. -EIO. */
int design_reset(const struct device *device);

/*
 * Settings, descriptors, and the resident weights, which lie at `offset` in memory. Then pictures may come.
 * -EIO: the overlay does not take them.
 */
int design_load(const struct device *device, const struct program *program, const struct bus_memory *memory,
	size_t offset, struct error *e);

void design_cycles(const struct device *device, const struct program *program, struct pl_cycles *out);

#endif
