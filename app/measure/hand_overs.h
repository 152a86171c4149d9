/* SPDX-License-Identifier: MIT */
/* What it takes to hand frames through as many threads and queues as the pipeline has, and to do nothing
 * else. */
#ifndef APP_MEASURE_HAND_OVERS_H
#define APP_MEASURE_HAND_OVERS_H

#include <stdint.h>

/* Sets *took to the time from frame to frame, ns. 0, -ENOMEM or -EAGAIN: no more threads. */
int hand_overs_run(int64_t *took);

#endif
