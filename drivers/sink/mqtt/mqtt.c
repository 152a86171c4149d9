/* SPDX-License-Identifier: MIT */
/* --mqtt: publishes events at a broker. */
#include "sink/mqtt/mqtt.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "sink/drivers.h"
#include "sink/state/event_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* Of the queue on the disk, bytes: some 20 000 events. */
#define SPOOL_ROOM (8 << 20)

#define DISCOVERY_USUAL "homeassistant"

/* How long the program waits for both threads at its end, ns. */
#define LAST_MOMENT (2 * NS_PER_S)

/* The same for the same topic: a broker ends an older connection of that name, and tells its will first. */
static void make_id(struct mqtt_sink *s)
{
	const Bytef *topic = (const Bytef *)s->broker.topic;
	uInt length = (uInt)strlen(s->broker.topic);

	snprintf(s->id, sizeof(s->id), "twobit-%08lx%08lx", crc32(0, topic, length) & 0xffffffff,
		adler32(1, topic, length) & 0xffffffff);
}

/* The folder for what a program keeps, made if need be: the service's, or the user's. False: there is none.
 */
static bool state_folder(char *path, size_t size)
{
	const char *service = getenv("STATE_DIRECTORY"), *state = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");

	if (service && service[0] == '/')
		return snprintf(path, size, "%.*s", (int)strcspn(service, ":"), service) < (int)size;
	if (state && state[0] == '/')
		snprintf(path, size, "%s/twobit", state);
	else if (home && home[0] == '/')
		snprintf(path, size, "%s/.local/state/twobit", home);
	else
		return false;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	return !mkdir(path, 0700) || errno == EEXIST;
}

/* The named queue, or that of the topic. Where there is no disk for it, memory has to do. */
static int open_spool(struct mqtt_sink *s, const char *named, struct error *e)
{
	char folder[PATH_MAX - 64];
	struct error why = {0};

	if (named) {
		snprintf(s->spool_path, sizeof(s->spool_path), "%s", named);
		int status = spool_open(named, SPOOL_ROOM, &s->spool, &why);
		return status ? error_refuse(e, named, status, "--mqtt-queue: %s", why.text) : 0;
	}
	error_set(&why, -ENOENT, "there is no home for it");
	if (state_folder(folder, sizeof(folder))) {
		snprintf(s->spool_path, sizeof(s->spool_path), "%s/%s.queue", folder, s->id);
		int status = spool_open(s->spool_path, SPOOL_ROOM, &s->spool, &why);
		if (!status)
			return 0;
		if (status == -EAGAIN || status == -EBADMSG)
			return error_refuse(
				e, NULL, status, "--mqtt: %s; --mqtt-queue names another", why.text);
	}
	s->spool_path[0] = '\0';
	log_warning("mqtt: events wait in memory, and are lost at the end: %s", why.text);
	return spool_open(NULL, SPOOL_ROOM, &s->spool, e);
}

static void destroy(struct mqtt_sink *s)
{
	session_close(s);
	spool_close(s->spool);
	if (s->wake >= 0)
		close(s->wake);
	line_queue_finish(&s->lines);
	sink_state_finish(&s->state);
	text_finish(&s->line);
	text_finish(&s->result);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void wake(struct mqtt_sink *s)
{
	const uint64_t one = 1;

	(void)!write(s->wake, &one, sizeof(one));
}

static void mqtt_close(void *state)
{
	struct mqtt_sink *s = state;
	int64_t deadline = clock_now() + LAST_MOMENT;

	line_queue_close(&s->lines);
	bool over = !s->fills || thread_join_until(s->filler, deadline);
	atomic_store(&s->closing, true);
	wake(s);
	if (over)
		over = !s->talks || thread_join_until(s->talker, deadline);
	if (!over) {
		atomic_store(&s->abandoned, true);
		log_warning("mqtt: %s does not answer, and the program ends without it", s->broker.name);
		return; /* with what its threads use */
	}
	const struct spool_counts counts = spool_counts(s->spool);
	atomic_store(&s->counts->queued, counts.lines);
	atomic_store(&s->counts->dropped, counts.dropped + line_queue_lost(&s->lines));
	atomic_store(&s->counts->connected, false);
	destroy(s);
}

static int mqtt_open(const struct sink_options *options, void **state, struct error *e)
{
	struct error why = {0};
	struct mqtt_sink *s = calloc(1, sizeof(*s));
	const char *password = options->mqtt_password ? options->mqtt_password : "";

	if (!s || line_queue_init(&s->lines)) {
		free(s);
		return error_set(e, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&s->lock, NULL);
	sink_state_init(&s->state);
	s->counts = options->broker;
	s->every = options->events_every;
	s->discovery = options->mqtt_discovery ? options->mqtt_discovery : DISCOVERY_USUAL;
	if (strcmp(s->discovery, "-") == 0)
		s->discovery = NULL;
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int status = s->wake < 0 ? error_set(e, -errno, "no event can be made: %s", strerror(errno)) : 0;
	if (!status && broker_address_parse(options->mqtt, &s->broker, &why))
		status = error_refuse(e, options->mqtt, why.code, "%s", why.text);
	if (!status && s->discovery &&
		(strlen(s->discovery) >= BROKER_TOPIC_BYTES / 2 || !s->discovery[0] ||
			mosquitto_pub_topic_check(s->discovery)))
		status = error_refuse(e, s->discovery, -EINVAL,
			"takes the first levels of topics, such as homeassistant, or - for none");
	make_id(s);
	if (!status)
		status = session_open(s, s->broker.password[0] ? s->broker.password : password,
			options->mqtt_authorities, e);
	if (!status)
		status = open_spool(s, options->mqtt_queue, e);
	if (status)
		destroy(s);
	else
		*state = s;
	return status;
}

/* The body of the spool's thread. */
static void *fill(void *state)
{
	struct mqtt_sink *s = state;
	bool works = true;
	char *line;

	while ((line = line_queue_take(&s->lines))) {
		int status = spool_put(s->spool, line);
		if (status && works)
			log_warning("mqtt: %s: events are lost: %s", s->spool_path, strerror(-status));
		works = !status;
		free(line);
		wake(s);
	}
	return NULL;
}

static int mqtt_start(void *state, const struct sink_about *about, struct error *e)
{
	struct mqtt_sink *s = state;

	s->about = about;
	sink_state_start(&s->state, about);
	int status = thread_start(&s->filler, "mqtt-queue", fill, s);
	s->fills = !status;
	if (!status) {
		status = thread_start(&s->talker, "mqtt", session_run, s);
		s->talks = !status;
	}
	return status ? error_set(e, status, "no thread can be started: %s", strerror(-status)) : 0;
}

static void mqtt_frame(void *state, const struct frame *frame, uint32_t broken)
{
	struct mqtt_sink *s = state;

	sink_state_frame(&s->state, frame, broken);
}

static void tell_news(struct mqtt_sink *s)
{
	atomic_store(&s->news, true);
	wake(s);
}

static void mqtt_event(void *state, const struct sink_event *event)
{
	struct mqtt_sink *s = state;

	sink_state_event(&s->state, event);
	text_clear(&s->line);
	event_json(&s->line, event, s->about);
	line_queue_put(&s->lines, s->line.failed ? NULL : s->line.data);
	s->settles = event->label;
	if (!event->label)
		tell_news(s);
}

static void mqtt_result(void *state, const struct sink_result *result)
{
	struct mqtt_sink *s = state;

	sink_state_result(&s->state, result);
	if (s->settles)
		tell_news(s);
	s->settles = false;
	if (!s->every || ++s->since < s->every)
		return;
	s->since = 0;
	pthread_mutex_lock(&s->lock);
	text_clear(&s->result);
	result_json(&s->result, result, s->about);
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

const struct sink_driver sink_mqtt = {
	.open = mqtt_open,
	.close = mqtt_close,
	.start = mqtt_start,
	.frame = mqtt_frame,
	.result = mqtt_result,
	.event = mqtt_event,
};
