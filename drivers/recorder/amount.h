/* SPDX-License-Identifier: MIT */
/* How much of a recording, by time or by size: "10min", "500MB", "7d", "20GB". */
#ifndef RECORDER_AMOUNT_H
#define RECORDER_AMOUNT_H

#include <stdint.h>

struct error;

/* One of the two, or none: 0 is no limit. */
struct amount {
	int64_t time; /* ns */
	uint64_t bytes;
};

/*
 * A number and its unit: s, min, h, d; kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB. Or a time and a
 * size, with | between: "10min|500MB". -EINVAL, and in *e what is taken instead.
 */
int amount_parse(const char *text, struct amount *out, struct error *e);

#endif
