/* SPDX-License-Identifier: MIT */
/*
 * The overlay and its DMA as far as their driver sees them: registers, transfers, records, interrupts. It
 * does not compute: score o of a frame is the CRC of the record's payload plus o. A transfer happens at once
 * when it begins, unless the test holds it; bus_wait receives interrupts, in any thread. There is one chip in
 * a program; it owns the memory that the driver allocates on its bus.
 */
#ifndef TEST_SUPPORT_SIMULATED_OVERLAY_H
#define TEST_SUPPORT_SIMULATED_OVERLAY_H

#include "pl/bus/bus.h"
#include "pl/overlay/program.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHIP_ADDRESS UINT64_C(0x180000000) /* needs the high word of the DMA's addresses */
#define CHIP_FRAMES 2

enum chip_result { RESULT_RIGHT, RESULT_STALE, RESULT_DAMAGED, RESULT_SHORT, RESULT_FAILURE };

struct chip_channel {
	uint32_t control, status, length;
	uint64_t address;
	bool running;
};

extern struct chip {
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t line;
	uint8_t *memory;
	size_t size;
	struct chip_channel in, out;
	uint32_t registers[OVERLAY_WINDOW / 4];
	struct {
		uint32_t crc;
		uint16_t sequence;
	} frames[CHIP_FRAMES]; /* loaded, without a result yet */
	int waiting;
	int scores;
	bool early; /* the idle DMA has taken the overlay's result of a transfer that was cut short */

	/* What the test sees. */
	unsigned writes, taken, finished, resets, reconfigurations;
	int allocations;
	int64_t deadline;    /* of the last wait */
	uint64_t results[8]; /* addresses, in order */

	/* What the test sets. */
	bool gone, hold_in, hold_out, deaf, reset_hangs, dma_hangs, refuses, short_length;
	int program_fails;	      /* negative errno value */
	uint32_t in_error, out_error; /* DMASR bits that the next transfer ends with */
	uint32_t version_after_program;
	enum chip_result result; /* of the next frame */
} chip;

/* What the driver is opened with. */
extern const struct bus_driver chip_bus;

/* Begins a chip as after its bitstream is loaded, whose network has that many scores. */
void chip_begin(int scores);
void chip_end(void);

/* Sets a register. */
void chip_set(uint32_t offset, uint32_t value);

/* Holds the transfers of a direction, or lets them go on. */
void chip_hold(bool in, bool out);

#endif
