/* SPDX-License-Identifier: MIT */
/* The session with the broker, by libmosquitto, all in one thread. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/mqtt/mqtt.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEEPALIVE 30 /* s: who is silent for one and a half is gone for the broker */

/* Between two tries to reach the broker, ns: the first, and the longest. Each is up to a quarter longer, so
 * that a broker that comes back does not get all at once. */
#define PAUSE_FIRST (NS_PER_S / 4)
#define PAUSE_MOST (60 * NS_PER_S)

/* What the broker gets to answer a new connection, ns. */
#define PATIENCE (10 * NS_PER_S)

/* The state is published so often though nothing happens, ns: it has rates and counts. */
#define STATE_PAUSE (60 * NS_PER_S)

/* How long the thread sleeps at most, ms: the library counts its keepalive then. */
#define SLEEP_MOST 5000

/* What the broker gets to confirm the rest when the program ends, ns. */
#define LAST_MOMENT NS_PER_S

static void make_due(struct mqtt_sink *s, enum mqtt_note note)
{
	s->notes[note].due = note_exists(s, note);
}

static void on_connect(struct mosquitto *client, void *sink, int refusal)
{
	struct mqtt_sink *s = sink;

	(void)client;
	if (refusal) {
		snprintf(s->why, sizeof(s->why), "the broker refuses us: %s",
			mosquitto_connack_string(refusal));
		return;
	}
	s->connecting = false;
	s->connected = true;
	s->pause = PAUSE_FIRST;
	for (int note = 0; note < NOTES; note++)
		make_due(s, (enum mqtt_note)note);
}

/* The events that are confirmed from the first one on leave the spool. */
static void remove_confirmed(struct mqtt_sink *s)
{
	uint64_t last = 0;

	while (s->event_count && !s->events[s->first_event].message) {
		last = s->events[s->first_event].number;
		s->first_event = (s->first_event + 1) % EVENTS_UNDER_WAY;
		s->event_count--;
		atomic_fetch_add(&s->counts->published, 1);
	}
	if (last)
		spool_remove(s->spool, last);
}

static void on_publish(struct mosquitto *client, void *sink, int message)
{
	struct mqtt_sink *s = sink;

	(void)client;
	for (int note = 0; note < NOTES; note++)
		if (s->notes[note].under_way && s->notes[note].message == message)
			s->notes[note].under_way = false;
	for (unsigned i = 0; i < s->event_count; i++) {
		struct event_under_way *event = &s->events[(s->first_event + i) % EVENTS_UNDER_WAY];
		if (event->message == message)
			event->message = 0;
	}
	remove_confirmed(s);
}

static void on_log(struct mosquitto *client, void *sink, int level, const char *text)
{
	struct mqtt_sink *s = sink;

	(void)client;
	if (level == MOSQ_LOG_ERR || level == MOSQ_LOG_WARNING)
		snprintf(s->why, sizeof(s->why), "%s", text);
	log_debug("mqtt: %s", text);
}

static int configure(struct mqtt_sink *s, const char *password, const char *authorities)
{
	char topic[MQTT_TOPIC_BYTES];
	int rc = MOSQ_ERR_SUCCESS;

	if (s->broker.user[0])
		rc = mosquitto_username_pw_set(s->client, s->broker.user, password[0] ? password : NULL);
	if (!rc && s->broker.secure && authorities)
		rc = mosquitto_tls_set(s->client, authorities, NULL, NULL, NULL, NULL);
	else if (!rc && s->broker.secure)
		rc = mosquitto_int_option(s->client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
	if (!rc)
		rc = mosquitto_max_inflight_messages_set(s->client, 0); /* as many as it is given */
	note_topic(s, NOTE_STATUS, topic);
	if (!rc)
		rc = mosquitto_will_set(s->client, topic, (int)strlen("offline"), "offline", 1, true);
	return rc;
}

int session_open(struct mqtt_sink *s, const char *password, const char *authorities, struct error *e)
{
	mosquitto_lib_init();
	s->client = mosquitto_new(s->id, true, s);
	int rc = s->client ? configure(s, password, authorities) : MOSQ_ERR_NOMEM;
	if (rc == MOSQ_ERR_SUCCESS) {
		mosquitto_connect_callback_set(s->client, on_connect);
		mosquitto_publish_callback_set(s->client, on_publish);
		mosquitto_log_callback_set(s->client, on_log);
		s->pause = PAUSE_FIRST;
		return 0;
	}
	if (authorities && rc == MOSQ_ERR_INVAL)
		return error_refuse(e, authorities, -ENOENT, "--mqtt-ca: %s cannot be read", authorities);
	return error_set(e, rc == MOSQ_ERR_NOMEM ? -ENOMEM : -ENOTSUP, "--mqtt: %s",
		rc == MOSQ_ERR_NOMEM ? "out of memory" : mosquitto_strerror(rc));
}

void session_close(struct mqtt_sink *s)
{
	if (s->client)
		mosquitto_destroy(s->client);
	text_finish(&s->payload);
	mosquitto_lib_cleanup();
}

static void say_why(struct mqtt_sink *s, int rc)
{
	if (rc == MOSQ_ERR_ERRNO)
		snprintf(s->why, sizeof(s->why), "%s", strerror(errno));
	else if (rc == MOSQ_ERR_EAI)
		snprintf(s->why, sizeof(s->why), "nobody knows a machine of that name");
	else if (!s->why[0])
		snprintf(s->why, sizeof(s->why), "%s", mosquitto_strerror(rc));
}

/* The broker cannot be reached, or is gone. Said once until it is there again. */
static void lose(struct mqtt_sink *s, int rc)
{
	uint32_t chance = 0;

	say_why(s, rc);
	(void)!getrandom(&chance, sizeof(chance), 0);
	s->retry = clock_now() + s->pause + s->pause / 4 * (chance % 1000) / 1000;
	s->pause = 2 * s->pause < PAUSE_MOST ? 2 * s->pause : PAUSE_MOST;
	s->connecting = s->connected = false;
	if (s->complained)
		log_debug("mqtt: %s: %s", s->broker.name, s->why);
	else
		log_warning("mqtt: %s: %s; events wait in %s, and it is tried again", s->broker.name, s->why,
			s->spool_path[0] ? s->spool_path : "memory");
	s->complained = true;
}

static void begin(struct mqtt_sink *s)
{
	s->why[0] = '\0';
	s->patience = clock_now() + PATIENCE;
	int rc = s->begun ? mosquitto_reconnect_async(s->client)
			  : mosquitto_connect_async(s->client, s->broker.host, s->broker.port, KEEPALIVE);
	if (atomic_load(&s->abandoned)) /* it looked a name up for long */
		return;
	s->begun = true;
	s->connecting = rc == MOSQ_ERR_SUCCESS;
	if (rc)
		lose(s, rc);
}

static void greet(struct mqtt_sink *s)
{
	uint64_t waiting = spool_counts(s->spool).waiting;

	log_info("mqtt: publishing at %s below %s%s", s->broker.name, s->broker.topic,
		waiting ? "; what waited is sent first" : "");
	s->complained = false;
}

/* Waits for the broker, for something to publish, or for the next duty. Returns an error of the library. */
static int converse(struct mqtt_sink *s, int64_t deadline)
{
	struct pollfd events[] = {{s->wake, POLLIN, 0}, {mosquitto_socket(s->client), POLLIN, 0}};
	int64_t left = (deadline - clock_now()) / NS_PER_MS + 1;
	uint64_t count;
	int rc = MOSQ_ERR_SUCCESS;

	if (events[1].fd >= 0 && mosquitto_want_write(s->client))
		events[1].events |= POLLOUT;
	if (poll(events, 2, left < 0 ? 0 : left > SLEEP_MOST ? SLEEP_MOST : (int)left) < 0)
		return MOSQ_ERR_SUCCESS;
	if (events[0].revents)
		(void)!read(s->wake, &count, sizeof(count));
	if (events[1].fd < 0)
		return MOSQ_ERR_SUCCESS;
	if (events[1].revents & (POLLIN | POLLERR | POLLHUP))
		rc = mosquitto_loop_read(s->client, 1);
	if (!rc && events[1].revents & POLLOUT)
		rc = mosquitto_loop_write(s->client, 1);
	return rc ? rc : mosquitto_loop_misc(s->client);
}

static int publish(struct mqtt_sink *s, const char *topic, const struct text_builder *t, int qos, bool retain,
	int *message)
{
	return t->failed ? MOSQ_ERR_NOMEM
			 : mosquitto_publish(s->client, message, topic, (int)t->length, t->data, qos, retain);
}

static void publish_notes(struct mqtt_sink *s)
{
	char topic[MQTT_TOPIC_BYTES];

	if (atomic_exchange(&s->news, false) || clock_now() >= s->state_due) {
		make_due(s, NOTE_STATE);
		s->state_due = clock_now() + STATE_PAUSE;
	}
	for (int i = 0; i < NOTES; i++) {
		struct note_state *note = &s->notes[i];
		if (!note->due || note->under_way)
			continue;
		note_topic(s, (enum mqtt_note)i, topic);
		note_payload(s, (enum mqtt_note)i, &s->payload);
		if (publish(s, topic, &s->payload, 1, true, &note->message) == MOSQ_ERR_NOMEM)
			return;
		note->due = false;
		note->under_way = true;
	}
}

/* The library keeps what it has taken, and repeats it in a new connection, too. */
static void publish_events(struct mqtt_sink *s)
{
	char topic[MQTT_TOPIC_BYTES];

	snprintf(topic, sizeof(topic), "%s/event", s->broker.topic);
	while (s->event_count < EVENTS_UNDER_WAY) {
		struct event_under_way *event =
			&s->events[(s->first_event + s->event_count) % EVENTS_UNDER_WAY];
		if (spool_next(s->spool, &s->payload, &event->number) ||
			publish(s, topic, &s->payload, 1, false, &event->message) == MOSQ_ERR_NOMEM)
			return;
		spool_take(s->spool, event->number);
		s->event_count++;
	}
}

/* The newest one; those that found the broker away are of no use later. */
static void publish_result(struct mqtt_sink *s)
{
	char topic[MQTT_TOPIC_BYTES];

	pthread_mutex_lock(&s->lock);
	text_clear(&s->payload);
	if (s->result.length)
		text_add(&s->payload, "%s", s->result.data);
	text_clear(&s->result);
	pthread_mutex_unlock(&s->lock);
	snprintf(topic, sizeof(topic), "%s/result", s->broker.topic);
	if (s->payload.length)
		(void)publish(s, topic, &s->payload, 0, false, NULL);
}

static void count(struct mqtt_sink *s)
{
	const struct spool_counts spool = spool_counts(s->spool);

	atomic_store(&s->counts->queued, spool.lines);
	atomic_store(&s->counts->dropped, spool.dropped + line_queue_lost(&s->lines));
	atomic_store(&s->counts->connected, s->connected);
}

/* One turn. */
static void attend(struct mqtt_sink *s, int64_t deadline)
{
	int64_t now = clock_now();
	bool was_connected = s->connected;

	if (!s->connected && !s->connecting && now >= s->retry)
		begin(s);
	if (atomic_load(&s->abandoned))
		return;
	int64_t duty = s->connected ? s->state_due : s->connecting ? s->patience : s->retry;
	int rc = converse(s, duty < deadline ? duty : deadline);
	if (rc)
		lose(s, rc);
	else if (s->connecting && clock_now() >= s->patience)
		lose(s, MOSQ_ERR_CONN_LOST);
	if (s->connected && !was_connected)
		greet(s);
	if (s->connected) {
		publish_notes(s);
		publish_events(s);
		publish_result(s);
	}
	if (!atomic_load(&s->abandoned))
		count(s);
}

static bool is_under_way(const struct mqtt_sink *s)
{
	bool any = s->event_count;

	for (int note = 0; note < NOTES; note++)
		any |= s->notes[note].under_way || s->notes[note].due;
	return any;
}

/* The events that are left, then that we are gone. An end without a farewell leaves that to the last will. */
static void take_leave(struct mqtt_sink *s)
{
	int64_t deadline = clock_now() + LAST_MOMENT;

	while ((s->connected || s->connecting) && clock_now() < deadline &&
		(s->connecting || is_under_way(s) || spool_counts(s->spool).waiting))
		attend(s, deadline);
	if (s->connected)
		make_due(s, NOTE_STATUS);
	while (s->connected && is_under_way(s) && clock_now() < deadline)
		attend(s, deadline);
	if (s->connected && !is_under_way(s))
		mosquitto_disconnect(s->client);
}

void *session_run(void *sink)
{
	struct mqtt_sink *s = sink;

	do /* once at least: also a short run reaches the broker */
		attend(s, INT64_MAX);
	while (!atomic_load(&s->closing));
	if (!atomic_load(&s->abandoned))
		take_leave(s);
	return NULL;
}
