/* SPDX-License-Identifier: MIT */
/* What all stages do: take frames, hand them on, report and trace. */
#include "pipeline/stages.h"

#include "base/clock.h"

static void count_waiting(struct pipeline *pipeline, int track, int queue)
{
	if (pipeline->config.trace)
		trace_count(pipeline->config.trace, track, queue, clock_now(),
			(uint64_t)queue_length(pipeline->queues[queue]));
}

bool stage_put(struct pipeline *pipeline, int track, int queue, struct frame *frame)
{
	bool put = queue_put(pipeline->queues[queue], frame);

	count_waiting(pipeline, track, queue);
	return put;
}

struct frame *stage_get(struct pipeline *pipeline, int track, int queue)
{
	struct frame *frame = queue_take(pipeline->queues[queue]);

	if (frame)
		count_waiting(pipeline, track, queue);
	return frame;
}

struct frame *stage_get_waiting(struct pipeline *pipeline, int track, int queue)
{
	struct frame *frame;

	if (!queue_take_until(pipeline->queues[queue], 0, &frame))
		count_waiting(pipeline, track, queue);
	return frame;
}

void stage_note_time(struct pipeline *pipeline, int track, int work, enum pipeline_time time,
	const struct frame *frame, int64_t begun, int64_t ended)
{
	histogram_add(&pipeline->report.times[time], ended - begun);
	trace_span(pipeline->config.trace, track, work, begun, ended, frame->number);
}
