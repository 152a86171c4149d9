/* SPDX-License-Identifier: MIT */
/* For tests: the kernel's own source, its instruction made of older ones. */
#define EMULATED
#include "nn/kernels/avxvnni.c" /* NOLINT(bugprone-suspicious-include): the same source is the point */
