/* SPDX-License-Identifier: MIT */
#include "sink/sink.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "flow/caption.h"
#include "sink/drivers.h"
#include "sink/label_span.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct sink_driver *const drivers[] = {
	&sink_events,
#if TWOBIT_HAVE_SERVE
	&sink_http,
#endif
};

#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

struct sinks {
	void *states[DRIVERS]; /* NULL: not wanted */
	const struct sink_about *about;
	bool started;

	pthread_mutex_t lock; /* guards what follows; the drivers' `event` and `result` are called under it */
	struct label_span span;
	uint64_t frame; /* the newest one that is labelled */
};

int sinks_open(const struct sink_options *options, struct sinks **out, struct error *e)
{
	bool any = false;
	int status = 0;

	*out = NULL;
	if (options->serve && !TWOBIT_HAVE_SERVE)
		return error_refuse(e, options->serve, -ENOSYS,
			"--serve: this build serves nothing: libmicrohttpd-dev was not there when it was "
			"built");
	for (size_t i = 0; i < DRIVERS; i++)
		any |= drivers[i]->wanted(options);
	if (!any)
		return 0;
	struct sinks *sinks = calloc(1, sizeof(*sinks));
	if (!sinks)
		return error_set(e, -ENOMEM, "out of memory");
	pthread_mutex_init(&sinks->lock, NULL);
	for (size_t i = 0; i < DRIVERS && !status; i++)
		if (drivers[i]->wanted(options))
			status = drivers[i]->open(options, &sinks->states[i], e);
	if (status)
		sinks_close(sinks);
	else
		*out = sinks;
	return status;
}

/* Under the lock. monotonic: when it happened. */
static void tell(struct sinks *sinks, const char *name, const char *text, const struct sink_label *label,
	int64_t monotonic)
{
	const struct sink_event event = {.name = name,
		.monotonic = monotonic,
		.wall = clock_wall(monotonic),
		.frame = sinks->frame,
		.text = text,
		.label = label};

	for (size_t i = 0; i < DRIVERS; i++)
		if (sinks->states[i] && drivers[i]->event)
			drivers[i]->event(sinks->states[i], &event);
}

static void end_label(struct sinks *sinks, int64_t monotonic)
{
	if (!sinks->span.label.name)
		return;
	tell(sinks, "label_end", NULL, &sinks->span.label, monotonic);
	sinks->span.label.name = NULL;
}

int sinks_start(struct sinks *sinks, const struct sink_about *about, struct error *e)
{
	if (!sinks)
		return 0;
	sinks->about = about;
	for (size_t i = 0; i < DRIVERS; i++) {
		int status = 0;
		if (sinks->states[i] && drivers[i]->start)
			status = drivers[i]->start(sinks->states[i], about, e);
		if (status)
			return status;
	}
	sinks->started = true;
	sinks_event(sinks, "start", about->source);
	return 0;
}

void sinks_close(struct sinks *sinks)
{
	if (!sinks)
		return;
	if (sinks->started) {
		end_label(sinks, clock_now());
		sinks_event(sinks, "stop", NULL);
	}
	for (size_t i = 0; i < DRIVERS; i++)
		if (sinks->states[i])
			drivers[i]->close(sinks->states[i]);
	pthread_mutex_destroy(&sinks->lock);
	free(sinks);
}

void sinks_frame(struct sinks *sinks, const struct frame *frame, uint32_t broken)
{
	for (size_t i = 0; sinks && i < DRIVERS; i++)
		if (sinks->states[i] && drivers[i]->frame)
			drivers[i]->frame(sinks->states[i], frame, broken);
}

static struct sink_result result_of(const struct sink_about *about, const struct frame *frame)
{
	const struct caption caption = caption_of(about->network, &frame->result, about->threshold);

	return (struct sink_result){.frame = frame,
		.wall = clock_wall(frame->stamps[STAMP_CAPTURED]),
		.label = caption.headline,
		.confidence = caption.confidence,
		.detail = caption.detail,
		.detail_confidence = caption.detail_confidence};
}

/* Ends, begins or changes the label that is shown. */
static void follow(struct sinks *sinks, const struct sink_result *result)
{
	int64_t time = result->frame->stamps[STAMP_CAPTURED];
	unsigned changes = label_span_add(&sinks->span, result, time);

	if (changes & LABEL_SPAN_ENDED)
		tell(sinks, "label_end", NULL, &sinks->span.ended, time);
	if (changes & LABEL_SPAN_BEGAN)
		tell(sinks, "label_begin", NULL, &sinks->span.label, time);
	else if (changes & LABEL_SPAN_CHANGED)
		tell(sinks, "label_change", NULL, &sinks->span.label, time);
}

void sinks_result(
	struct sinks *sinks, const struct frame *frame, const uint64_t dropped[SINK_PLACES], bool recording)
{
	if (!sinks)
		return;
	struct sink_result result = result_of(sinks->about, frame);
	memcpy(result.dropped, dropped, sizeof(result.dropped));
	result.recording = recording;
	pthread_mutex_lock(&sinks->lock);
	sinks->frame = frame->number;
	follow(sinks, &result);
	for (size_t i = 0; i < DRIVERS; i++)
		if (sinks->states[i] && drivers[i]->result)
			drivers[i]->result(sinks->states[i], &result);
	pthread_mutex_unlock(&sinks->lock);
}

void sinks_event(struct sinks *sinks, const char *name, const char *text)
{
	if (!sinks)
		return;
	int64_t now = clock_now();
	pthread_mutex_lock(&sinks->lock);
	if (strcmp(name, "camera_lost") == 0) /* what was seen last is not seen any more */
		end_label(sinks, now);
	tell(sinks, name, text, NULL, now);
	pthread_mutex_unlock(&sinks->lock);
}

enum sink_request sinks_request(struct sinks *sinks)
{
	enum sink_request request = SINK_REQUEST_NONE;

	for (size_t i = 0; sinks && !request && i < DRIVERS; i++)
		if (sinks->states[i] && drivers[i]->request)
			request = drivers[i]->request(sinks->states[i]);
	return request;
}
