/* SPDX-License-Identifier: MIT */
/* The state for Prometheus. */
#include "base/build.h"
#include "nn/network.h"
#include "sink/state/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct metrics {
	struct text_builder *t;
	bool openmetrics;
};

/* A family's lines before its samples. In the old format a counter's family has the name of its samples. */
static void family(struct metrics *m, const char *name, const char *type, const char *unit, const char *help)
{
	const char *suffix = m->openmetrics || type[0] != 'c' ? "" : "_total";

	text_add(m->t, "# TYPE twobit_%s%s %s\n", name, suffix, type);
	if (unit && m->openmetrics)
		text_add(m->t, "# UNIT twobit_%s %s\n", name, unit);
	text_add(m->t, "# HELP twobit_%s%s %s\n", name, suffix, help);
}

static void counter(struct metrics *m, const char *name, const char *help, uint64_t count)
{
	family(m, name, "counter", NULL, help);
	text_add(m->t, "twobit_%s_total %" PRIu64 "\n", name, count);
}

static void gauge(struct metrics *m, const char *name, const char *unit, const char *help, double value)
{
	family(m, name, "gauge", unit, help);
	text_add(m->t, "twobit_%s %.9g\n", name, value);
}

/* A label's value: quotes, backslashes and line ends are escaped. */
static void value(struct metrics *m, const char *text)
{
	text_add(m->t, "\"");
	for (; *text; text++) {
		if (*text == '\n')
			text_add(m->t, "\\n");
		else
			text_add(m->t, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	}
	text_add(m->t, "\"");
}

static void dropped(struct metrics *m, const struct sink_state *s)
{
	static const char *const places[SINK_PLACES] = {"camera", "decode", "inference", "display"};

	family(m, "frames_dropped", "counter", NULL,
		"Frames lost by the camera, or dropped before that stage because a newer one was there.");
	for (int i = 0; i < SINK_PLACES; i++)
		text_add(m->t, "twobit_frames_dropped_total{place=\"%s\"} %" PRIu64 "\n", places[i],
			s->dropped[i]);
}

static void times(struct metrics *m, const struct sink_state *s)
{
	family(m, "stage_seconds", "histogram", "seconds",
		"Time of a frame in each stage; total: from its capture until it was labelled.");
	for (int i = 0; i < STATE_TIMES; i++) {
		const struct state_histogram *h = &s->times[i];
		uint64_t below = 0;
		for (int b = 0; b < STATE_BUCKETS - 1; b++) {
			below += h->buckets[b];
			text_add(m->t, "twobit_stage_seconds_bucket{stage=\"%s\",le=\"%g\"} %" PRIu64 "\n",
				state_time_names[i], state_bounds[b], below);
		}
		text_add(m->t, "twobit_stage_seconds_bucket{stage=\"%s\",le=\"+Inf\"} %" PRIu64 "\n",
			state_time_names[i], h->count);
		text_add(m->t, "twobit_stage_seconds_sum{stage=\"%s\"} %.9g\n", state_time_names[i], h->sum);
		text_add(m->t, "twobit_stage_seconds_count{stage=\"%s\"} %" PRIu64 "\n", state_time_names[i],
			h->count);
	}
}

static void labels(struct metrics *m, const struct sink_state *s)
{
	family(m, "labels", "counter", NULL, "How often each label began.");
	for (size_t i = 0; i < s->label_count; i++) {
		text_add(m->t, "twobit_labels_total{label=");
		value(m, s->labels[i].name);
		text_add(m->t, "} %" PRIu64 "\n", s->labels[i].count);
	}
}

static void broker(struct metrics *m, const struct sink_broker *b)
{
	gauge(m, "mqtt_up", NULL, "1: the broker is connected; 0: it is away.", atomic_load(&b->connected));
	counter(m, "mqtt_events_published", "Events that the broker has confirmed.",
		atomic_load(&b->published));
	gauge(m, "mqtt_events_queued", NULL, "Events that wait for the broker.",
		(double)atomic_load(&b->queued));
	counter(m, "mqtt_events_dropped", "Events that found no room while the broker was away.",
		atomic_load(&b->dropped));
}

static void about(struct metrics *m, const struct sink_state *s)
{
	/* The old format has no type "info". */
	if (m->openmetrics)
		family(m, "pipeline", "info", NULL, "What runs.");
	else
		text_add(m->t, "# TYPE twobit_pipeline_info gauge\n# HELP twobit_pipeline_info What runs.\n");
	text_add(m->t, "twobit_pipeline_info{version=\"" TWOBIT_VERSION "\",network=");
	value(m, s->about->network->name);
	text_add(m->t, ",source=");
	value(m, s->about->source);
	text_add(m->t, ",pl=");
	value(m, s->about->pl);
	text_add(m->t, "} 1\n");
}

void sink_state_metrics(struct sink_state *s, struct text_builder *t, bool openmetrics, double temperature)
{
	struct metrics m = {t, openmetrics};

	pthread_mutex_lock(&s->lock);
	about(&m, s);
	counter(&m, "frames", "Frames that the source delivered.", s->received);
	counter(&m, "frames_broken", "Frames that were no pictures.", s->broken);
	counter(&m, "frames_classified", "Frames that the network has labelled.", s->classified);
	counter(&m, "frames_by_software", "Frames that software computed instead of the PL.", s->by_software);
	dropped(&m, s);
	times(&m, s);
	counter(&m, "pl_failures", "Frames that the PL computed late, not at all or wrongly.",
		s->pl_failures);
	gauge(&m, "pl_up", NULL, "1: the PL computes; 0: it is disabled.", s->pl[0] != 'd');
	gauge(&m, "camera_up", NULL, "1: the camera delivers; 0: it is away.", !s->absent);
	gauge(&m, "recording", NULL, "1: a recording is under way.", s->recording);
	if (!isnan(temperature))
		gauge(&m, "temperature_celsius", "celsius", "The hottest sensor of the machine.",
			temperature);
	if (s->about->broker)
		broker(&m, s->about->broker);
	labels(&m, s);
	text_add(t, "# EOF\n");
	pthread_mutex_unlock(&s->lock);
}
