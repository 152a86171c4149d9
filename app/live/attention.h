/* SPDX-License-Identifier: MIT */
/* What the main thread of `live` and `record` waits for: frames, signals, keys; all in one place. */
#ifndef APP_LIVE_ATTENTION_H
#define APP_LIVE_ATTENTION_H

#include "display/display.h"
#include "pipeline/pipeline.h"

struct attention {
	struct pipeline *pipeline;
	int frames;    /* an eventfd that the pipeline writes; −1: the system gave none */
	bool keys_due; /* their descriptor was readable in the last wait */
};

/* Call signals_block before. */
void attention_begin(struct attention *attention, struct pipeline *pipeline);

/*
 * Returns when a frame or the pipeline's end came since the last wait, when a signal is pending, when the
 * display, or NULL, may have a key, or at the deadline (clock_now() time). What it is, the caller looks for:
 * before he waits again he dequeues until nothing is left.
 */
void attention_wait(struct attention *attention, const struct display *display, int64_t deadline);

/* Call before pipeline_destroy. */
void attention_end(struct attention *attention);

#endif
