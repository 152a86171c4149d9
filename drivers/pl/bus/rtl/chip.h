/* SPDX-License-Identifier: MIT */
/*
 * The board's Verilog (assets/board) with what surrounds it on a Zynq, as a program: the processors' port to
 * its registers, memory behind its two ports, and a monitor at its connector. For one thread at a time.
 */
#ifndef PL_BUS_RTL_CHIP_H
#define PL_BUS_RTL_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chip;

/* The memory at an address of the design, NULL where there is none of that size. */
typedef uint8_t *chip_find(void *context, uint32_t address, size_t size);

/* What disturbs the DMA's memory. */
struct chip_disturbance {
	bool reads_stand, writes_stand; /* the memory takes and offers nothing */
	bool no_memory;			/* every access is a decode error */
	bool refused;			/* every access is a slave error */
	/* A bit of the beat at this address is inverted; from this address on, each beat is the one before.
	 * 0: not */
	uint32_t flip_read, flip_written, late_from;
	unsigned gaps; /* of 256 clocks, those in which it is busy */
};

/* The design comes out of its hardware reset. NULL: no memory. */
struct chip *chip_create(chip_find *find, void *context);
void chip_destroy(struct chip *chip); /* takes NULL */

/* At most `count` clocks; fewer if the interrupt line rises. overlay_rests: its clock stands meanwhile. */
void chip_clock(struct chip *chip, unsigned count, bool overlay_rests);

/* A register access takes clocks, in which all else goes on. False: no answer within 64 of them. */
bool chip_read(struct chip *chip, uint32_t address, uint32_t *value);
bool chip_write(struct chip *chip, uint32_t address, uint32_t value);

bool chip_interrupt(const struct chip *chip);

/* Whether the DMA has something under way in memory. */
bool chip_transfers(const struct chip *chip);

/* Whether the connector carries a signal, or is about to. */
bool chip_shows(const struct chip *chip);

void chip_disturb(struct chip *chip, const struct chip_disturbance *disturbance);

/* This memory is about to be freed: what is under way there ends with an error. */
void chip_forget(struct chip *chip, const uint8_t *data, size_t size);

/* Rules of the ports or of the connector's signal that the design broke; the first are told on stderr. */
unsigned chip_faults(const struct chip *chip);

/* What the monitor shows: the last complete frame. The pixels are 0x00RRGGBB; they change with the next one.
 */
struct chip_screen {
	unsigned width, height;
	uint64_t frames; /* complete ones; 0: there are no pixels */
	const uint32_t *pixels;
};
void chip_look(const struct chip *chip, struct chip_screen *out);

#ifdef __cplusplus
}
#endif

#endif
