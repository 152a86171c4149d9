/* SPDX-License-Identifier: MIT */
#include "command.h"

int none;
