/* SPDX-License-Identifier: MIT */
/* What the board's design says of itself: assets/board/registers.txt. */
#ifndef PL_BOARD_IDENTITY_H
#define PL_BOARD_IDENTITY_H

#include "pl/board/registers.h"
#include "pl/bus/bus.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

/* The window of a bus in which it stands. */
#define BOARD_IDENTITY_WINDOW                                                                                \
	{                                                                                                    \
		"twobit-identity", BOARD_BLOCK                                                               \
	}

/* A field of a register: BOARD_FIELD(value, PARTS_MODES). */
#define BOARD_FIELD(value, name)                                                                             \
	((value) >> BOARD_##name##_SHIFT & (uint32_t)((UINT64_C(1) << BOARD_##name##_BITS) - 1))

struct board_identity {
	unsigned major, minor;
	bool overlay, dma, scanout;
	unsigned modes;	    /* a bit for each BOARD_SCANOUT_MODE_… */
	unsigned kilohertz; /* of the overlay's clock */
	uint32_t build;	    /* the source's commit begins with it; 0: not known */
};

/* 0; -ENODEV: another design, or none, answers; -EPROTO: its version is not this program's. */
int board_identity_read(struct bus *bus, int window, struct board_identity *out, struct error *e);

/* "version 1.0 with overlay, DMA, scan-out; 100 MHz; of commit 1a2b3c4d". */
void board_identity_describe(const struct board_identity *identity, char *text, size_t size);

#endif
