/* SPDX-License-Identifier: MIT */
/* Times and sizes as text with units. */
#ifndef APP_CLI_UNITS_H
#define APP_CLI_UNITS_H

#include "recorder/amount.h"

#include <stddef.h>

struct error;

/* "10" and "10s" are seconds; other units are ms, m, min and h. -EINVAL for another text. */
int duration_parse(const char *text, double *seconds);

/* "1h", "500ms"; "64MB": prints the value in the largest unit in which it is a whole number. */
void duration_print(char *out, size_t size, double seconds);
void bytes_print(char *out, size_t size, double bytes);

/*
 * A number with a unit: s, min, h, d; kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB. Or a time and a
 * size with | between: "10min|500MB". -EINVAL: *e names what is accepted.
 */
int amount_parse(const char *text, struct amount *out, struct error *e);

#endif
