/* SPDX-License-Identifier: MIT */
/* The clock for all times in this program, and its units. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* CLOCK_MONOTONIC now, nanoseconds. */
int64_t clock_now(void);

/* CLOCK_REALTIME at the moment that clock_now() gave or gives as `monotonic`, nanoseconds. */
int64_t clock_wall(int64_t monotonic);

/* The processor's time that the calling thread has taken, nanoseconds. */
int64_t clock_processor(void);

#endif
