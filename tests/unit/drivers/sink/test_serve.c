/* SPDX-License-Identifier: MIT */
/* --serve: what browsers and others get, who is refused, and that viewers who do not read hold up nobody. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/sink.h"
#include "support/json_schema.h"
#include "support/network_builder.h"
#include "support/sample_jpeg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TIME_LIMIT 20000 /* ms; on a busy machine */
#define VIEWERS 60
#define ANSWER_BYTES 400000

static char url[200]; /* that the server logged */

void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	(void)level;
	if (strcmp(format, "serving on %s") != 0) /* of the test's own thread */
		return;
	va_start(arguments, format);
	snprintf(url, sizeof(url), "%.190s", va_arg(arguments, const char *));
	va_end(arguments);
}

struct serve_fixture {
	struct network *network;
	struct sink_about about;
	struct sinks *sinks;
	struct frame frame; /* with a camera's JPEG */
	struct error e;
	char *answer; /* the last one, ends in NUL */
	size_t size;
};

static struct serve_fixture f;

static void begin(const struct sink_options *options)
{
	f = (struct serve_fixture){.network = tiny_network(7), .answer = malloc(ANSWER_BYTES)};
	f.about = (struct sink_about){f.network, 0.5F, "a \"source\"", "software"};
	f.frame.raw.data = sample_jpeg(320, 240, JCS_RGB, NULL, 0, &f.frame.raw.size);
	f.frame.raw.format = PIXEL_JPEG;
	f.frame.result = classification_none;
	assert_int_equal(sinks_open(options, &f.sinks, &f.e), 0);
	assert_int_equal(sinks_start(f.sinks, &f.about, &f.e), 0);
}

static void begin_local(void)
{
	begin(&(const struct sink_options){.serve = "0"});
}

static void end(void)
{
	sinks_close(f.sinks);
	free(f.frame.raw.data);
	free(f.answer);
	network_destroy(f.network);
}

/* A frame comes and is labelled; class below 0: nothing is known. */
static void see(int class)
{
	static const uint64_t dropped[SINK_PLACES] = {0, 1, 2, 3};

	for (int i = 0; i < STAMP_COUNT; i++)
		f.frame.stamps[i] = clock_now() - (STAMP_COUNT - i) * NS_PER_MS;
	f.frame.result.count = class < 0 ? 0 : 1;
	f.frame.result.top[0] = (struct prediction){class < 0 ? 0 : class, 0.75F};
	sinks_frame(f.sinks, &f.frame, 0);
	sinks_result(f.sinks, &f.frame, dropped, false);
	f.frame.number++;
}

static int client(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void ask(int fd, const char *request)
{
	/* The server may have closed it: a refusal does not read on. */
	(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
}

/* Reads until the answer holds the text; NULL: until the connection ends. Frames come meanwhile, with `seen`.
 */
static bool answer_has(int fd, const char *text, int seen)
{
	int64_t until = clock_now() + TIME_LIMIT * NS_PER_MS;
	struct pollfd poll_for = {fd, POLLIN, 0};

	f.size = 0;
	f.answer[0] = '\0';
	while (clock_now() < until) {
		if (seen > -2)
			see(seen);
		if (poll(&poll_for, 1, seen > -2 ? 5 : 100) <= 0)
			continue;
		ssize_t got = recv(fd, f.answer + f.size, ANSWER_BYTES - 1 - f.size, 0);
		if (got <= 0)
			return !text;
		f.size += (size_t)got;
		f.answer[f.size] = '\0';
		if (text && memmem(f.answer, f.size, text, strlen(text)))
			return true;
	}
	return false;
}

/* One request on a connection of its own, to its end. */
static const char *get(const char *request)
{
	int fd = client();

	ask(fd, request);
	bool over = answer_has(fd, NULL, -2);
	close(fd);
	if (!over)
		fail_msg("no end of the answer to: %.100s", request);
	return f.answer;
}

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static const char *body(void)
{
	const char *empty = strstr(f.answer, "\r\n\r\n");

	assert_non_null(empty);
	return empty + 4;
}

static void check_status(const char *request, int status)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "HTTP/1.1 %d ", status);
	get(request);
	if (strncmp(f.answer, expected, strlen(expected)) != 0)
		fail_msg("%.60s: expected %d, got %.200s", request, status, f.answer);
}

static json_t *state_now(void)
{
	json_t *schema = json_load_file("docs/state.schema.json", 0, NULL);

	check_status(REQUEST("GET", "/api/state"), 200);
	json_t *value = json_loads(body(), 0, NULL);
	if (!value || !schema_allows(schema, schema, value))
		fail_msg("not as in the schema: %s", body());
	json_decref(schema);
	return value;
}

static void state_and_health(void **state)
{
	(void)state;
	begin_local();
	check_status(REQUEST("GET", "/healthz"), 200);
	assert_string_equal(body(), "ok\n");
	json_t *value = state_now();
	assert_true(json_is_null(json_object_get(value, "result")));
	json_decref(value);
	see(3);
	sinks_event(f.sinks, "pl_retired", NULL);
	value = state_now();
	const json_t *result = json_object_get(value, "result");
	assert_string_equal(json_string_value(json_object_get(result, "label")), f.network->labels[3]);
	assert_string_equal(json_string_value(json_object_get(value, "pl_state")), "disabled");
	assert_int_equal(json_integer_value(json_object_get(value, "frames")), 1);
	json_decref(value);
	const struct frame away = {.absent = true, .absent_reason = "no camera"};
	sinks_frame(f.sinks, &away, 0);
	value = state_now();
	assert_true(json_is_null(json_object_get(value, "result")));
	assert_true(json_is_false(json_object_get(value, "camera")));
	assert_string_equal(json_string_value(json_object_get(value, "reason")), "no camera");
	json_decref(value);
	end();
}

static void metrics(void **state)
{
	(void)state;
	begin_local();
	for (int i = 0; i < 3; i++)
		see(3);
	check_status(REQUEST("GET", "/metrics"), 200);
	assert_non_null(strstr(f.answer, "application/openmetrics-text; version=1.0.0"));
	for (const char *const *line = (const char *[]){"# TYPE twobit_frames counter\n",
		     "\ntwobit_frames_total 3\n", "\ntwobit_frames_dropped_total{place=\"display\"} 3\n",
		     "\ntwobit_stage_seconds_bucket{stage=\"total\",le=\"0.0005\"} 0\n",
		     "\ntwobit_stage_seconds_bucket{stage=\"pl\",le=\"0.0025\"} 3\n",
		     "\ntwobit_stage_seconds_count{stage=\"pl\"} 3\n", "source=\"a \\\"source\\\"\"",
		     "\ntwobit_labels_total{label=\"label 3\"} 1\n", NULL};
		*line; line++)
		if (!strstr(f.answer, *line))
			fail_msg("no %s in %s", *line, f.answer);
	assert_string_equal(f.answer + f.size - 6, "# EOF\n");
	get("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain;version=0.0.4\r\n"
	    "Connection: close\r\n\r\n");
	assert_non_null(strstr(f.answer, "# TYPE twobit_frames_total counter\n"));
	end();
}

/* The camera's own bytes. */
static void check_picture(int fd, const char *request)
{
	ask(fd, request);
	assert_true(answer_has(fd, "\r\n\r\n\xff\xd8\xff", 3));
	while (!memmem(f.answer, f.size, f.frame.raw.data, f.frame.raw.size)) {
		ssize_t got = recv(fd, f.answer + f.size, ANSWER_BYTES - 1 - f.size, 0);
		assert_true(got > 0);
		f.size += (size_t)got;
	}
}

static void pictures_of_the_camera(void **state)
{
	(void)state;
	begin_local();
	int fd = client();
	check_picture(fd, "GET /snapshot.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_non_null(strstr(f.answer, "Content-Type: image/jpeg\r\n"));
	check_picture(fd, "GET /snapshot.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* kept alive */
	close(fd);
	fd = client();
	check_picture(fd, REQUEST("GET", "/stream.mjpg"));
	assert_non_null(strstr(f.answer, "multipart/x-mixed-replace;boundary=twobit-picture\r\n"));
	assert_true(
		answer_has(fd, "\r\n--twobit-picture\r\nContent-Type: image/jpeg\r\nContent-Length: ", 3));
	close(fd);
	end();
}

/* A frame that is no JPEG, of a camera that hangs on its side, is encoded upright. */
static void pictures_of_others(void **state)
{
	int width, height;

	(void)state;
	begin_local();
	free(f.frame.raw.data);
	f.frame.raw = (struct raw_picture){.format = PIXEL_YUYV, .width = 64, .height = 32, .rotation = 90};
	f.frame.raw.size = 64 * 32 * 2;
	f.frame.raw.data = malloc(f.frame.raw.size);
	memset(f.frame.raw.data, 128, f.frame.raw.size);
	int fd = client();
	ask(fd, REQUEST("GET", "/snapshot.jpg"));
	assert_true(answer_has(fd, NULL, 3));
	close(fd);
	const char *jpeg = body();
	assert_int_equal(
		picture_jpeg_size((const uint8_t *)jpeg, f.size - (size_t)(jpeg - f.answer), &width, &height),
		0);
	assert_int_equal(width, 32);
	assert_int_equal(height, 64);
	end();
}

static void events(void **state)
{
	(void)state;
	begin_local();
	int fd = client();
	ask(fd, REQUEST("GET", "/events?every=0"));
	assert_true(answer_has(fd, "event: state\ndata: {\"version\":", -2));
	assert_true(answer_has(fd, "event: label_begin\ndata: {\"event\":\"label_begin\",", 3));
	assert_null(strstr(f.answer, "event: result"));
	assert_true(answer_has(fd, "event: label_end\n", -1));
	close(fd);
	fd = client();
	ask(fd, REQUEST("GET", "/events?every=2"));
	assert_true(answer_has(fd, "event: result\n", 3));
	close(fd);
	check_status(REQUEST("GET", "/events?every=-1"), 400);
	check_status(REQUEST("GET", "/events?every=99999999999"), 400);
	end();
}

/* Who asks for nothing that is here, or not as he may. */
static void refused(void **state)
{
	(void)state;
	begin_local();
	check_status(REQUEST("GET", "/../../etc/passwd"), 404);
	check_status(REQUEST("GET", "/%2e%2e/%2e%2e/etc/passwd"), 404);
	check_status(REQUEST("GET", "/healthz%00"), 404);
	check_status(REQUEST("GET", "//healthz"), 404);
	check_status(REQUEST("HEAD", "/healthz"), 200);
	check_status(REQUEST("DELETE", "/healthz"), 403);
	check_status(REQUEST("POST", "/api/state"), 403);
	/* A name that may lead here but is not ours. */
	check_status("GET /healthz HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", 421);
	check_status(
		"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.example.com:80\r\nConnection: close\r\n\r\n", 421);
	check_status("GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n", 200);
	check_status("GET /healthz HTTP/1.1\r\nHost: 192.168.1.2\r\nConnection: close\r\n\r\n", 200);
	check_status(
		"POST /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: http://example.com\r\n"
		"Connection: close\r\n\r\n",
		403);
	end();
}

/* Only our page, which has the nonce, may ask for a recording. */
static void recording(void **state)
{
	char nonce[40] = "", request[400];

	(void)state;
	begin_local();
	check_status(REQUEST("GET", "/"), 200);
	assert_non_null(strstr(f.answer, "Content-Security-Policy: default-src 'none';"));
	const char *at = strstr(f.answer, "<script nonce=\"");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "<script nonce=\"%32[0-9a-f]\">", nonce), 1);
	assert_int_equal(strlen(nonce), 32);
	check_status(REQUEST("GET", "/api/recording?on=1"), 405);
	check_status(REQUEST("POST", "/api/recording?on=1"), 403);
	for (int i = 0; i < 5; i++) {
		static const char *const queries[] = {"on=1", "on=0", "on=1", "", "on=2"};
		static const char *const origins[] = {
			"localhost", "localhost", "example.com", "localhost", "localhost"};
		static const int statuses[] = {202, 202, 403, 400, 400};
		static const enum sink_request requests[] = {
			SINK_REQUEST_RECORD, SINK_REQUEST_STOP_RECORDING};
		snprintf(request, sizeof(request),
			"POST /api/recording?%s HTTP/1.1\r\nHost: localhost\r\nOrigin: http://%s\r\n"
			"X-Twobit-Page: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			queries[i], origins[i], nonce);
		check_status(request, statuses[i]);
		assert_int_equal(sinks_request(f.sinks), i < 2 ? requests[i] : SINK_REQUEST_NONE);
		assert_int_equal(sinks_request(f.sinks), SINK_REQUEST_NONE);
	}
	end();
}

/* Requests in which a proxy may see another end than we do: none is answered but by a refusal, and the
 * connection ends. */
static void smuggled(void **state)
{
	static const char *const requests[] = {
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nGET /",
		"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: "
		"5\r\n\r\nGET /",
		"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/state HTTP/1.1\r\nHost: "
		"localhost\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\n\r\nGET /api/state HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n Content-Length: 5\r\n\r\nabcde",
		"\x16\x03\x01\x02",
	};

	(void)state;
	begin_local();
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int fd = client();
		ask(fd, requests[i]);
		shutdown(fd, SHUT_WR);
		assert_true(answer_has(fd, NULL, -2));
		close(fd);
		if (f.size && strncmp(f.answer, "HTTP/1.1 4", 10) != 0)
			fail_msg("request %zu was answered: %s", i, f.answer);
		assert_null(strstr(f.answer, "\"version\""));
	}
	/* A header without end. */
	int fd = client();
	ask(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
	char filler[1024];
	memset(filler, 'x', sizeof(filler));
	for (int i = 0; i < 64; i++)
		(void)!send(fd, filler, sizeof(filler), MSG_NOSIGNAL);
	answer_has(fd, NULL, -2); /* a refusal, or just an end */
	assert_null(strstr(f.answer, "200 OK"));
	close(fd);
	end();
}

static void token(void **state)
{
	(void)state;
	begin(&(const struct sink_options){.serve = "0.0.0.0:0", .serve_token = "secret-token"});
	check_status(REQUEST("GET", "/healthz"), 200);
	check_status(REQUEST("GET", "/api/state"), 401);
	assert_non_null(strstr(f.answer, "WWW-Authenticate: Basic realm=\"twobit\""));
	check_status(REQUEST("GET", "/stream.mjpg"), 401);
#define WITH(authorization)                                                                                  \
	"GET /api/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: " authorization   \
	"\r\n\r\n"
	check_status(WITH("Bearer secret-token"), 200);
	check_status(WITH("Bearer secret-toke"), 401);
	check_status(WITH("Bearer secret-tokens"), 401);
	check_status(WITH("Bearer Secret-token"), 401);
	check_status(WITH("Bearer "), 401);
	check_status(WITH("Basic bWU6c2VjcmV0LXRva2Vu"), 200); /* me:secret-token */
	check_status(WITH("Basic bWU6c2VjcmV0LXRva2U="), 401); /* me:secret-toke */
	check_status(WITH("Basic %"), 401);
	end();
}

static void check_refused(const struct sink_options *options, int status, const char *text)
{
	struct error e = {0};
	struct sinks *sinks;

	assert_int_equal(sinks_open(options, &sinks, &e), status);
	assert_null(sinks);
	assert_non_null(e.wrong);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" is not about: %s", e.text, text);
}

static void addresses(void **state)
{
	static const char *const wrong[] = {
		"", "x", "70000", "8080x", ":8080", "127.0.0.1:", "::1:80", "[]:80", "-1"};
	struct sinks *sinks;
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_refused(&(const struct sink_options){.serve = wrong[i]}, -EINVAL,
			"takes PORT or ADDRESS:PORT");
	check_refused(&(const struct sink_options){.serve = "0.0.0.0:0"}, -EINVAL, "--serve-open");
	check_refused(&(const struct sink_options){.serve = "0.0.0.0:0", .serve_token = "short"}, -EINVAL,
		"at least 8");
	check_refused(&(const struct sink_options){.serve = "0", .serve_cert = "nowhere.pem"}, -ENOENT,
		"--serve-cert: nowhere.pem");
	assert_int_equal(sinks_open(&(const struct sink_options){.serve = "0.0.0.0:0", .serve_open = true},
				 &sinks, &e),
		0);
	sinks_close(sinks);
	begin_local();
	char taken[40];
	snprintf(taken, sizeof(taken), "%d", atoi(strrchr(url, ':') + 1));
	check_refused(&(const struct sink_options){.serve = taken}, -EADDRINUSE, "another program has it");
	end();
}

/* Viewers who never read, one who sends his request byte by byte, and one who reads: he gets pictures all
 * the time, and the slow ones are cut. */
static void slow_viewers(void **state)
{
	int slow[VIEWERS], fd, trickle;
	int64_t longest = 0;

	(void)state;
	begin_local();
	for (int i = 0; i < VIEWERS; i++) {
		slow[i] = client();
		ask(slow[i], REQUEST("GET", "/stream.mjpg"));
	}
	fd = client();
	trickle = client();
	ask(fd, REQUEST("GET", "/stream.mjpg"));
	ask(trickle, "GET /healthz HTTP/1.1\r\nX: ");
	int64_t end_by = clock_now() + TIME_LIMIT * NS_PER_MS;
	struct pollfd cut = {trickle, POLLIN, 0};
	while (!poll(&cut, 1, 0) && clock_now() < end_by) {
		int64_t begun = clock_now();
		see(3);
		longest = clock_now() - begun > longest ? clock_now() - begun : longest;
		ask(trickle, "x");
		assert_true(answer_has(fd, "Content-Type: image/jpeg", 3));
		usleep(20000);
	}
	assert_true(clock_now() < end_by); /* the trickle was cut */
	assert_true(longest < NS_PER_S);   /* a tenth of what a viewer may take for a step */
	close(fd);
	close(trickle);
	for (int i = 0; i < VIEWERS; i++)
		close(slow[i]);
	end();
}

/* Those who look when the program ends are let go. */
static void ends_with_viewers(void **state)
{
	(void)state;
	begin_local();
	int pictures = client(), changes = client(), one = client();
	ask(pictures, REQUEST("GET", "/stream.mjpg"));
	ask(changes, REQUEST("GET", "/events"));
	ask(one, REQUEST("GET", "/snapshot.jpg"));
	assert_true(answer_has(changes, "event: state", -2));
	sinks_close(f.sinks);
	f.sinks = NULL;
	assert_true(answer_has(pictures, NULL, -2));
	assert_true(answer_has(changes, NULL, -2));
	assert_true(answer_has(one, NULL, -2));
	close(pictures);
	close(changes);
	close(one);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_and_health),
		cmocka_unit_test(metrics),
		cmocka_unit_test(pictures_of_the_camera),
		cmocka_unit_test(pictures_of_others),
		cmocka_unit_test(events),
		cmocka_unit_test(refused),
		cmocka_unit_test(recording),
		cmocka_unit_test(smuggled),
		cmocka_unit_test(token),
		cmocka_unit_test(addresses),
		cmocka_unit_test(slow_viewers),
		cmocka_unit_test(ends_with_viewers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
