/* SPDX-License-Identifier: MIT */
/*
 * Faults that the simulated overlay can be given, for tests. They hold for the process, whichever bus is
 * open, and reach nothing but the simulation.
 */
#ifndef PL_BUS_RTL_FAULTS_H
#define PL_BUS_RTL_FAULTS_H

#include <stdbool.h>

enum rtl_fault {
	RTL_HANG,		/* the overlay takes no more beats */
	RTL_CLOCK_STOP,		/* nothing moves; registers read ~0 */
	RTL_LAST_DROPPED,	/* a transfer to the overlay ends without TLAST */
	RTL_LAST_EARLY,		/* TLAST in the middle of it */
	RTL_WORD_DOUBLED,	/* a beat in the middle of it comes twice */
	RTL_WORD_CORRUPTED_IN,	/* a bit of that beat is turned */
	RTL_WORD_CORRUPTED_OUT, /* a bit of the result's second beat is turned */
	RTL_S2MM_STUCK,		/* the DMA takes no beat of the result */
	RTL_DECODE_ERROR,	/* the DMA finds nobody at the transfer's address */
	RTL_INTERRUPT_LOST,	/* no wait sees an interrupt */
	RTL_WRONG_VERSION,	/* the version register reads another major version */
	RTL_PROGRAM_FAILS,	/* bus_program gives -EIO */
	RTL_GONE,		/* all registers read ~0, writes are lost */
	RTL_FAULTS
};

/* What ends it. Each includes those before. */
enum rtl_cure {
	RTL_BY_ITSELF, /* the next transfer to the overlay, or the next bus_program that works or fails by it
			*/
	RTL_BY_RESET,  /* a reset of the DMA */
	RTL_BY_PROGRAM,
	RTL_NEVER,
};

/* Strikes when `transfers` transfers to the overlay have begun well; 0: at once. */
void rtl_inject(enum rtl_fault fault, unsigned transfers, enum rtl_cure cure);

/* Forgets all faults and counts. */
void rtl_heal(void);

/* How often it has struck. */
unsigned rtl_struck(enum rtl_fault fault);

/* The simulation's side: what is going on now, and what happens to it. */
bool faults_active(enum rtl_fault fault);
void faults_transfer(void); /* one to the overlay begins */
void faults_reset(void);
bool faults_program(void); /* false: it fails */

#endif
