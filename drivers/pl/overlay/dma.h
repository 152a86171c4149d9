/* SPDX-License-Identifier: MIT */
/*
 * AMD's AXI DMA in direct register mode (PG021): one transfer at a time in each direction, started by the
 * write of its length, ended with an interrupt. Both directions share the device's interrupt line.
 */
#ifndef PL_OVERLAY_DMA_H
#define PL_OVERLAY_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;

#define DMA_WINDOW_SIZE 0x60

struct overlay_dma {
	struct bus *bus;
	int window;
};

enum dma_direction { DMA_TO_DESIGN, DMA_FROM_DESIGN };

enum dma_state { DMA_RUNS, DMA_DONE, DMA_FAILED };

/*
 * Stops both directions, and lets them run again with their interrupts on. Waits until clock_now() passes
 * `deadline`. 0; -EIO: it does not come out of its reset, or it does not answer.
 */
int dma_restart(const struct overlay_dma *dma, int64_t deadline);

/* Bytes are multiples of 8 and fit the length register; nothing else may run in this direction. */
void dma_start(const struct overlay_dma *dma, enum dma_direction direction, uint64_t address, size_t size);

/* False: the device's length register is too short for the transfer that was started. */
bool dma_length_fits(const struct overlay_dma *dma, size_t size);

/*
 * Returns the transfer's state and acknowledges its interrupt. *size: bytes received from the design. *error:
 * NULL, or the fault that the device reports.
 */
enum dma_state dma_check(
	const struct overlay_dma *dma, enum dma_direction direction, size_t *size, const char **error);

#endif
