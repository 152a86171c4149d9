/* SPDX-License-Identifier: MIT */
#include "summary/times.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void span_text(char text[TIME_BYTES], int64_t nanoseconds)
{
	int64_t s = (nanoseconds + NS_PER_S / 2) / NS_PER_S;

	if (s < 3600)
		snprintf(text, TIME_BYTES, "%" PRId64 ":%02d", s / 60, (int)(s % 60));
	else
		snprintf(text, TIME_BYTES, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
			(int)(s % 60));
}

void time_text(char text[TIME_BYTES], const char *format, int64_t time)
{
	time_t seconds = (time_t)(time / NS_PER_S);
	struct tm tm;

	localtime_r(&seconds, &tm);
	if (!strftime(text, TIME_BYTES, format, &tm))
		text[0] = '\0';
}
