/* SPDX-License-Identifier: MIT */
#include "flow/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct track {
	struct trace_event *events; /* [capacity] */
	uint64_t added;
};

struct trace {
	char *name;
	char **tracks, **counters; /* NULL-terminated */
	int track_count;
	size_t capacity;
	struct track rings[];
};

static int count_names(const char *const *names)
{
	int count = 0;

	while (names[count])
		count++;
	return count;
}

static char **copy_names(const char *const *names)
{
	int count = count_names(names);
	char **copy = calloc((size_t)count + 1, sizeof(char *));

	for (int i = 0; copy && i < count; i++)
		if (!(copy[i] = strdup(names[i])))
			break; /* a list ends where forget_names finds NULL */
	return copy;
}

static int names_copied(char *const *copy, int count)
{
	for (int i = 0; i < count; i++)
		if (!copy || !copy[i])
			return -ENOMEM;
	return copy ? 0 : -ENOMEM;
}

static void forget_names(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free((void *)names);
}

/* The memory is written here, so that the first events do not wait for pages. */
static int make_rings(struct trace *trace)
{
	size_t bytes;

	if (__builtin_mul_overflow(trace->capacity, sizeof(struct trace_event), &bytes))
		return -EOVERFLOW;
	for (int i = 0; i < trace->track_count; i++) {
		trace->rings[i].events = malloc(bytes);
		if (!trace->rings[i].events)
			return -ENOMEM;
		memset(trace->rings[i].events, 1, bytes);
	}
	return 0;
}

int trace_create(const char *name, const char *const *tracks, const char *const *counters, size_t events,
	struct trace **out)
{
	int count = count_names(tracks);

	if (!events || !count)
		return -EINVAL;
	struct trace *trace = calloc(1, sizeof(*trace) + (size_t)count * sizeof(trace->rings[0]));
	if (!trace)
		return -ENOMEM;
	trace->track_count = count;
	trace->capacity = events;
	trace->name = strdup(name);
	trace->tracks = copy_names(tracks);
	trace->counters = copy_names(counters);
	int status = trace->name ? names_copied(trace->tracks, count) : -ENOMEM;
	if (!status)
		status = names_copied(trace->counters, count_names(counters));
	if (!status)
		status = make_rings(trace);
	if (status) {
		trace_destroy(trace);
		return status;
	}
	*out = trace;
	return 0;
}

void trace_destroy(struct trace *trace)
{
	if (!trace)
		return;
	for (int i = 0; i < trace->track_count; i++)
		free(trace->rings[i].events);
	forget_names(trace->tracks);
	forget_names(trace->counters);
	free(trace->name);
	free(trace);
}

static void add(struct trace *trace, int track, struct trace_event event)
{
	struct track *ring = &trace->rings[track];

	ring->events[ring->added++ % trace->capacity] = event;
}

void trace_span(struct trace *trace, int track, int work, int64_t begun, int64_t ended, uint64_t frame)
{
	if (trace)
		add(trace, track, (struct trace_event){begun, ended, frame, -1, work});
}

void trace_count(struct trace *trace, int track, int counter, int64_t at, uint64_t value)
{
	if (trace)
		add(trace, track, (struct trace_event){at, at, value, counter, -1});
}

int trace_tracks(const struct trace *trace)
{
	return trace->track_count;
}

const char *trace_track_name(const struct trace *trace, int track)
{
	return trace->tracks[track];
}

size_t trace_size(const struct trace *trace, int track)
{
	uint64_t added = trace->rings[track].added;

	return added < trace->capacity ? (size_t)added : trace->capacity;
}

const struct trace_event *trace_event(const struct trace *trace, int track, size_t index)
{
	const struct track *ring = &trace->rings[track];
	uint64_t oldest = ring->added < trace->capacity ? 0 : ring->added;

	return &ring->events[(oldest + index) % trace->capacity];
}

uint64_t trace_left_out(const struct trace *trace)
{
	uint64_t left_out = 0;

	for (int i = 0; i < trace->track_count; i++)
		left_out += trace->rings[i].added - trace_size(trace, i);
	return left_out;
}

/* The earliest time of all; written times are relative to it, so that microseconds keep their digits. */
static int64_t origin(const struct trace *const *traces, int count)
{
	int64_t first = INT64_MAX;

	for (int t = 0; t < count; t++)
		for (int i = 0; i < traces[t]->track_count; i++)
			for (size_t j = 0; j < trace_size(traces[t], i); j++) {
				int64_t begun = trace_event(traces[t], i, j)->begun;
				first = begun < first ? begun : first;
			}
	return first;
}

/* A name, such as a folder's, may hold any bytes; those that are not UTF-8 are written as they are. */
static void write_text(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(file, "\\u%04x", (unsigned)*text);
		else
			putc(*text, file);
	}
	putc('"', file);
}

/* "ts": microseconds with their nanoseconds. */
static void write_time(FILE *file, const char *key, int64_t ns)
{
	fprintf(file, ",\"%s\":%" PRId64 ".%03d", key, ns / 1000, (int)(ns % 1000));
}

static void write_name(FILE *file, int process, int thread, const char *what, const char *name)
{
	fprintf(file, "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"%s\",\"args\":{\"name\":", process,
		thread, what);
	write_text(file, name);
	fputs("}}", file);
}

static void write_event(FILE *file, const struct trace *trace, const struct trace_event *e, int process,
	int thread, int64_t zero)
{
	bool span = e->counter < 0;

	fprintf(file, ",\n{\"ph\":\"%s\",\"pid\":%d,\"tid\":%d,\"name\":", span ? "X" : "C", process, thread);
	write_text(file, span ? trace->tracks[e->work] : trace->counters[e->counter]);
	write_time(file, "ts", e->begun - zero);
	if (span)
		write_time(file, "dur", e->ended > e->begun ? e->ended - e->begun : 0);
	fprintf(file, ",\"args\":{\"%s\":%" PRIu64 "}}", span ? "frame" : "frames", e->value);
}

int trace_write(FILE *file, const struct trace *const *traces, int count)
{
	int64_t zero = origin(traces, count);
	uint64_t left_out = 0;

	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", file);
	for (int t = 0; t < count; t++) {
		const struct trace *trace = traces[t];
		fputs(t ? ",\n" : "\n", file);
		write_name(file, t + 1, 0, "process_name", trace->name);
		left_out += trace_left_out(trace);
		for (int i = 0; i < trace->track_count; i++) {
			fputs(",\n", file);
			write_name(file, t + 1, i + 1, "thread_name", trace->tracks[i]);
			fprintf(file,
				",\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"thread_sort_index\","
				"\"args\":{\"sort_index\":%d}}",
				t + 1, i + 1, i + 1);
			for (size_t j = 0; j < trace_size(trace, i); j++)
				write_event(file, trace, trace_event(trace, i, j), t + 1, i + 1, zero);
		}
	}
	fprintf(file, "\n],\"otherData\":{\"left_out\":%" PRIu64 "}}\n", left_out);
	return ferror(file) || fflush(file) ? -(errno ? errno : EIO) : 0;
}
