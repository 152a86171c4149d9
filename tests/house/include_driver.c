/* SPDX-License-Identifier: MIT */
#include "camera/camera.h"

int none;
