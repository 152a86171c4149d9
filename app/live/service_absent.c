/* SPDX-License-Identifier: MIT */
/* Stands for service.c in a build without systemd. */
#include "live/service.h"

void service_frame(void)
{
}

int64_t service_interval(void)
{
	return INT64_MAX;
}

void service_stopping(void)
{
}
