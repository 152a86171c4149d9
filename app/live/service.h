/* SPDX-License-Identifier: MIT */
/* Notifies systemd of the service's state, if systemd started it. */
#ifndef APP_LIVE_SERVICE_H
#define APP_LIVE_SERVICE_H

/* Call for each frame: notifies READY at the first, then WATCHDOG as often as its interval needs. */
void service_frame(void);

void service_stopping(void);

#endif
