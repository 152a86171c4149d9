/* SPDX-License-Identifier: MIT */
/* Notifies systemd of the service's state, if systemd started it. */
#ifndef APP_LIVE_SERVICE_H
#define APP_LIVE_SERVICE_H

#include <stdint.h>

/* Call for each frame: notifies READY at the first, then WATCHDOG as often as its interval needs. */
void service_frame(void);

/* How often service_frame is to be called at least while nothing comes that would be awaited, ns. */
int64_t service_interval(void);

void service_stopping(void);

#endif
