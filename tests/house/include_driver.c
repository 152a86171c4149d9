/* SPDX-License-Identifier: MIT */
#include "source/source.h"

int none;
