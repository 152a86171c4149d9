/* SPDX-License-Identifier: MIT */
#include "live/service.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-daemon.h>

/* Only the main thread uses these. */
static bool ready;
static int64_t interval, reported; /* ns; interval 0: no watchdog */

static void begin(void)
{
	uint64_t limit;

	ready = true;
	if (sd_watchdog_enabled(0, &limit) > 0)
		interval = (int64_t)(limit / 4) * NS_PER_US;
	sd_notify(0, "READY=1\nSTATUS=frames come");
}

void service_frame(void)
{
	if (!ready)
		begin();
	int64_t now = interval ? clock_now() : 0;
	if (!interval || now - reported < interval)
		return;
	reported = now;
	sd_notify(0, "WATCHDOG=1");
}

int64_t service_interval(void)
{
	return interval ? interval : INT64_MAX;
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}
