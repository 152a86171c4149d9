/* SPDX-License-Identifier: MIT */
/* The signals that steer a pipeline while it runs, taken by the main thread's loop when it looks. */
#ifndef APP_LIVE_SIGNALS_H
#define APP_LIVE_SIGNALS_H

#include <stdbool.h>

enum signal_request {
	REQUEST_NONE,
	REQUEST_END,	/* INT, TERM; a second one kills */
	REQUEST_ROTATE, /* HUP: a new segment and log */
	REQUEST_RECORD, /* USR1: start or stop recording */
};

/* Blocks these signals for this thread and all to come; call before any starts. */
void signals_block(void);

/*
 * A file descriptor that is readable while INT or TERM waits, for those who wait for files meanwhile; −1:
 * there is none. After signals_block.
 */
int signals_end_descriptor(void);

/* The next one that waits. */
enum signal_request signals_next(void);

/* Takes INT or TERM, if one waits; the others stay. True: end, and a second one kills. */
bool signals_end(void);

#endif
