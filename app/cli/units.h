/* SPDX-License-Identifier: MIT */
/* Times and sizes as people write them, with their units. */
#ifndef APP_CLI_UNITS_H
#define APP_CLI_UNITS_H

#include "recorder/amount.h"

#include <stddef.h>

struct error;

/* "10" and "10s" are seconds; ms, m, min, h. -EINVAL for what is no number with one of these. */
int duration_parse(const char *text, double *seconds);

/* "1h", "500ms"; "64MB": in the largest unit that makes a whole number of it. */
void duration_print(char *out, size_t size, double seconds);
void bytes_print(char *out, size_t size, double bytes);

/*
 * A number and its unit: s, min, h, d; kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB. Or a time and a
 * size, with | between: "10min|500MB". -EINVAL, and in *e what is taken instead.
 */
int amount_parse(const char *text, struct amount *out, struct error *e);

#endif
