/* SPDX-License-Identifier: MIT */
/*
 * What each thread did when, as rings of events of fixed size: the newest stay. Written down in the Trace
 * Event format of Chromium, which Perfetto (ui.perfetto.dev) opens.
 *
 * A track belongs to one thread, which alone adds to it; nothing is allocated or locked then. Everything else
 * is for after those threads have been joined.
 */
#ifndef FLOW_TRACE_H
#define FLOW_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct trace;

struct trace_event {
	int64_t begun, ended; /* clock_now(), ns; the same for a count */
	uint64_t value;	      /* the frame's number, or what was counted */
	int counter;	      /* −1: a span */
	int work;	      /* what a span did, by the track whose name it has; −1 for a count */
};

/*
 * name: of the whole, such as the network's. tracks, counters: names, NULL-terminated, which are copied, as
 * `name` is. events: room of each track. 0, -EINVAL, -EOVERFLOW, -ENOMEM.
 */
int trace_create(const char *name, const char *const *tracks, const char *const *counters, size_t events,
	struct trace **out);
void trace_destroy(struct trace *trace); /* takes NULL */

/* The track's thread worked on a frame, on what `work` (a track) usually does. trace NULL: nothing is done.
 */
void trace_span(struct trace *trace, int track, int work, int64_t begun, int64_t ended, uint64_t frame);

/* The track's thread saw a counter's new value. */
void trace_count(struct trace *trace, int track, int counter, int64_t at, uint64_t value);

int trace_tracks(const struct trace *trace);
const char *trace_track_name(const struct trace *trace, int track);

/* The events that a track still has, in the order in which they were added. */
size_t trace_size(const struct trace *trace, int track);
const struct trace_event *trace_event(const struct trace *trace, int track, size_t index);

/* Events that were too old to stay, of all tracks. */
uint64_t trace_left_out(const struct trace *trace);

/* One JSON document of several traces, each a process of its own there. 0, or -EIO and the like. */
int trace_write(FILE *file, const struct trace *const *traces, int count);

#endif
