/* SPDX-License-Identifier: MIT */
/* The signals that control a running pipeline; the main thread's loop takes them. */
#ifndef APP_LIVE_SIGNALS_H
#define APP_LIVE_SIGNALS_H

#include <stdbool.h>

enum signal_request {
	REQUEST_NONE,
	REQUEST_END,	/* INT, TERM; a second one kills */
	REQUEST_ROTATE, /* HUP: a new segment and log */
	REQUEST_RECORD, /* USR1: start or stop recording */
};

/* Blocks these signals in this thread and in later ones; call before any thread starts. */
void signals_block(void);

/*
 * A file descriptor that is readable while INT or TERM is pending, for poll; −1: none. Call signals_block
 * before.
 */
int signals_end_descriptor(void);

/* The same for every request. */
int signals_descriptor(void);

/* The next pending request. */
enum signal_request signals_next(void);

/* Takes INT or TERM if one is pending; other signals stay. True: end; a second one kills. */
bool signals_end(void);

#endif
