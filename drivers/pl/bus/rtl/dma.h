/* SPDX-License-Identifier: MIT */
/* An AXI DMA in direct register mode, as Xilinx PG021 describes it, between memory and the model's streams.
 */
#ifndef PL_BUS_RTL_DMA_H
#define PL_BUS_RTL_DMA_H

#include "pl/bus/rtl/model.h"

#include <stddef.h>

struct dma_channel {
	uint32_t control, status, length;
	uint64_t address;
	uint8_t *data;	   /* the memory at `address` */
	uint32_t position; /* bytes moved */
	int delay;	   /* clocks until the first beat */
	bool running;
	bool doubled; /* the fault was applied */
};

struct rtl_dma {
	struct dma_channel to_overlay, from_overlay;
	/* The memory at an address of the design, NULL where there is none of that size. */
	uint8_t *(*find)(void *context, uint64_t address, size_t size);
	void *context; /* find's */
};

/* As after a hardware reset. */
void dma_reset(struct rtl_dma *dma);

uint32_t dma_read(const struct rtl_dma *dma, uint32_t offset);
void dma_write(struct rtl_dma *dma, uint32_t offset, uint32_t value);

bool dma_interrupt(const struct rtl_dma *dma);

/* Ends transfers to or from memory that is about to be freed, with a decode error. */
void dma_abort(struct rtl_dma *dma, const uint8_t *data, size_t size);

/* Connects the DMA to the model's streams: context is a struct rtl_dma. */
extern const struct model_neighbours dma_neighbours;

#endif
