/* SPDX-License-Identifier: MIT */
/* Is in each module, so that a program loads those of its own version only (core/base/module.c). */
#include "base/build.h"

extern const char module_version[];
const char module_version[] = TWOBIT_VERSION;
