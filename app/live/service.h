/* SPDX-License-Identifier: MIT */
/* What a service tells systemd that started it; nothing where nobody listens. */
#ifndef APP_LIVE_SERVICE_H
#define APP_LIVE_SERVICE_H

/* A frame came out of the pipeline: READY at the first, then WATCHDOG, at most as often as its interval
 * wants. */
void service_frame(void);

void service_stopping(void);

#endif
