/* SPDX-License-Identifier: MIT */
/*
 * QNN-MO-PYNQ's block BlackBoxJam in place of the board's bus: its registers as W1A2-pynqZ1-Z2.hwh has them,
 * its arithmetic by the scalar reference, from what lies in the memory that its registers name. It knows
 * nothing of the driver, checks every access, and has its faults where a test needs them. Processor and block
 * see the memory through caches that do not know of each other: what one writes reaches the other by
 * to_design and from_design alone. There is one block in a program; it owns the memory that the driver
 * allocates. It defines __wrap_bus_open: tests/CMakeLists.txt links the test with --wrap=bus_open.
 */
#ifndef TEST_SUPPORT_SIMULATED_QNN_MO_H
#define TEST_SUPPORT_SIMULATED_QNN_MO_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JAM_ADDRESS UINT64_C(0x10001000)
#define JAM_REGISTERS 0x90
#define JAM_CALL 50000 /* ns */

enum { JAM_PES = 32, JAM_LARGEST_WEIGHTS = 1800, JAM_THRESHOLDS = 12, JAM_PIXEL = 96, JAM_BLOCKS = 4 };

enum jam_fault {
	JAM_SOUND,
	JAM_HANGS,   /* the call never ends */
	JAM_IS_SLOW, /* it ends after `slow` ns */
	JAM_FORGETS, /* the block is idle and never reports that it is done */
	JAM_IS_GONE, /* no register answers */
};

/* What becomes of the interrupt. */
enum jam_interrupt { JAM_UNCONNECTED, JAM_CONNECTED, JAM_LOST, JAM_SENSELESS /* it comes all the time */ };

extern struct jam {
	/* Set by the test, before the driver runs or under the lock. */
	enum jam_fault fault;
	int fault_at; /* call, counted from 1 */
	int64_t slow;
	enum jam_interrupt interrupt;
	int program_fails; /* so many times */
	void (*while_programmed)(void);
	uint32_t control_after_program;
	uint64_t address; /* of the next memory that it allocates */
	int open_fails;	  /* errno value */

	pthread_mutex_t lock; /* guards all that follows */
	char broken[200];     /* the first rule that an access broke */
	int calls, reconfigurations, interrupts;
	char bitstream[100];
	uint32_t registers[JAM_REGISTERS / 4];
	bool fresh; /* programmed, and not started since */
	bool busy, done, gone;
	int64_t until; /* when it is done */
	struct jam_block {
		uint8_t *data, *dram; /* as the processor and the block see it */
		size_t size;
		uint64_t address;
	} blocks[JAM_BLOCKS];
	int kernel; /* whose parameters are loaded; 0: none */
	uint64_t weights[JAM_PES][JAM_LARGEST_WEIGHTS], thresholds[JAM_PES][JAM_THRESHOLDS];
} jam;

/* As a test starts: no fault, not programmed yet. */
void jam_begin(void);

/* The fault happens in the call after so many; 1: in the next. */
void jam_fault(enum jam_fault fault, int calls_from_now);

/* Calls since jam_begin. */
int jam_calls(void);

/* Lets the call that hangs end. */
void jam_release(void);

#endif
