/* SPDX-License-Identifier: MIT */
/* --events FILE|-: a line of JSON for each event, while the program runs. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "sink/drivers.h"
#include "sink/line_queue.h"
#include "sink/state/event_json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a slow reader of a pipe gets for what is left, when the program ends, ms; and between two looks
 * whether it ends. */
#define LAST_MOMENT 1000
#define GLANCE 100

struct event_file {
	const char *path; /* for messages */
	int fd;
	int every; /* tells of each so many-th result, too; 0: of none */
	int since; /* results since the last one told */
	const struct sink_about *about;
	struct line_queue queue;
	struct text_builder line; /* under the sinks' lock */
	pthread_t thread;
	bool running;
};

static bool wanted(const struct sink_options *options)
{
	return options->events;
}

static void event_file_close(void *state)
{
	struct event_file *f = state;

	if (f->running) {
		line_queue_close(&f->queue);
		pthread_join(f->thread, NULL);
		if (line_queue_lost(&f->queue))
			log_warning("%s: %" PRIu64 " events were not written: the reader was too slow",
				f->path, line_queue_lost(&f->queue));
	}
	if (f->fd > STDERR_FILENO)
		close(f->fd);
	line_queue_finish(&f->queue);
	text_finish(&f->line);
	free(f);
}

static int event_file_open(const struct sink_options *options, void **state, struct error *e)
{
	bool standard = strcmp(options->events, "-") == 0;
	struct event_file *f = calloc(1, sizeof(*f));
	int status = f ? line_queue_init(&f->queue) : -ENOMEM;

	if (status) {
		free(f);
		return error_set(e, -ENOMEM, "out of memory");
	}
	f->path = standard ? "standard output" : options->events;
	f->every = options->events_every;
	f->fd = standard ? STDOUT_FILENO
			 : open(options->events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
	if (f->fd < 0) {
		int code = -errno;
		event_file_close(f);
		return error_refuse(e, options->events, code, "%s: cannot be written: %s", options->events,
			strerror(-code));
	}
	*state = f;
	return 0;
}

/* Waits until some of a line can be written without waiting. False: the program ends, and has waited enough.
 */
static bool has_room(struct event_file *f)
{
	struct pollfd poll_for = {f->fd, POLLOUT, 0};
	int waited = 0;

	for (;;) {
		int ready = poll(&poll_for, 1, GLANCE);
		if (ready > 0 || (ready < 0 && errno != EINTR))
			return true;
		waited = line_queue_is_closed(&f->queue) ? waited + GLANCE : 0;
		if (waited >= LAST_MOMENT)
			return false;
	}
}

/* A pipe that has room takes so much at once. */
static size_t part(size_t left)
{
	return left < PIPE_BUF ? left : PIPE_BUF;
}

static bool write_line(struct event_file *f, const char *line)
{
	size_t length = strlen(line);

	while (length) {
		if (!has_room(f))
			return false;
		ssize_t wrote = write(f->fd, line, part(length));
		if (wrote < 0 && errno != EINTR && errno != EAGAIN) {
			log_warning("%s: %s; no more events are written", f->path, strerror(errno));
			return false;
		}
		line += wrote > 0 ? wrote : 0;
		length -= wrote > 0 ? (size_t)wrote : 0;
	}
	return true;
}

static void *write_lines(void *state)
{
	struct event_file *f = state;
	bool works = true;
	char *line;

	while ((line = line_queue_take(&f->queue))) {
		works = works && write_line(f, line);
		free(line);
	}
	return NULL;
}

static int event_file_start(void *state, const struct sink_about *about, struct error *e)
{
	struct event_file *f = state;

	f->about = about;
	int status = thread_start(&f->thread, "events", write_lines, f);
	if (status)
		return error_set(e, status, "no thread can be started: %s", strerror(-status));
	f->running = true;
	return 0;
}

static void put(struct event_file *f)
{
	text_add(&f->line, "\n");
	line_queue_put(&f->queue, f->line.failed ? NULL : f->line.data);
}

static void event_file_event(void *state, const struct sink_event *event)
{
	struct event_file *f = state;

	text_clear(&f->line);
	event_json(&f->line, event, f->about);
	put(f);
}

static void event_file_result(void *state, const struct sink_result *result)
{
	struct event_file *f = state;

	if (!f->every || ++f->since < f->every)
		return;
	f->since = 0;
	text_clear(&f->line);
	result_json(&f->line, result, f->about);
	put(f);
}

const struct sink_driver sink_events = {
	.name = "events",
	.wanted = wanted,
	.open = event_file_open,
	.close = event_file_close,
	.start = event_file_start,
	.result = event_file_result,
	.event = event_file_event,
};
