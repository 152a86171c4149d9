/* SPDX-License-Identifier: MIT */
#include "sink/sink.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/module.h"
#include "flow/caption.h"
#include "sink/drivers.h"
#include "sink/label_span.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if TWOBIT_HAVE_SERVE
#pragma weak sink_http

static bool serve_wanted(const struct sink_options *options)
{
	return options->serve;
}

static const struct sink_driver sink_serve = {
	.name = "serve",
	.wanted = serve_wanted,
	.part = &(const struct module_part){"http", "sink_http", &sink_http},
};
#endif

#if TWOBIT_HAVE_MQTT
#pragma weak sink_mqtt

static bool mqtt_wanted(const struct sink_options *options)
{
	return options->mqtt;
}

static const struct sink_driver sink_broker = {
	.name = "mqtt",
	.wanted = mqtt_wanted,
	.part = &(const struct module_part){"mqtt", "sink_mqtt", &sink_mqtt},
};
#endif

/* The helper of exec is forked first, before the others hold anything. */
static const struct sink_driver *const table[] = {
	&sink_exec,
	&sink_events,
#if TWOBIT_HAVE_SERVE
	&sink_serve,
#endif
#if TWOBIT_HAVE_MQTT
	&sink_broker,
#endif
	NULL,
};

#define KINDS (sizeof(table) / sizeof(table[0]) - 1)

/* One that is open. */
struct sink {
	const struct sink_driver *driver; /* the row of the table, or its part in a module */
	void *state;
};

struct sinks {
	struct sink open[KINDS];
	size_t count;
	const struct sink_about *about;
	bool started;

	pthread_mutex_t lock; /* guards what follows; the drivers' `event` and `result` are called under it */
	struct label_span span;
	uint64_t frame; /* the newest one that is labelled */
};

const struct sink_driver *const *sink_drivers(void)
{
	return table;
}

static int open_sink(struct sinks *sinks, const struct sink_driver *row, const struct sink_options *options,
	struct error *e)
{
	struct sink *sink = &sinks->open[sinks->count];
	const void *driver = row;
	int status = row->part ? module_load(row->part, &driver, e) : 0;

	if (status)
		return status;
	sink->driver = driver;
	status = sink->driver->open(options, &sink->state, e);
	sinks->count += !status;
	return status;
}

int sinks_open(const struct sink_options *options, struct sinks **out, struct error *e)
{
	bool any = false;
	int status = 0;

	*out = NULL;
	if (options->serve && !TWOBIT_HAVE_SERVE)
		return error_refuse(e, options->serve, -ENOSYS,
			"--serve: this build serves nothing: libmicrohttpd-dev was not there when it was "
			"built");
	if (options->mqtt && !TWOBIT_HAVE_MQTT)
		return error_refuse(e, options->mqtt, -ENOSYS,
			"--mqtt: this build reaches no broker: libmosquitto-dev was not there when it was "
			"built");
	for (size_t i = 0; i < KINDS; i++)
		any |= table[i]->wanted(options);
	if (!any)
		return 0;
	struct sinks *sinks = calloc(1, sizeof(*sinks));
	if (!sinks)
		return error_set(e, -ENOMEM, "out of memory");
	pthread_mutex_init(&sinks->lock, NULL);
	for (size_t i = 0; i < KINDS && !status; i++)
		if (table[i]->wanted(options))
			status = open_sink(sinks, table[i], options, e);
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

	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->open[i].driver->event)
			sinks->open[i].driver->event(sinks->open[i].state, &event);
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
	for (size_t i = 0; i < sinks->count; i++) {
		const struct sink *sink = &sinks->open[i];
		int status = sink->driver->start ? sink->driver->start(sink->state, about, e) : 0;
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
	for (size_t i = 0; i < sinks->count; i++)
		sinks->open[i].driver->close(sinks->open[i].state);
	pthread_mutex_destroy(&sinks->lock);
	free(sinks);
}

void sinks_frame(struct sinks *sinks, const struct frame *frame, uint32_t broken)
{
	for (size_t i = 0; sinks && i < sinks->count; i++)
		if (sinks->open[i].driver->frame)
			sinks->open[i].driver->frame(sinks->open[i].state, frame, broken);
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
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->open[i].driver->result)
			sinks->open[i].driver->result(sinks->open[i].state, &result);
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

	for (size_t i = 0; sinks && !request && i < sinks->count; i++)
		if (sinks->open[i].driver->request)
			request = sinks->open[i].driver->request(sinks->open[i].state);
	return request;
}
