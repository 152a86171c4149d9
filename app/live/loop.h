/* SPDX-License-Identifier: MIT */
/* The part of `live` that faces its user: frames to the display, keys and signals back. The main thread's. */
#ifndef APP_LIVE_LOOP_H
#define APP_LIVE_LOOP_H

#include "display/display.h"
#include "pipeline/pipeline.h"

/* Fill the first six, zero the rest but recorder; live_loop_finish closes what it opened. */
struct live_loop {
	struct pipeline *pipeline;
	const char *display_name;
	struct display_options display_options; /* the sizes come from the first frame */
	struct pipeline_caption caption;
	const char *snapshot;			  /* FILE.png for the last picture shown; NULL: none */
	const struct recorder_options *recording; /* for when one is wanted */

	struct recorder *recorder; /* the pipeline's; the caller closes it, once the pipeline is joined */

	struct display *display;
	struct frame *held;	     /* the last one shown, for a snapshot */
	char description[256];	     /* of the display, at the end */
	char text[FRAME_TEXT_BYTES]; /* what the last picture's caption read */
	bool paused, quit;
	int passing; /* frames still shown after a pause: those on their way, and one with the notice on it */
};

/* Runs until the pipeline ends, the user quits, or INT or TERM comes. Returns an exit code; errors are
 * reported.
 */
int live_loop_run(struct live_loop *loop);

/* Before pipeline_destroy: gives back what it holds of the pipeline. */
void live_loop_finish(struct live_loop *loop);

#endif
