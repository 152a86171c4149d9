/* SPDX-License-Identifier: MIT */
/* The overlay in an FPGA. */
#include "base/clock.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/uio.h"
#include "pl/drivers.h"
#include "pl/overlay/overlay.h"

#include <limits.h>

#define TIMEOUT NS_PER_S /* for milliseconds at most */

static int open_on_board(const char *kernels, void **state, struct error *e)
{
	char path[PATH_MAX];
	bool programs = uio_bitstream(path, sizeof(path), NULL) == 0;

	(void)kernels;
	return overlay_open(&bus_uio, programs, TIMEOUT, state, e);
}

const struct pl_driver pl_overlay = {
	.name = "overlay",
	.summary = "the later layers in the FPGA, by this program's own overlay",
	.open = open_on_board,
	OVERLAY_FUNCTIONS,
};
