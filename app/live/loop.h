/* SPDX-License-Identifier: MIT */
/* The main loop of `live`: shows frames on the display and obeys keys and signals. */
#ifndef APP_LIVE_LOOP_H
#define APP_LIVE_LOOP_H

#include "display/display.h"
#include "pipeline/pipeline.h"

struct confinement;
struct invocation;

/* The caller fills the members before display; the rest is zero. live_loop_finish closes the
 * display.
 */
struct live_loop {
	const struct invocation *invocation;
	struct pipeline *pipeline;
	const char *display_name;
	struct display_options display_options; /* the sizes come from the first frame */
	struct pipeline_caption caption;
	bool mirror;				  /* as the pipeline's */
	const char *snapshot;			  /* FILE for the last picture shown; NULL: none */
	const struct confinement *confinement;	  /* closed with the display open; NULL: none */
	const struct recorder_options *recording; /* for a recorder that key or signal starts */

	struct sinks *sinks;	   /* the pipeline's, whose viewers may ask for something; NULL: none */
	struct recorder *recorder; /* the pipeline's; the caller closes it after pipeline_join */

	struct display *display;
	struct frame *held;	     /* the last frame shown, for a snapshot */
	char description[256];	     /* of the display, for the report */
	char text[FRAME_TEXT_BYTES]; /* the caption of the last picture */
	bool paused, quit;
	int passing; /* frames still shown after a pause: those in the pipeline, and one with the notice */
};

/* Runs until the pipeline ends, the user quits, or INT or TERM comes. Returns an exit code; errors are
 * reported.
 */
int live_loop_run(struct live_loop *loop);

/* Call before pipeline_destroy: releases the frame that it holds. */
void live_loop_finish(struct live_loop *loop);

#endif
