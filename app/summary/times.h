/* SPDX-License-Identifier: MIT */
/* Times as people read them. */
#ifndef APP_SUMMARY_TIMES_H
#define APP_SUMMARY_TIMES_H

#include <stddef.h>
#include <stdint.h>

#define TIME_BYTES 40 /* of any of these texts */

/* "3:05:09", "5:09" */
void span_text(char text[TIME_BYTES], int64_t nanoseconds);

/* The local time, by strftime's format. time: CLOCK_REALTIME, ns. */
void time_text(char text[TIME_BYTES], const char *format, int64_t time);

#endif
