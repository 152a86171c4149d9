/* SPDX-License-Identifier: MIT */
/* For tests: the function's own source, its instruction made of older ones. */
#define EMULATED
#include "nn/kernels/avx512vbmi.c" /* NOLINT(bugprone-suspicious-include): the same source is the point */
