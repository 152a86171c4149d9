/* SPDX-License-Identifier: MIT */
#include "machine/machine.h"
#include "serve_page.h"
#include "sink/http/answer.h"
#include "sink/http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULTS_BETWEEN "5"

/* Answers with what was built. */
static enum MHD_Result answer_built(
	struct MHD_Connection *connection, const char *type, struct text_builder *t)
{
	enum MHD_Result done =
		t->failed ? MHD_NO : answer_text(connection, MHD_HTTP_OK, type, t->data, t->length);

	text_finish(t);
	return done;
}

static enum MHD_Result healthz(struct viewer *viewer)
{
	return answer_line(viewer->connection, MHD_HTTP_OK, "ok");
}

static enum MHD_Result api_state(struct viewer *viewer)
{
	struct text_builder t = {0};

	sink_state_json(&viewer->server->state, &t);
	return answer_built(viewer->connection, "application/json", &t);
}

/* OpenMetrics, unless only the older format is asked for. */
static enum MHD_Result metrics(struct viewer *viewer)
{
	const char *accept =
		MHD_lookup_connection_value(viewer->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	bool openmetrics =
		!accept || strstr(accept, "application/openmetrics-text") || !strstr(accept, "text/plain");
	struct text_builder t = {0};
	struct machine machine;

	machine_read("", &machine);
	sink_state_metrics(&viewer->server->state, &t, openmetrics, machine.temperature);
	return answer_built(viewer->connection,
		openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			    : "text/plain; version=0.0.4; charset=utf-8",
		&t);
}

static enum MHD_Result events(struct viewer *viewer)
{
	const char *every = MHD_lookup_connection_value(viewer->connection, MHD_GET_ARGUMENT_KIND, "every");

	every = every ? every : RESULTS_BETWEEN;
	if (!*every || strlen(every) > 9 || strspn(every, "0123456789") != strlen(every))
		return answer_line(viewer->connection, MHD_HTTP_BAD_REQUEST,
			"every=N: N results from one that is sent to the next; 0: none");
	viewer->every = strtoul(every, NULL, 10);
	return viewer_events(viewer);
}

static enum MHD_Result recording(struct viewer *viewer)
{
	const char *on = MHD_lookup_connection_value(viewer->connection, MHD_GET_ARGUMENT_KIND, "on");

	if (!on || (strcmp(on, "0") != 0 && strcmp(on, "1") != 0))
		return answer_line(viewer->connection, MHD_HTTP_BAD_REQUEST, "on=1 or on=0");
	atomic_store(
		&viewer->server->request, on[0] == '1' ? SINK_REQUEST_RECORD : SINK_REQUEST_STOP_RECORDING);
	return answer_line(viewer->connection, MHD_HTTP_ACCEPTED, "it will");
}

static enum MHD_Result page(struct viewer *viewer)
{
	const char *nonce = viewer->server->nonce;
	char policy[400];
	struct text_builder t = {0};

	text_add(&t, "%s%s%s", serve_page_head, nonce, serve_page_tail);
	snprintf(policy, sizeof(policy),
		"default-src 'none'; script-src 'nonce-%s'; style-src 'unsafe-inline'; img-src 'self' data: "
		"blob:; "
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		nonce);
	enum MHD_Result done = t.failed ? MHD_NO : answer_page(viewer->connection, policy, t.data, t.length);
	text_finish(&t);
	return done;
}

static const struct {
	const char *url;
	enum MHD_Result (*answer)(struct viewer *viewer);
	bool changes; /* by POST */
} routes[] = {
	{"/", page},
	{"/healthz", healthz},
	{"/api/state", api_state},
	{"/metrics", metrics},
	{"/events", events},
	{"/api/recordings", archive_list},
	{"/stream.mjpg", viewer_pictures},
	{"/snapshot.jpg", viewer_one_picture},
	{"/api/recording", recording, true},
};

static enum MHD_Result route(struct viewer *viewer, const char *url, const char *method)
{
	bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;

	if (reads && strncmp(url, ARCHIVE_PATH, strlen(ARCHIVE_PATH)) == 0)
		return archive_answer(viewer, url);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].url, url) != 0)
			continue;
		if (routes[i].changes ? strcmp(method, MHD_HTTP_METHOD_POST) == 0 : reads)
			return routes[i].answer(viewer);
		return answer_line(viewer->connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			routes[i].changes ? "this needs POST" : "this can only be read");
	}
	return answer_line(viewer->connection, MHD_HTTP_NOT_FOUND, "there is nothing here");
}

static struct viewer *viewer_create(struct http_server *server, struct MHD_Connection *connection)
{
	struct viewer *viewer = calloc(1, sizeof(*viewer));
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (!viewer)
		return NULL;
	viewer->server = server;
	viewer->connection = connection;
	viewer->link = info ? info->socket_context : NULL;
	return viewer;
}

/* Refuses when the header is there, and answers when the body is, too; nothing here reads one. */
enum MHD_Result request_handle(void *server, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **context)
{
	struct http_server *s = server;
	struct viewer *viewer = *context;
	const char *why;

	(void)version;
	(void)data;
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	if (!viewer) {
		viewer = viewer_create(s, connection);
		if (!viewer)
			return MHD_NO;
		*context = viewer;
		pthread_mutex_lock(&s->lock);
		link_step(viewer->link);
		pthread_mutex_unlock(&s->lock);
		unsigned refused = access_check(s, connection, method, url, &why);
		return refused ? answer_line(connection, refused, why) : MHD_YES;
	}
	return route(viewer, url, method);
}

void request_complete(
	void *server, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
	struct viewer *viewer = *context;
	struct http_server *s = server;

	(void)connection;
	(void)why;
	if (!viewer)
		return;
	viewer_leave(viewer);
	archive_job_destroy(viewer->job);
	pthread_mutex_lock(&s->lock);
	link_step(viewer->link);
	pthread_mutex_unlock(&s->lock);
	free(viewer);
	*context = NULL;
}
