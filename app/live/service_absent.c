/* SPDX-License-Identifier: MIT */
/* Stands for service.c in a build without systemd. */
#include "live/service.h"

void service_frame(void)
{
}

void service_stopping(void)
{
}
