/* SPDX-License-Identifier: MIT */
/* The functions of the PL kinds "overlay" and "rtl", which are one driver on two buses; tests bring a third.
 */
#ifndef PL_OVERLAY_OVERLAY_H
#define PL_OVERLAY_OVERLAY_H

#include "pl/pl.h"

struct bus_driver;

/* As design_open. */
int overlay_open(
	const struct bus_driver *driver, bool programs, int64_t timeout, void **state, struct error *e);

/* The functions of struct pl_driver in pl.h. */
void overlay_close(void *state);
int overlay_check(void *state, const struct network *network, int first, int last, struct error *e);
int overlay_load(void *state, const struct network *network, int first, int last, struct error *e);
uint8_t *overlay_input(void *state, int buffer);
int32_t *overlay_output(void *state, int buffer);
int overlay_submit(void *state, int buffer);
int overlay_wait(void *state, int buffer, int64_t deadline);
int overlay_reset(void *state);
int overlay_program(void *state, struct error *e);
void overlay_cycles(void *state, struct pl_cycles *out);

#define OVERLAY_FUNCTIONS                                                                                    \
	.close = overlay_close, .check = overlay_check, .load = overlay_load, .input = overlay_input,        \
	.output = overlay_output, .submit = overlay_submit, .wait = overlay_wait, .reset = overlay_reset,    \
	.program = overlay_program, .cycles = overlay_cycles, .hardware = true

#endif
