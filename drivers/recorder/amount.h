/* SPDX-License-Identifier: MIT */
/* How much of a recording, by time or by size. */
#ifndef RECORDER_AMOUNT_H
#define RECORDER_AMOUNT_H

#include <stdint.h>

/* One of the two, or none: 0 is no limit. */
struct amount {
	int64_t time; /* ns */
	uint64_t bytes;
};

#endif
