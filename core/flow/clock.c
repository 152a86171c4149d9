/* SPDX-License-Identifier: MIT */
#include "flow/frame.h"

#include <time.h>

int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: Linux always has this clock */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
