/* SPDX-License-Identifier: MIT */
#include "nn/labeller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int labeller_init(struct labeller *l, const struct network *network, double seconds, float threshold)
{
	*l = (struct labeller){.network = network, .threshold = threshold};
	int status = smoothing_init(&l->past.smoothing, seconds, network->class_count);
	l->shares = calloc((size_t)network->class_count, sizeof(*l->shares));
	if (!status && l->shares)
		return 0;
	labeller_finish(l);
	return -ENOMEM;
}

void labeller_finish(struct labeller *l)
{
	smoothing_finish(&l->past.smoothing);
	free(l->shares);
	*l = (struct labeller){0};
}

static void show(struct labeller *l, struct headline headline)
{
	l->past.state = (struct label_state){.shown = headline};
	l->shown = headline.kind == HEADLINE_NONE ? (struct classification){0} : l->smoothed;
}

/* Another name is ahead, or none: whether what is shown may stay. */
static bool stays(const struct labeller *l)
{
	return headline_confidence(&l->past.state.shown, l->network, l->shares) >= l->threshold;
}

/* before: the time of the picture before, in which the challenger was not ahead yet. */
static void challenge(struct labeller *l, struct headline ahead, int64_t before, int64_t time)
{
	struct label_state *state = &l->past.state;
	int64_t hold = (int64_t)(LABELLER_HOLD * 1e9 * l->past.smoothing.seconds);

	if (!headline_same(&state->challenger, &ahead)) {
		state->challenger = ahead;
		state->since = before;
	}
	if (state->since <= time - hold)
		show(l, ahead);
}

static void forget(struct labeller *l)
{
	l->past.smoothing.begun = false;
	l->past.state = (struct label_state){0};
	l->smoothed = classification_none;
	l->shown = (struct classification){0};
	memset(l->shares, 0, (size_t)l->network->class_count * sizeof(*l->shares));
}

void labeller_add(struct labeller *l, const int32_t *scores, int64_t time)
{
	struct label_state *state = &l->past.state;
	int64_t before = l->past.smoothing.begun ? l->past.smoothing.time : INT64_MIN;

	if (!scores) {
		forget(l);
		return;
	}
	classify_scores(l->network, smoothing_add(&l->past.smoothing, scores, time), l->shares, &l->smoothed);
	struct headline ahead = classification_headline(&l->smoothed, l->threshold);
	if (headline_same(&ahead, &state->shown)) {
		show(l, ahead);
		return;
	}
	if (state->shown.kind != HEADLINE_NONE && (l->smoothed.background || !stays(l))) {
		state->shown = (struct headline){0};
		l->shown = (struct classification){0};
	}
	if (ahead.kind != HEADLINE_NONE)
		challenge(l, ahead, before, time);
	else
		state->challenger = (struct headline){0};
}
