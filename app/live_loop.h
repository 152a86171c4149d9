/* SPDX-License-Identifier: MIT */
/* The part of `live` that faces its user: frames to the display, keys and signals back. The main thread's. */
#ifndef APP_LIVE_LOOP_H
#define APP_LIVE_LOOP_H

#include "display/display.h"
#include "line.h"

/* Fill the first five, zero the rest; live_loop_finish closes what it opened. */
struct live_loop {
	struct line *line;
	const char *display_name;
	struct display_options display_options; /* the sizes come from the first frame */
	struct line_caption caption;
	const char *snapshot; /* FILE.png for the last picture shown; NULL: none */

	struct display *display;
	struct frame *held;	 /* the last one shown, for a snapshot */
	char description[256];	 /* of the display, at the end */
	char words[FRAME_WORDS]; /* what the last picture's caption said */
	bool paused, quit;
	int passing; /* frames still shown after a pause: those on their way, and one with the notice on it */
};

/* Blocks the signals that end the loop, for all threads to come; call before any starts. */
void live_loop_block_signals(void);

/* Runs until the line ends, the user quits, or INT or TERM comes. Returns an exit code; errors are told. */
int live_loop_run(struct live_loop *loop);

/* Before line_destroy: gives back what it holds of the line. */
void live_loop_finish(struct live_loop *loop);

#endif
