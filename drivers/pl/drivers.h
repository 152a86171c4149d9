/* SPDX-License-Identifier: MIT */
/* The kinds of PL, for the table in pl.c alone. */
#ifndef PL_DRIVERS_H
#define PL_DRIVERS_H

#include "pl/pl.h"

extern const struct pl_driver pl_overlay, pl_qnn_mo, pl_rtl, pl_software;

#endif
