/* SPDX-License-Identifier: MIT */
/* The monitor at the simulated board's connector. */
#ifndef PL_BUS_RTL_SCREEN_H
#define PL_BUS_RTL_SCREEN_H

#include <stdint.h>

struct error;

struct rtl_screen {
	int width, height;
	uint8_t *pixels; /* bytes B, G, R, 0, rows without gaps; the caller frees them */
};

/*
 * The next frame that becomes complete, as a receiver of TMDS makes it of the connector's three lanes. Needs
 * an open bus "rtl" with the scan-out. -ENODEV: there is none, or no simulation in this program; -ETIMEDOUT;
 * -EIO: a monitor would not take the signal.
 */
int rtl_screen_read(struct rtl_screen *out, int64_t deadline, struct error *e);

#endif
