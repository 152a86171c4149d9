/* SPDX-License-Identifier: MIT */
/* --serve: a server for browsers and other programs, with libmicrohttpd. */
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "flow/thread.h"
#include "sink/drivers.h"
#include "sink/http/server.h"
#include "sink/state/event_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN_LEAST 8
#define CERT_MOST 65536

static void server_close(void *state)
{
	struct http_server *server = state;

	if (server->running) {
		pthread_mutex_lock(&server->lock);
		server->closing = true;
		pthread_cond_signal(&server->work);
		viewers_wake(server);
		pthread_mutex_unlock(&server->lock);
		pthread_join(server->thread, NULL);
	}
	archive_stop(server->archive);
	if (server->daemon)
		MHD_stop_daemon(server->daemon); /* closes the listener, too */
	else if (server->listener.fd >= 0)
		close(server->listener.fd);
	archive_destroy(server->archive);
	shots_finish(&server->shots);
	for (int i = 0; i < EVENTS_KEPT; i++) {
		free(server->events[i].name);
		free(server->events[i].text);
	}
	text_finish(&server->line);
	sink_state_finish(&server->state);
	pthread_cond_destroy(&server->work);
	pthread_mutex_destroy(&server->lock);
	free(server->cert);
	free(server);
}

/* The certificate and its key, in one file of PEM. */
static int read_cert(struct http_server *server, const char *path, struct error *e)
{
	struct error why;
	size_t size;

	if (!path)
		return 0;
	uint8_t *data;
	int status = file_read(AT_FDCWD, path, CERT_MOST, &data, &size, &why);
	if (status)
		return error_refuse(e, path, status, "--serve-cert: %s %s", path, why.text);
	data[size] = '\0';
	server->cert = (char *)data;
	server->cert_file = path;
	return 0;
}

/* Beyond this machine anybody could look: that must be meant. */
static int check_audience(
	const struct http_server *server, const struct sink_options *options, struct error *e)
{
	if (server->token && strlen(server->token) < TOKEN_LEAST)
		return error_refuse(
			e, options->serve_token, -EINVAL, "takes at least %d characters", TOKEN_LEAST);
	if (server->listener.local || server->token || options->serve_open)
		return 0;
	return error_refuse(e, options->serve, -EINVAL,
		"\"%s\" is open to the network: give --serve-token, or --serve-open to let everyone look",
		options->serve);
}

static bool make_nonce(char nonce[33])
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

static int server_open(const struct sink_options *options, void **state, struct error *e)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (!server || !make_nonce(server->nonce) || condition_init(&server->work)) {
		free(server);
		return error_set(e, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&server->lock, NULL);
	server->shots.lock = &server->lock;
	sink_state_init(&server->state);
	server->token = options->serve_token;
	server->listener.fd = -1;
	int status = read_cert(server, options->serve_cert, e);
	if (!status)
		status = listener_open(options->serve, server->cert, &server->listener, e);
	if (!status)
		status = check_audience(server, options, e);
	if (!status && options->recordings && archive_create(options->recordings, &server->archive))
		log_debug("server: there is no folder of recordings"); /* yet: what makes it says so */
	if (status)
		server_close(server);
	else
		*state = server;
	return status;
}

/* Cuts those who were too slow. Under the lock. */
static void cut_slow(struct http_server *server, int64_t now)
{
	for (struct link *link = server->links; link; link = link->next) {
		if (now < link->deadline)
			continue;
		shutdown(link->fd, SHUT_RDWR); /* libmicrohttpd notices */
		link->deadline = INT64_MAX;
	}
}

static void wake_old(struct http_server *server, int64_t now)
{
	for (struct viewer *viewer = server->viewers; viewer; viewer = viewer->next)
		viewer->wake |= viewer->waiting && now - viewer->since > SIGN_OF_LIFE;
}

static void *serve(void *state)
{
	struct http_server *server = state;
	int64_t tick = clock_now() + NS_PER_S;

	pthread_mutex_lock(&server->lock);
	while (!server->closing) {
		if (!server->news && !server->shots.waiting)
			condition_wait(&server->work, &server->lock, tick);
		server->news = false;
		pthread_mutex_unlock(&server->lock);
		shots_make(&server->shots);
		pthread_mutex_lock(&server->lock);
		int64_t now = clock_now();
		if (now >= tick) {
			tick = now + NS_PER_S;
			cut_slow(server, now);
			wake_old(server, now);
		}
		viewers_wake(server);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

static void note_connection(void *state, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = state;
	struct link *link = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		link = info ? calloc(1, sizeof(*link)) : NULL;
		*context = link;
		if (!link)
			return;
		link->fd = info->connect_fd;
		pthread_mutex_lock(&server->lock);
		link_step(link);
		link->next = server->links;
		link->back = &server->links;
		if (link->next)
			link->next->back = &link->next;
		server->links = link;
		pthread_mutex_unlock(&server->lock);
	} else if (link) {
		pthread_mutex_lock(&server->lock);
		*link->back = link->next;
		if (link->next)
			link->next->back = link->back;
		pthread_mutex_unlock(&server->lock);
		free(link);
		*context = NULL;
	}
}

static void log_of_library(void *state, const char *format, va_list arguments)
{
	char text[300];

	(void)state;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("server: %s", text);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* %XX in a path or an argument. Not %00, which would end it. */
static size_t unescape(void *state, struct MHD_Connection *connection, char *text)
{
	char *to = text;

	(void)state;
	(void)connection;
	for (const char *from = text; *from; from++) {
		int high = from[0] == '%' ? digit(from[1]) : -1, low = high >= 0 ? digit(from[2]) : -1;
		if (low >= 0 && high + low > 0) {
			*to++ = (char)(high << 4 | low);
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

static int start_daemon(struct http_server *server, struct error *e)
{
	unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 MHD_USE_ERROR_LOG | (server->cert ? MHD_USE_TLS : 0);
	const struct MHD_OptionItem secure[] = {
		{server->cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, server->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, server->cert}, {MHD_OPTION_END, 0, NULL}};

	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, request_handle, server,
		MHD_OPTION_EXTERNAL_LOGGER, log_of_library, NULL, MHD_OPTION_LISTEN_SOCKET,
		server->listener.fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)(STEP_TIME / NS_PER_S), MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_NOTIFY_CONNECTION, note_connection,
		server, MHD_OPTION_NOTIFY_COMPLETED, request_complete, server, MHD_OPTION_ARRAY, secure,
		MHD_OPTION_END);
	if (server->daemon)
		return 0;
	if (server->cert)
		return error_set(e, -EBADMSG,
			"%s: --serve-cert takes a file with a certificate and its key, in PEM",
			server->cert_file);
	return error_set(e, -EAGAIN, "%s cannot be served: the system gives no more threads or files",
		server->listener.url);
}

static int server_start(void *state, const struct sink_about *about, struct error *e)
{
	struct http_server *server = state;

	server->about = about;
	sink_state_start(&server->state, about);
	int status = start_daemon(server, e);
	if (status)
		return status;
	status = server->archive ? archive_start(server->archive) : 0;
	if (!status)
		status = thread_start(&server->thread, "serve", serve, server);
	if (status)
		return error_set(e, status, "no thread can be started: %s", strerror(-status));
	server->running = true;
	log_info("serving on %s", server->listener.url);
	return 0;
}

static void server_frame(void *state, const struct frame *frame, uint32_t broken)
{
	struct http_server *server = state;

	sink_state_frame(&server->state, frame, broken);
	if (frame->absent || !atomic_load(&server->looking))
		return;
	shots_take(&server->shots, frame);
	pthread_cond_signal(&server->work);
}

static void server_result(void *state, const struct sink_result *result)
{
	struct http_server *server = state;

	sink_state_result(&server->state, result);
	pthread_mutex_lock(&server->lock);
	server->result_count++;
	if (server->viewers) {
		server->news = true;
		pthread_cond_signal(&server->work);
	}
	pthread_mutex_unlock(&server->lock);
}

static void server_event(void *state, const struct sink_event *event)
{
	struct http_server *server = state;

	sink_state_event(&server->state, event);
	pthread_mutex_lock(&server->lock);
	struct told_event *told = &server->events[server->event_count++ % EVENTS_KEPT];
	free(told->name);
	free(told->text);
	text_clear(&server->line);
	event_json(&server->line, event, server->about);
	told->name = strdup(event->name);
	told->text = server->line.failed ? NULL : strdup(server->line.data);
	server->news = true;
	pthread_cond_signal(&server->work);
	pthread_mutex_unlock(&server->lock);
}

static enum sink_request server_request(void *state)
{
	struct http_server *server = state;

	return (enum sink_request)atomic_exchange(&server->request, SINK_REQUEST_NONE);
}

const struct sink_driver sink_http = {
	.open = server_open,
	.close = server_close,
	.start = server_start,
	.frame = server_frame,
	.result = server_result,
	.event = server_event,
	.request = server_request,
};
