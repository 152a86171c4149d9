/* SPDX-License-Identifier: MIT */
/*
 * What each thread did and when, in rings of fixed size that keep the newest events. trace_write uses
 * Chromium's Trace Event format, which Perfetto (ui.perfetto.dev) opens.
 *
 * Each track belongs to one thread, and only that thread adds to it, without allocation or lock. Call all
 * other functions after those threads were joined.
 */
#ifndef FLOW_TRACE_H
#define FLOW_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct trace;

struct trace_event {
	int64_t begun, ended; /* clock_now(), ns; the same for a count */
	uint64_t value;	      /* the frame's number, or the counter's value */
	int counter;	      /* −1: a span */
	int work;	      /* the track whose name the span has; −1 for a count */
};

/*
 * name: of the whole trace, such as the network's. tracks, counters: NULL-terminated arrays of names. All
 * names are copied. events: how many each track keeps. 0, -EINVAL, -EOVERFLOW, -ENOMEM.
 */
int trace_create(const char *name, const char *const *tracks, const char *const *counters, size_t events,
	struct trace **out);
void trace_destroy(struct trace *trace); /* takes NULL */

/* The track's thread worked on a frame; `work` is the track that usually does this. trace may be NULL. */
void trace_span(struct trace *trace, int track, int work, int64_t begun, int64_t ended, uint64_t frame);

/* The track's thread saw a new value of a counter. trace may be NULL. */
void trace_count(struct trace *trace, int track, int counter, int64_t at, uint64_t value);

int trace_tracks(const struct trace *trace);
const char *trace_track_name(const struct trace *trace, int track);

/* How many events a track keeps; index 0 is the oldest. */
size_t trace_size(const struct trace *trace, int track);
const struct trace_event *trace_event(const struct trace *trace, int track, size_t index);

/* Events that all tracks dropped because they were too old. */
uint64_t trace_left_out(const struct trace *trace);

/* Writes several traces as one JSON document, each as a process. 0, or a negative errno value. */
int trace_write(FILE *file, const struct trace *const *traces, int count);

#endif
