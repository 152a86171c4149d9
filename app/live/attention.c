/* SPDX-License-Identifier: MIT */
#include "live/attention.h"

#include "base/clock.h"
#include "live/signals.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long something waits at most for which there is no descriptor, ns. */
#define BLIND INT64_C(50000000)

void attention_begin(struct attention *attention, struct pipeline *pipeline)
{
	*attention = (struct attention){
		.pipeline = pipeline,
		.frames = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	pipeline_watch(pipeline, attention->frames);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* For poll: ns as ms, not too short. */
static int milliseconds(int64_t time)
{
	if (time <= 0)
		return 0;
	if (time == INT64_MAX)
		return -1;
	return (int)earlier(time / NS_PER_MS + 1, INT_MAX);
}

void attention_wait(struct attention *attention, const struct display *display, int64_t deadline)
{
	struct display_attention keys = {-1, INT64_MAX};
	int64_t within = deadline == INT64_MAX ? INT64_MAX : deadline - clock_now();
	eventfd_t count;

	if (display)
		keys = display_attention(display);
	within = earlier(within, keys.within);
	/*
	 * Behind a key the wait is short and does not look for more: an Escape waits for what may follow, and
	 * the descriptor of a terminal that is gone is always readable.
	 */
	if (attention->frames < 0 || signals_descriptor() < 0 || attention->keys_due)
		within = earlier(within, BLIND);
	struct pollfd events[] = {{.fd = attention->frames, .events = POLLIN},
		{.fd = signals_descriptor(), .events = POLLIN},
		{.fd = attention->keys_due ? -1 : keys.descriptor, .events = POLLIN}};
	int ready = poll(events, 3, milliseconds(within));
	attention->keys_due = ready > 0 && events[2].revents;
	if (ready > 0 && events[0].revents)
		eventfd_read(attention->frames, &count);
}

void attention_end(struct attention *attention)
{
	pipeline_watch(attention->pipeline, -1);
	if (attention->frames >= 0)
		close(attention->frames);
}
