/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "sink/http/answer.h"
#include "sink/http/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOUNDARY "twobit-picture"

/* What libmicrohttpd asks for at once, bytes. */
#define BLOCK 65536

/* A picture that is not older is given at once, ns. */
#define FRESH (NS_PER_S / 10)

void link_step(struct link *link)
{
	if (link)
		link->deadline = clock_now() + STEP_TIME;
}

/* Under the lock. */
static void enter(struct viewer *viewer, enum viewer_kind kind)
{
	struct http_server *server = viewer->server;

	viewer->kind = kind;
	viewer->next = server->viewers;
	viewer->back = &server->viewers;
	if (viewer->next)
		viewer->next->back = &viewer->next;
	server->viewers = viewer;
	if (kind != VIEWER_EVENTS)
		atomic_fetch_add(&server->looking, 1);
}

void viewer_leave(struct viewer *viewer)
{
	struct http_server *server = viewer->server;

	pthread_mutex_lock(&server->lock);
	if (viewer->kind != VIEWER_NONE) {
		*viewer->back = viewer->next;
		if (viewer->next)
			viewer->next->back = viewer->back;
		if (viewer->kind != VIEWER_EVENTS)
			atomic_fetch_sub(&server->looking, 1);
		viewer->kind = VIEWER_NONE;
	}
	shots_release(&server->shots, &viewer->shot);
	pthread_mutex_unlock(&server->lock);
	text_finish(&viewer->text);
}

/* Under the lock, in libmicrohttpd's thread. A viewer who waits has no deadline. */
static void wait(struct viewer *viewer)
{
	viewer->waiting = true;
	viewer->wake = false;
	viewer->since = clock_now();
	if (viewer->link)
		viewer->link->deadline = INT64_MAX;
	MHD_suspend_connection(viewer->connection);
}

static bool result_is_due(const struct viewer *viewer)
{
	return viewer->every && viewer->server->result_count - viewer->results >= viewer->every;
}

static bool has_something(const struct viewer *viewer)
{
	const struct http_server *server = viewer->server;

	if (viewer->kind == VIEWER_EVENTS)
		return viewer->event < server->event_count || result_is_due(viewer);
	return viewer->seen < server->shots.count;
}

void viewers_wake(struct http_server *server)
{
	for (struct viewer *viewer = server->viewers; viewer; viewer = viewer->next) {
		if (!viewer->waiting || !(server->closing || viewer->wake || has_something(viewer)))
			continue;
		viewer->waiting = false;
		link_step(viewer->link);
		MHD_resume_connection(viewer->connection);
	}
}

static size_t copy(char *to, size_t room, const void *from, size_t size, size_t *at)
{
	size_t count = size - *at < room ? size - *at : room;

	memcpy(to, (const char *)from + *at, count);
	*at += count;
	return count;
}

/* The next picture; the last one again as a sign of life. Under the lock. */
static bool begin_picture(struct viewer *viewer)
{
	struct shots *shots = &viewer->server->shots;

	if (!viewer->wake && !has_something(viewer))
		return false;
	viewer->wake = false;
	viewer->shot = shots_hold_newest(shots);
	viewer->seen = shots->count;
	viewer->sent = 0;
	if (!viewer->shot)
		return false;
	snprintf(viewer->head, sizeof(viewer->head),
		"Content-Type: image/jpeg\r\nContent-Length: %zu\r\nX-Timestamp: %" PRId64
		".%06d\r\n"
		"X-Frame: %" PRIu64 "\r\n\r\n",
		viewer->shot->jpeg.size, viewer->shot->wall / NS_PER_S,
		(int)(viewer->shot->wall % NS_PER_S / NS_PER_US), viewer->shot->number);
	return true;
}

/* A part: its head, the picture, and the boundary, so that the viewer knows that it is whole. */
static size_t send_part(struct viewer *viewer, char *to, size_t room)
{
	static const char end[] = "\r\n--" BOUNDARY "\r\n";
	const struct {
		const void *data;
		size_t size;
	} pieces[] = {{viewer->head, strlen(viewer->head)},
		{viewer->shot->jpeg.data, viewer->shot->jpeg.size}, {end, strlen(end)}};
	size_t before = 0, count = 0;

	for (int i = 0; i < 3; i++) {
		size_t at = viewer->sent - before;
		if (at < pieces[i].size) {
			count += copy(to + count, room - count, pieces[i].data, pieces[i].size, &at);
			viewer->sent = before + at;
			if (at < pieces[i].size)
				return count;
		}
		before += pieces[i].size;
	}
	return count;
}

static bool part_is_over(const struct viewer *viewer)
{
	return viewer->sent ==
	       strlen(viewer->head) + viewer->shot->jpeg.size + strlen("\r\n--" BOUNDARY "\r\n");
}

static ssize_t read_pictures(void *cls, uint64_t position, char *to, size_t room)
{
	static const char first[] = "--" BOUNDARY "\r\n";
	struct viewer *viewer = cls;
	struct http_server *server = viewer->server;
	ssize_t count = 0;

	if (!position && room >= sizeof(first)) {
		memcpy(to, first, sizeof(first) - 1);
		return sizeof(first) - 1;
	}
	pthread_mutex_lock(&server->lock);
	link_step(viewer->link);
	if (server->closing)
		count = MHD_CONTENT_READER_END_OF_STREAM;
	else if (!viewer->shot && !begin_picture(viewer))
		wait(viewer);
	pthread_mutex_unlock(&server->lock);
	if (count || !viewer->shot)
		return count;
	count = (ssize_t)send_part(viewer, to, room);
	if (part_is_over(viewer)) {
		pthread_mutex_lock(&server->lock);
		shots_release(&server->shots, &viewer->shot);
		pthread_mutex_unlock(&server->lock);
	}
	return count;
}

/* An event, as the event streams of HTML have it. */
static void add_event(struct text_builder *t, const char *name, const char *data)
{
	text_add(t, "event: %s\ndata: %s\n\n", name, data);
}

static void add_state(struct viewer *viewer, const char *name)
{
	text_add(&viewer->text, "event: %s\ndata: ", name);
	sink_state_json(&viewer->server->state, &viewer->text);
	text_add(&viewer->text, "\n\n");
	viewer->results = viewer->server->result_count;
}

/* The next text for a viewer. Under the lock. False: there is nothing. */
static bool begin_text(struct viewer *viewer)
{
	struct http_server *server = viewer->server;

	text_clear(&viewer->text);
	viewer->sent = 0;
	if (!viewer->greeted || server->event_count - viewer->event > EVENTS_KEPT) {
		viewer->greeted = true;
		viewer->event = server->event_count;
		add_state(viewer, "state");
	} else if (viewer->event < server->event_count) {
		const struct told_event *told = &server->events[viewer->event++ % EVENTS_KEPT];
		if (told->name && told->text)
			add_event(&viewer->text, told->name, told->text);
	} else if (result_is_due(viewer)) {
		add_state(viewer, "result");
	} else if (viewer->wake) {
		text_add(&viewer->text, ": nothing new\n\n");
	}
	viewer->wake = false;
	return viewer->text.length && !viewer->text.failed;
}

static ssize_t read_events(void *cls, uint64_t position, char *to, size_t room)
{
	struct viewer *viewer = cls;
	struct http_server *server = viewer->server;
	ssize_t count = 0;

	(void)position;
	pthread_mutex_lock(&server->lock);
	link_step(viewer->link);
	if (server->closing)
		count = MHD_CONTENT_READER_END_OF_STREAM;
	else if (viewer->sent == viewer->text.length && !begin_text(viewer))
		wait(viewer);
	else
		count = (ssize_t)copy(to, room, viewer->text.data, viewer->text.length, &viewer->sent);
	pthread_mutex_unlock(&server->lock);
	return count;
}

/* Answers without an end, as HTTP/1.0 does: chunks would only be in the way. */
static enum MHD_Result answer_endless(
	struct viewer *viewer, enum viewer_kind kind, MHD_ContentReaderCallback reader, const char *type)
{
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, reader, viewer, NULL);

	if (!response)
		return MHD_NO;
	MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_RESPONSE, MHD_RO_END);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* for a proxy in between */
	pthread_mutex_lock(&viewer->server->lock);
	enter(viewer, kind);
	pthread_mutex_unlock(&viewer->server->lock);
	enum MHD_Result done = MHD_queue_response(viewer->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return done;
}

enum MHD_Result viewer_pictures(struct viewer *viewer)
{
	return answer_endless(
		viewer, VIEWER_PICTURES, read_pictures, "multipart/x-mixed-replace;boundary=" BOUNDARY);
}

enum MHD_Result viewer_events(struct viewer *viewer)
{
	return answer_endless(viewer, VIEWER_EVENTS, read_events, "text/event-stream; charset=utf-8");
}

struct held_shot {
	struct http_server *server;
	struct shot *shot;
};

static void release_held(void *cls)
{
	struct held_shot *held = cls;

	pthread_mutex_lock(&held->server->lock);
	shots_release(&held->server->shots, &held->shot);
	pthread_mutex_unlock(&held->server->lock);
	free(held);
}

static enum MHD_Result answer_shot(struct viewer *viewer, struct shot *shot)
{
	struct held_shot *held = malloc(sizeof(*held));
	char time[40];

	if (held)
		*held = (struct held_shot){viewer->server, shot};
	struct MHD_Response *response = held ? MHD_create_response_from_buffer_with_free_callback_cls(
						       shot->jpeg.size, shot->jpeg.data, release_held, held)
					     : NULL;
	if (!response) {
		free(held);
		pthread_mutex_lock(&viewer->server->lock);
		shots_release(&viewer->server->shots, &shot);
		pthread_mutex_unlock(&viewer->server->lock);
		return MHD_NO;
	}
	snprintf(time, sizeof(time), "%" PRId64 ".%06d", shot->wall / NS_PER_S,
		(int)(shot->wall % NS_PER_S / NS_PER_US));
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "image/jpeg");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Timestamp", time);
	enum MHD_Result done = MHD_queue_response(viewer->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return done;
}

enum MHD_Result viewer_one_picture(struct viewer *viewer)
{
	struct http_server *server = viewer->server;
	struct shots *shots = &server->shots;

	pthread_mutex_lock(&server->lock);
	bool waited = viewer->kind == VIEWER_ONE_PICTURE;
	bool there = waited ? viewer->seen < shots->count
			    : shots->newest && clock_now() - shots->newest->captured < FRESH;
	struct shot *shot = there ? shots_hold_newest(shots) : NULL;
	if (!shot && !waited && !server->closing) {
		viewer->seen = shots->count;
		enter(viewer, VIEWER_ONE_PICTURE);
		wait(viewer);
		pthread_mutex_unlock(&server->lock);
		return MHD_YES;
	}
	pthread_mutex_unlock(&server->lock);
	if (shot)
		return answer_shot(viewer, shot);
	return answer_line(viewer->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "there is no picture now");
}
