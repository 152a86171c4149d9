/* SPDX-License-Identifier: MIT */
#include "pl/overlay/dma.h"

#include "base/clock.h"
#include "pl/bus/bus.h"

#include <errno.h>
#include <time.h>

/* Registers of a direction, and where the one from the design begins. */
#define CONTROL 0x00U
#define STATUS 0x04U
#define ADDRESS 0x18U
#define ADDRESS_HIGH 0x1CU
#define LENGTH 0x28U
#define FROM_DESIGN 0x30U

#define CONTROL_RUN 0x1U
#define CONTROL_RESET 0x4U
#define CONTROL_INTERRUPTS 0x5000U  /* done, error */
#define CONTROL_THRESHOLD 0x10000U  /* an interrupt each transfer */
#define STATUS_INTERNAL_ERROR 0x10U /* the stream is longer than the length, or the length is 0 */
#define STATUS_SLAVE_ERROR 0x20U
#define STATUS_DECODE_ERROR 0x40U
#define STATUS_ERRORS 0x70U
#define STATUS_DONE 0x1000U
#define STATUS_FAILED 0x4000U

static uint32_t get(const struct overlay_dma *dma, enum dma_direction direction, uint32_t offset)
{
	return bus_read(dma->bus, dma->window, (direction == DMA_FROM_DESIGN ? FROM_DESIGN : 0) + offset);
}

static void set(const struct overlay_dma *dma, enum dma_direction direction, uint32_t offset, uint32_t value)
{
	bus_write(dma->bus, dma->window, (direction == DMA_FROM_DESIGN ? FROM_DESIGN : 0) + offset, value);
}

int dma_restart(const struct overlay_dma *dma, int64_t deadline)
{
	/* Either direction's reset is the whole device's. */
	set(dma, DMA_TO_DESIGN, CONTROL, CONTROL_RESET);
	for (;;) {
		uint32_t control = get(dma, DMA_TO_DESIGN, CONTROL) | get(dma, DMA_FROM_DESIGN, CONTROL);

		if (!(control & CONTROL_RESET))
			break;
		if (control == BUS_ALL_ONES || clock_now() >= deadline)
			return -EIO;
		nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
	}
	for (enum dma_direction d = DMA_TO_DESIGN; d <= DMA_FROM_DESIGN; d++)
		set(dma, d, CONTROL, CONTROL_RUN | CONTROL_INTERRUPTS | CONTROL_THRESHOLD);
	return 0;
}

void dma_start(const struct overlay_dma *dma, enum dma_direction direction, uint64_t address, size_t size)
{
	set(dma, direction, ADDRESS, (uint32_t)address);
	set(dma, direction, ADDRESS_HIGH, (uint32_t)(address >> 32));
	set(dma, direction, LENGTH, (uint32_t)size);
}

bool dma_length_fits(const struct overlay_dma *dma, size_t size)
{
	return get(dma, DMA_TO_DESIGN, LENGTH) == size;
}

enum dma_state dma_check(
	const struct overlay_dma *dma, enum dma_direction direction, size_t *size, const char **error)
{
	uint32_t status = get(dma, direction, STATUS);

	*error = status == BUS_ALL_ONES		  ? "its registers read all ones: the PL is gone"
		 : status & STATUS_DECODE_ERROR	  ? "DMA decode error: no memory at the buffer's address"
		 : status & STATUS_SLAVE_ERROR	  ? "DMA slave error: the memory refused an access"
		 : status & STATUS_INTERNAL_ERROR ? "DMA internal error: the stream is longer than its buffer"
						  : NULL;
	if (status == BUS_ALL_ONES)
		return DMA_FAILED;
	if (status & (STATUS_DONE | STATUS_FAILED))
		set(dma, direction, STATUS, STATUS_DONE | STATUS_FAILED);
	if (status & STATUS_ERRORS)
		return DMA_FAILED;
	if (!(status & STATUS_DONE))
		return DMA_RUNS;
	*size = get(dma, direction, LENGTH);
	return DMA_DONE;
}
