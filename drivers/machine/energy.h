/* SPDX-License-Identifier: MIT */
/*
 * Energy that the machine used, if it reports it: Intel's and AMD's RAPL counters (powercap), or counters and
 * power sensors of hwmon. It is that of the machine or of its processors, not of one program.
 */
#ifndef MACHINE_ENERGY_H
#define MACHINE_ENERGY_H

#include <stddef.h>

struct energy;
struct error;

/* root: as machine_read. -ENOENT: the machine does not report energy. -EACCES: not to this user. */
int energy_open(const char *root, struct energy **out, struct error *e);
/* What uses so many watts all the time, as somebody has read from a meter. -ENOMEM. */
int energy_of_power(double watts, struct energy **out, struct error *e);
void energy_close(struct energy *energy); /* takes NULL */

/* The name of what is counted: "RAPL package-0", "2.4 W as given". */
const char *energy_source(const struct energy *energy);

/*
 * Adds the energy used since the last call or since energy_open. Call it several times a second: counters
 * start again from 0 about every minute, and power sensors give only the present power.
 */
void energy_sample(struct energy *energy);

/* Joules up to the last sample. */
double energy_joules(const struct energy *energy);

#endif
