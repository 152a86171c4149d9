/* SPDX-License-Identifier: MIT */
/* Streams from a web server of our own: dropped, stalled, refused, stopped; and what messages tell. */
#include "source/source.h"

#include "base/error.h"
#include "base/log.h"
#include "support/sample_jpeg.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BOUNDARY "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n"

/* What the server does with a connection after the pictures. */
enum habit { DROPS, STALLS, REFUSES, SILENT, FLOODS, IS_A_PAGE, SENDS_WORDS, SENDS_NO_JPEG };

/* Serves JPEGs one after the other, as a camera's multipart stream. */
struct server {
	int fd, port;
	enum habit habit;
	int pictures; /* for a connection */
	uint8_t *jpeg;
	size_t size;
	atomic_int connections;
	atomic_bool over;
	pthread_t thread;
};

static bool send_all(int fd, const void *data, size_t size)
{
	return send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* A picture that does not end. */
static void flood(int fd)
{
	static const uint8_t zeros[1 << 16];
	char part[128];

	snprintf(part, sizeof(part), BOUNDARY, (size_t)INT32_MAX);
	bool good = send_all(fd, part, strlen(part));
	while (good)
		good = send_all(fd, zeros, sizeof(zeros));
}

static void answer(struct server *s, int fd)
{
	static const char head[] =
		"HTTP/1.0 200 OK\r\n"
		"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";
	static const char wrong[] =
		"HTTP/1.0 401 Unauthorized\r\n"
		"WWW-Authenticate: Basic realm=\"camera\"\r\nContent-Length: 0\r\n\r\n";
	static const char page[] =
		"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html><html></html>";
	static const char words[] =
		"--frame\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello\r\n";
	char request[2048], part[128];

	if (recv(fd, request, sizeof(request), 0) <= 0 || s->habit == SILENT)
		return;
	if (s->habit == REFUSES) {
		send_all(fd, wrong, strlen(wrong));
		return;
	}
	if (s->habit == IS_A_PAGE) {
		send_all(fd, page, strlen(page));
		return;
	}
	bool good = send_all(fd, head, strlen(head));
	for (int i = 0; i < 40 && good && s->habit == SENDS_WORDS; i++)
		good = send_all(fd, words, strlen(words));
	memset(s->jpeg, 'x', s->habit == SENDS_NO_JPEG ? s->size : 0);
	for (int i = 0; i < s->pictures && good; i++) {
		snprintf(part, sizeof(part), BOUNDARY, s->size);
		good = send_all(fd, part, strlen(part)) && send_all(fd, s->jpeg, s->size) &&
		       send_all(fd, "\r\n", 2);
	}
	if (s->habit == FLOODS)
		flood(fd);
}

static void *serve(void *argument)
{
	struct server *s = argument;
	int held = -1; /* a connection that stays open */

	while (!atomic_load(&s->over)) {
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;
		atomic_fetch_add(&s->connections, 1);
		answer(s, fd);
		if (held >= 0)
			close(held);
		held = s->habit == STALLS || s->habit == SILENT ? fd : -1;
		if (held < 0)
			close(fd);
	}
	if (held >= 0)
		close(held);
	return NULL;
}

static void server_begin(struct server *s, enum habit habit, int pictures)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);

	*s = (struct server){.habit = habit, .pictures = pictures};
	s->jpeg = sample_jpeg(64, 48, JCS_RGB, NULL, 0, &s->size);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &size), 0);
	s->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
	atomic_store(&s->over, true);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	free(s->jpeg);
}

static int open_at(const struct server *s, int give_up, struct source **source, struct error *e)
{
	const struct source_options options = {.paced = true, .give_up = give_up};
	char name[96];

	snprintf(name, sizeof(name), "http://admin:secret@127.0.0.1:%d/s?key=secret", s->port);
	return source_open(name, &options, source, e);
}

static void frame_finish(struct frame *frame)
{
	raw_picture_finish(&frame->raw);
	picture_finish(&frame->picture);
}

/* Pictures, frames without one that tell why, pictures again; and no password anywhere. */
static void dropped_stream_is_connected_again(void **state)
{
	(void)state;
	struct server server;
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};
	int pictures = 0, absent = 0, again = 0;

	server_begin(&server, DROPS, 3);
	assert_int_equal(open_at(&server, 0, &source, &e), 0);
	assert_non_null(strstr(source_description(source), "stream, mjpeg, 64×48"));
	assert_non_null(strstr(source_description(source), "from http://127.0.0.1:"));
	assert_null(strstr(source_description(source), "secret"));
	while (again < 3) {
		int status = source_next(source, &frame, &e);
		if (status == -EBADMSG) /* the picture that was cut */
			continue;
		assert_int_equal(status, 0);
		if (frame.absent) {
			absent++;
			assert_non_null(strstr(frame.absent_reason, "no picture: http://127.0.0.1:"));
			assert_non_null(strstr(frame.absent_reason, "; connecting again"));
			assert_null(strstr(frame.absent_reason, "secret"));
			continue;
		}
		assert_int_equal(frame.raw.format, PIXEL_JPEG);
		assert_int_equal(frame.raw.size, server.size);
		assert_memory_equal(frame.raw.data, server.jpeg, server.size);
		pictures += !absent;
		again += absent > 0;
	}
	assert_in_range(pictures, 1, 3);
	assert_true(absent > 0);
	assert_true(atomic_load(&server.connections) > 1);
	source_close(source);
	server_end(&server);
	frame_finish(&frame);
}

static void *stop_soon(void *source)
{
	usleep(100000);
	source_stop(source);
	return NULL;
}

/* It does not wait until the silence has lasted too long. */
static void stalled_stream_is_stopped_at_once(void **state)
{
	(void)state;
	struct server server;
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};
	pthread_t thread;
	int status;

	server_begin(&server, STALLS, 3);
	assert_int_equal(open_at(&server, 0, &source, &e), 0);
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, source), 0);
	while ((status = source_next(source, &frame, &e)) == 0)
		assert_false(frame.absent);
	assert_int_equal(status, -ECANCELED);
	assert_int_equal(source_next(source, &frame, &e), -ECANCELED);
	pthread_join(thread, NULL);
	source_close(source);
	server_end(&server);
	frame_finish(&frame);
}

/* Frames without a picture come while the stream only keeps its connection. */
static void silence_is_told(void **state)
{
	(void)state;
	struct server server;
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};

	server_begin(&server, STALLS, 3);
	assert_int_equal(open_at(&server, 0, &source, &e), 0);
	do {
		int status = source_next(source, &frame, &e);
		assert_true(status == 0 || status == -EBADMSG);
	} while (!frame.absent);
	assert_non_null(strstr(frame.absent_reason, "sends no picture; connecting again"));
	source_close(source);
	server_end(&server);
	frame_finish(&frame);
}

static void *give_up_soon(void *argument)
{
	usleep(100000);
	eventfd_write(*(int *)argument, 1);
	return NULL;
}

static void silent_server_is_given_up(void **state)
{
	(void)state;
	struct server server;
	struct source *source = NULL;
	struct error e = {0};
	pthread_t thread;
	int give_up = eventfd(0, EFD_CLOEXEC);

	server_begin(&server, SILENT, 0);
	assert_int_equal(pthread_create(&thread, NULL, give_up_soon, &give_up), 0);
	assert_int_equal(open_at(&server, give_up, &source, &e), -ECANCELED);
	assert_non_null(strstr(e.text, "was no longer waited for"));
	pthread_join(thread, NULL);
	server_end(&server);
	close(give_up);
}

static void refusals_are_told(void **state)
{
	(void)state;
	struct server server;
	struct source *source = NULL;
	struct error e = {0};

	server_begin(&server, REFUSES, 0);
	assert_int_equal(open_at(&server, 0, &source, &e), -EACCES);
	assert_non_null(strstr(e.text, "wants another name and password; write them as in http://NAME:"));
	assert_null(strstr(e.text, "secret"));
	server_end(&server);
	assert_int_equal(open_at(&server, 0, &source, &e), -ENOENT); /* nothing listens there now */
	assert_null(strstr(e.text, "secret"));

	const struct source_options options = {0};
	assert_int_equal(source_open("udp://admin:secret@127.0.0.1:1", &options, &source, &e), -EINVAL);
	assert_non_null(strstr(e.text, "udp://127.0.0.1:1: is no address that is read"));
	const struct source_options camera = {.format = "MJPEG"};
	assert_int_equal(source_open("rtsp://admin:secret@cam/s", &camera, &source, &e), -EINVAL);
	assert_null(strstr(e.text, "secret"));
}

/* A server that answers is reached, whatever it sends. */
static void what_is_no_video_is_told(void **state)
{
	static const struct {
		enum habit habit;
		const char *text;
	} cases[] = {{IS_A_PAGE, "what it sends is no video"}, {SENDS_WORDS, "sends"},
		{SENDS_NO_JPEG, "sends no picture that can be read"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server server;
		struct source *source = NULL;
		struct error e = {0};
		server_begin(&server, cases[i].habit, cases[i].habit == SENDS_NO_JPEG ? 40 : 0);
		assert_int_equal(open_at(&server, 0, &source, &e), -EBADMSG);
		if (!strstr(e.text, cases[i].text))
			fail_msg("%s", e.text);
		server_end(&server);
	}
}

/* Memory does not grow until the time is over. */
static void endless_picture_is_refused(void **state)
{
	(void)state;
	struct server server;
	struct source *source = NULL;
	struct error e = {0};

	server_begin(&server, FLOODS, 0);
	assert_int_equal(open_at(&server, 0, &source, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "sends more than 128 MB for one picture"));
	server_end(&server);
}

/* … also where pictures came before. */
static void endless_picture_ends_the_connection(void **state)
{
	(void)state;
	struct server server;
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};

	server_begin(&server, FLOODS, 20);
	assert_int_equal(open_at(&server, 0, &source, &e), 0);
	do
		assert_int_equal(source_next(source, &frame, &e), 0);
	while (!frame.absent);
	assert_non_null(strstr(frame.absent_reason, "sends more than 128 MB"));
	source_close(source);
	server_end(&server);
	frame_finish(&frame);
}

static int log_quieten(void **state)
{
	(void)state;
	log_configure(LOG_ERROR, false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dropped_stream_is_connected_again),
		cmocka_unit_test(stalled_stream_is_stopped_at_once),
		cmocka_unit_test(silence_is_told),
		cmocka_unit_test(silent_server_is_given_up),
		cmocka_unit_test(refusals_are_told),
		cmocka_unit_test(what_is_no_video_is_told),
		cmocka_unit_test(endless_picture_is_refused),
		cmocka_unit_test(endless_picture_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, log_quieten, NULL);
}
