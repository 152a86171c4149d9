/* SPDX-License-Identifier: MIT */
/* Replaces the simulated board in a build without it. */
#include "base/error.h"
#include "pl/bus/bus.h"
#include "pl/bus/rtl_screen.h"

#include <errno.h>

static int absent_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	(void)windows;
	(void)count;
	(void)bitstream;
	(void)state;
	return error_set(e, -ENODEV,
		"this twobit was built without the simulated overlay; `tools/install-packages tests`, "
		"then `cmake -DTWOBIT_RTL=ON`, builds one with it");
}

/* The other functions are called only for an open bus. */
const struct bus_driver bus_rtl = {.name = "rtl", .open = absent_open};

int rtl_screen_read(struct rtl_screen *out, int64_t deadline, struct error *e)
{
	(void)out;
	(void)deadline;
	return error_set(e, -ENODEV, "this twobit was built without the simulated board");
}
