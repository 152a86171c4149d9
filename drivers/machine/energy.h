/* SPDX-License-Identifier: MIT */
/*
 * Energy that the machine used, where it reports it: Intel's and AMD's RAPL counters (powercap), or counters
 * and power sensors of hwmon. It is the whole machine's, or its processors', not one program's.
 */
#ifndef MACHINE_ENERGY_H
#define MACHINE_ENERGY_H

#include <stddef.h>

struct energy;
struct error;

/*
 * root: as machine_read. -ENOENT: the machine does not report it. -EACCES: it does, but not to this user. The
 * message says so.
 */
int energy_open(const char *root, struct energy **out, struct error *e);
void energy_close(struct energy *energy); /* takes NULL */

/* What is counted: "RAPL package-0". */
const char *energy_source(const struct energy *energy);

/*
 * Adds what was used since the last call, or since opening; counters start again from 0 (every minute or so),
 * and power sensors know only their moment, so call it several times a second.
 */
void energy_sample(struct energy *energy);

/* Joules up to the last sample. */
double energy_joules(const struct energy *energy);

#endif
