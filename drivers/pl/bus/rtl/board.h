/* SPDX-License-Identifier: MIT */
/*
 * A simulated board, which the buses of a process share as long as no two of them want the same window. A
 * thread clocks it while the overlay, the DMA or the scan-out works and sleeps otherwise, so the overlay's
 * counters do not count the time in between.
 */
#ifndef PL_BUS_RTL_BOARD_H
#define PL_BUS_RTL_BOARD_H

#include "pl/bus/bus.h"
#include "pl/bus/rtl/chip.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

/* Its windows, in the order of their addresses; a set has the bit 1U << RTL_DMA for one. */
enum rtl_window { RTL_OVERLAY, RTL_DMA, RTL_SCANOUT, RTL_IDENTITY, RTL_WINDOWS };
#define RTL_SHARED (1U << RTL_IDENTITY) /* it is only read */

struct simulated_block;

/* What the processors last wrote to one direction of the DMA. */
struct board_transfer {
	uint32_t address, length;
	bool started; /* since the last reset */
};

struct rtl_board {
	struct rtl_board *next;
	unsigned users, windows; /* buses; what they use */

	/* A thread locks `turn` before `lock`, so that the simulation thread cannot keep others out. */
	pthread_mutex_t turn, lock;
	pthread_cond_t work;
	pthread_t thread;
	struct chip *chip; /* NULL: out of memory for another one */
	struct board_transfer to_overlay, from_overlay;
	struct simulated_block *blocks;
	uint32_t next_address;
	int quiet;
	bool stop;

	pthread_mutex_t line_lock;
	pthread_cond_t changed; /* the interrupt line rose, or a frame of the monitor is complete */
	bool line;
	uint64_t frames; /* of the monitor, since the signal began */
};

/* windows: a set. 0, -ENOMEM, or the thread's error. */
int board_attach(unsigned windows, struct rtl_board **out, struct error *e);
void board_detach(struct rtl_board *board, unsigned windows);

/* Between them the caller has the board for itself. The end wakes the thread. */
void board_begin(struct rtl_board *board);
void board_end(struct rtl_board *board);

/* Within a turn: whether registers answer; accesses. The address is of the 64 KB window. */
bool board_stands_still(const struct rtl_board *board);
bool board_read(struct rtl_board *board, uint32_t address, uint32_t *value);
bool board_write(struct rtl_board *board, uint32_t address, uint32_t value);

/* A new chip with the same memory, within a turn. -EBUSY: another bus uses it; -ENOMEM. */
int board_program(struct rtl_board *board);

/* -ENOMEM; the memory is found by its address until board_release. */
int board_allocate(struct rtl_board *board, size_t size, struct bus_memory *out);
void board_release(struct rtl_board *board, struct bus_memory *memory);

/* Until the interrupt line is high. 0, -ETIMEDOUT. */
int board_wait(struct rtl_board *board, int64_t deadline);

#endif
