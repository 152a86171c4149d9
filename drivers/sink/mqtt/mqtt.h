/* SPDX-License-Identifier: MIT */
/*
 * The inside of --mqtt, for this folder's own use. mqtt.c is the driver and the thread that fills the spool,
 * session.c the thread that talks with the broker, notes.c what is retained there.
 *
 *     label ── event ─▶ lines ─▶ spool's thread ─▶ spool (a file) ─▶ session's thread ─▶ broker
 *              state, newest result ─────────────────────▲
 *
 * Names are looked up by the C library, which may take its time: so the session's thread writes no events to
 * the disk, and the program does not wait for it for long.
 */
#ifndef SINK_MQTT_MQTT_H
#define SINK_MQTT_MQTT_H

#include "sink/line_queue.h"
#include "sink/mqtt/broker_address.h"
#include "sink/mqtt/spool.h"
#include "sink/state/state.h"

#include <limits.h>
#include <mosquitto.h>
#include <pthread.h>
#include <stdatomic.h>

/* Of an identity on the broker: "twobit-" and 16 digits, as long as MQTT 3.1 allows. */
#define MQTT_ID_BYTES 24

/* Of the topics that we make. */
#define MQTT_TOPIC_BYTES (BROKER_TOPIC_BYTES + 64)

/* Events that the broker has not confirmed, at once. */
#define EVENTS_UNDER_WAY 64

/* What is retained at the broker, so that who comes later knows it. */
enum mqtt_note { NOTE_STATUS, NOTE_STATE, NOTE_LABEL, NOTE_CONFIDENCE, NOTE_CAMERA, NOTES };

struct note_state {
	bool due;	/* is to be published */
	bool under_way; /* is not confirmed; the library repeats it */
	int message;	/* its number then */
};

struct event_under_way {
	int message; /* MQTT's number; 0: it is confirmed */
	uint64_t number;
};

struct mqtt_sink {
	struct broker_address broker;
	char id[MQTT_ID_BYTES];
	const char *discovery; /* the prefix of Home Assistant's topics; NULL: none */
	struct sink_broker *counts;
	const struct sink_about *about;
	struct sink_state state;
	bool settles;		  /* an event is told; the result behind it changes the state */
	struct text_builder line; /* under the sinks' lock */

	struct line_queue lines; /* events, for the spool */
	struct spool *spool;
	char spool_path[PATH_MAX]; /* "": memory */
	pthread_t filler, talker;
	bool fills, talks; /* these threads run */

	int wake; /* an eventfd: there is something for the session's thread */
	atomic_bool news, closing, abandoned;
	pthread_mutex_t lock;	    /* guards the next two */
	struct text_builder result; /* the newest that was not published; "": none */
	int every, since;	    /* results; every 0: none is published */

	/* of the session's thread */
	struct mosquitto *client;
	bool begun, connecting, connected, complained;
	int64_t retry, patience, state_due; /* clock_now() times: the next try; its end; the next state */
	int64_t pause;			    /* before the next try but one, ns */
	char why[256];			    /* the library's last words */
	struct note_state notes[NOTES];
	struct event_under_way events[EVENTS_UNDER_WAY]; /* a ring */
	unsigned first_event, event_count;
	struct text_builder payload;
};

/* session.c. Prepares the client of the library; the error's text is for the user. */
int session_open(struct mqtt_sink *s, const char *password, const char *authorities, struct error *e);
void session_close(struct mqtt_sink *s);

/* The body of the session's thread: publishes until `closing` is set and all is done that can be. */
void *session_run(void *sink);

/* notes.c */
void note_topic(const struct mqtt_sink *s, enum mqtt_note note, char topic[MQTT_TOPIC_BYTES]);
void note_payload(struct mqtt_sink *s, enum mqtt_note note, struct text_builder *t);

/* Whether it is published at all. */
bool note_exists(const struct mqtt_sink *s, enum mqtt_note note);

#endif
