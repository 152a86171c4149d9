/* SPDX-License-Identifier: MIT */
/*
 * Faults that tests inject into the simulated board. They hold for the process, whichever bus is open, and
 * affect only the simulation.
 */
#ifndef PL_BUS_RTL_FAULTS_H
#define PL_BUS_RTL_FAULTS_H

#include <stdbool.h>

enum rtl_fault {
	RTL_HANG,		/* the memory answers the DMA's reads no more */
	RTL_CLOCK_STOP,		/* nothing moves; registers read ~0 */
	RTL_LAST_LATE,		/* a transfer to the overlay is one beat longer than its records */
	RTL_LAST_EARLY,		/* half as long */
	RTL_WORD_DOUBLED,	/* a beat in the middle of it comes twice, so the last one does not */
	RTL_WORD_CORRUPTED_IN,	/* a bit of that beat is inverted */
	RTL_WORD_CORRUPTED_OUT, /* a bit of the result's second beat is inverted */
	RTL_S2MM_STUCK,		/* the memory takes none of the DMA's writes */
	RTL_DECODE_ERROR,	/* no memory answers at the DMA's addresses */
	RTL_SLAVE_ERROR,	/* it refuses the accesses */
	RTL_MEMORY_BUSY,	/* it takes and gives little: no fault, and nothing may fail */
	RTL_INTERRUPT_LOST,	/* no wait sees an interrupt */
	RTL_WRONG_VERSION,	/* the overlay's version register reads another major version */
	RTL_PROGRAM_FAILS,	/* bus_program gives -EIO */
	RTL_GONE,		/* all registers read ~0, writes are lost */
	RTL_FAULTS
};

/* What ends a fault. Each includes those before. */
enum rtl_fault_end {
	RTL_UNTIL_TRANSFER, /* the next transfer to the overlay, or the next bus_program, failing or not */
	RTL_UNTIL_RESET,    /* a reset of the DMA */
	RTL_UNTIL_PROGRAM,
	RTL_FOR_EVER,
};

/* Activates the fault after `transfers` transfers to the overlay have begun well; 0: at once. */
void rtl_inject(enum rtl_fault fault, unsigned transfers, enum rtl_fault_end until);

/* Removes all faults and counts. */
void rtl_clear_faults(void);

/* How often the fault became active. */
unsigned rtl_fault_count(enum rtl_fault fault);

/* For the simulation: the faults that are active now, and the events that end them. */
bool faults_active(enum rtl_fault fault);
void faults_transfer(void); /* one to the overlay begins */
void faults_reset(void);
bool faults_program(void); /* false: it fails */

#endif
