/* SPDX-License-Identifier: MIT */
/*
 * The inside of --serve, for this folder's own use. http.c is the driver and the server's thread, requests.c
 * answers, access.c decides who may ask, viewers.c sends what goes on: pictures and events.
 *
 *     source ── frame ─▶ shots ─▶ server's thread ── wakes ─▶ libmicrohttpd's thread ─▶ viewers
 *     label ── result ─▶ state ───────▲
 *
 * libmicrohttpd's thread does all sending and never waits for one viewer: a viewer who takes nothing has a
 * deadline, and gets the newest picture when he takes one.
 */
#ifndef SINK_HTTP_SERVER_H
#define SINK_HTTP_SERVER_H

#include "sink/http/archive.h"
#include "sink/http/listener.h"
#include "sink/http/shots.h"
#include "sink/state/state.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/* At once, of all kinds; so many are accepted at least. */
#define CONNECTIONS 128

/* Bytes of a request's header. */
#define HEADER_BYTES 16384

/* What a client gets for one step, ns: a request's header, an answer, the next part of a stream; and a
 * viewer who waits gets a sign of life so often. */
#define STEP_TIME (10 * NS_PER_S)
#define SIGN_OF_LIFE (5 * NS_PER_S)

/* Events that a slow viewer may lag behind; then he gets the state instead. */
#define EVENTS_KEPT 64

/* A connection. */
struct link {
	struct link *next, **back;
	int fd;
	int64_t deadline; /* clock_now() at which it is cut; INT64_MAX: not */
};

enum viewer_kind { VIEWER_NONE, VIEWER_PICTURES, VIEWER_EVENTS, VIEWER_ONE_PICTURE };

/* A request, and who looks at what it answers. */
struct viewer {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct link *link;
	struct viewer *next, **back; /* of the server's list; kind VIEWER_NONE: it is in none */
	enum viewer_kind kind;
	bool waiting;	   /* libmicrohttpd has suspended it */
	bool wake;	   /* it was woken to get a sign of life, or to end */
	int64_t since;	   /* when it began to wait */
	uint64_t seen;	   /* pictures: shots.count */
	struct shot *shot; /* that is being sent */
	size_t sent;	   /* bytes of the part that is being sent */
	char head[160];	   /* before the picture */
	uint64_t event;	   /* events: the next one */
	uint64_t every, results;
	bool greeted;
	struct text_builder text; /* that is being sent */
	struct archive_job *job;  /* what he asked the archive for; NULL: nothing */
};

struct told_event {
	char *name, *text; /* NULL: there was no memory */
};

struct http_server {
	const char *token, *cert_file; /* NULL: none */
	char *cert;
	struct listener listener;
	struct archive *archive; /* NULL: nothing is recorded */
	struct MHD_Daemon *daemon;
	pthread_t thread;
	bool running;
	struct sink_state state;
	const struct sink_about *about;
	atomic_int looking; /* viewers of pictures */
	char nonce[33];	    /* of our page: it marks its script, and its requests by POST */

	atomic_int request; /* enum sink_request, the latest that the main thread has not taken */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	bool closing, news;
	struct shots shots;
	struct viewer *viewers;
	struct link *links;
	struct told_event events[EVENTS_KEPT]; /* a ring */
	uint64_t event_count, result_count;
	struct text_builder line; /* of the event that is added */
};

/* requests.c: libmicrohttpd calls it for each part of a request. */
enum MHD_Result request_handle(void *server, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **viewer);

/* libmicrohttpd calls it when a request is over. */
void request_complete(
	void *server, struct MHD_Connection *connection, void **viewer, enum MHD_RequestTerminationCode why);

/* access.c: 0, or the status of the refusal, with *why. */
unsigned access_check(const struct http_server *server, struct MHD_Connection *connection, const char *method,
	const char *url, const char **why);

/* Whether they are the same; takes as long for all that are given. */
bool access_is_same(const char *given, const char *secret);

/* viewers.c. Answers go on until the viewer leaves. */
enum MHD_Result viewer_pictures(struct viewer *viewer);
enum MHD_Result viewer_events(struct viewer *viewer);

/* Answers with one picture, or waits for it: then it is called again. */
enum MHD_Result viewer_one_picture(struct viewer *viewer);

/* Leaves the list and drops what it holds. Without the lock. */
void viewer_leave(struct viewer *viewer);

/* Under the lock: wakes those for whom there is something, or all to end. */
void viewers_wake(struct http_server *server);

/* Under the lock: the link's deadline for the next step, counted from now. */
void link_step(struct link *link);

#endif
