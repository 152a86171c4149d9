/* SPDX-License-Identifier: MIT */
/* The overlay's Verilog in place of the FPGA. */
#include "pl/bus/bus.h"
#include "pl/drivers.h"
#include "pl/overlay/overlay.h"

#define TIMEOUT INT64_C(120000000000) /* a simulated millisecond may take seconds */

static int open_simulated(const char *kernels, void **state, struct error *e)
{
	(void)kernels;
	return overlay_open(&bus_rtl, false, TIMEOUT, state, e);
}

const struct pl_driver pl_rtl = {
	.name = "rtl",
	.summary = "the overlay simulated clock by clock: slow, and counts cycles",
	.open = open_simulated,
	.by_name = true,
	OVERLAY_FUNCTIONS,
};
