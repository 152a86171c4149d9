/* SPDX-License-Identifier: MIT */
/* For tests: the kernel's own source, its instructions made of loops. */
#define EMULATED
#include "nn/kernels/amx.c" /* NOLINT(bugprone-suspicious-include): the same source is the point */
