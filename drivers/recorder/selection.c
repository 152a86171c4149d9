/* SPDX-License-Identifier: MIT */
/* Decides which frames are worth recording: waits for the network's scores, smooths them, tries --when. */
#include "recorder/recorder_internal.h"

#include "base/clock.h"

#include <stdio.h>

/* A frame waits so long for its label, ns, and less when the waiting frames take so much of the ring. */
#define LABEL_TIMEOUT (5 * NS_PER_S)
#define CROWDED 0.5

static struct ring_frame *first_waiting(const struct recorder *r)
{
	return r->judged < frame_ring_count(r->ring) ? frame_ring_at(r->ring, r->judged) : NULL;
}

bool selection_is_settled(const struct recorder *r)
{
	const struct ring_frame *frame = first_waiting(r);

	if (!frame)
		return false;
	if (frame->labelled || frame->number < r->labelled_up_to || r->closing)
		return true;
	if (r->crowded && !r->judged) /* nothing else could make room */
		return true;
	if (r->options.lossless)
		return false;
	if ((double)r->waiting > CROWDED * (double)r->options.memory ||
		frame_ring_count(r->ring) - r->judged > CROWDED * r->slots)
		return true;
	return clock_now() > frame->stamps[STAMP_RECEIVED] + LABEL_TIMEOUT;
}

int64_t selection_deadline(const struct recorder *r)
{
	const struct ring_frame *frame = first_waiting(r);

	return frame && !r->options.lossless ? frame->stamps[STAMP_RECEIVED] + LABEL_TIMEOUT : INT64_MAX;
}

static bool any_holds(struct recorder *r)
{
	for (int i = 0; i < r->options.when_count; i++) {
		if (!when_holds(&r->options.when[i], r->options.network, r->labeller.shares))
			continue;
		snprintf(r->condition, sizeof(r->condition), "%s", r->options.when[i].text);
		return true;
	}
	return false;
}

bool selection_judge(struct recorder *r)
{
	struct ring_frame *frame = first_waiting(r);

	frame->judged = true;
	r->judged++;
	r->waiting -= frame->size;
	r->now = frame->stamps[STAMP_CAPTURED];
	if (!frame->labelled)
		return false;
	frame->own = classification_none;
	if (!frame->faceless)
		classify_scores(r->options.network, frame->scores, r->shares, &frame->own);
	labeller_add(&r->labeller, frame->faceless ? NULL : frame->scores, r->now);
	frame->smoothed = r->labeller.smoothed;
	frame->shown = r->labeller.shown;
	frame->state = r->labeller.past.state;
	r->progress.newest = frame->shown;
	r->progress.labelled = frame->shown.count > 0;
	return !frame->faceless && any_holds(r);
}
