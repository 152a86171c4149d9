/* SPDX-License-Identifier: MIT */
/* The kernels that this machine can run. */
#ifndef NN_KERNELS_TABLE_H
#define NN_KERNELS_TABLE_H

struct isa;

/* Those that this machine has, slowest first. */
const struct isa *const *isas_present(int *count);

/* Names for `kernels` of engine_create that this processor can run, fastest first, NULL-terminated. */
const char *const *kernel_names(void);

#endif
