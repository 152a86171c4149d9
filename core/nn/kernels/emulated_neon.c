/* SPDX-License-Identifier: MIT */
/* For tests: the kernel's own source, its instructions made of the compiler's own vectors. */
#define EMULATED
#include "nn/kernels/neon.c" /* NOLINT(bugprone-suspicious-include): the same source is the point */
