/* SPDX-License-Identifier: MIT */
/* Recordings over HTTP: list, pictures, labels, downloads; and that nothing else of the disk is reached. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/sink.h"
#include "support/clip_builder.h"
#include "support/folder.h"
#include "support/network_builder.h"
#include "support/sample_jpeg.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_BYTES 400000
#define VIEWERS 40

static char url[200];

void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	(void)level;
	if (strcmp(format, "serving on %s") != 0)
		return;
	va_start(arguments, format);
	snprintf(url, sizeof(url), "%.190s", va_arg(arguments, const char *));
	va_end(arguments);
}

static struct {
	struct network *network;
	struct sink_about about;
	struct sinks *sinks;
	char *folder, pattern[200];
	uint8_t *jpeg;
	size_t jpeg_size;
	char answer[ANSWER_BYTES];
	size_t size;
} f;

static void write_file(const char *name, const char *text)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", f.folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_recording(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/in/cam-0001.mkv", f.folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	clip_put_head(fd);
	clip_put(fd, 0, "dog 70 % \xc2\xb7 poodle 50 %", 100, f.jpeg, f.jpeg_size);
	clip_put(fd, 100, "dog 80 %", 100, f.jpeg, f.jpeg_size);
	clip_put(fd, 200, NULL, 0, f.jpeg, f.jpeg_size);
	clip_put(fd, 5000, "dog 60 %", 50, f.jpeg, f.jpeg_size);
	clip_put(fd, 5050, "tea \"pot\" 60 %", 50, f.jpeg, f.jpeg_size);
	close(fd);
}

static int set_up(void **state)
{
	char path[300], link[300];

	(void)state;
	memset(&f, 0, sizeof(f));
	f.network = tiny_network(7);
	f.about = (struct sink_about){f.network, 0.5F, "source", "software"};
	f.folder = folder_create();
	f.jpeg = sample_jpeg(64, 48, JCS_RGB, NULL, 0, &f.jpeg_size);
	snprintf(path, sizeof(path), "%s/in", f.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("secret.mkv", "secret");
	write_file("cam-0005.mkv", "secret");
	write_file("in/cam-0001.jsonl", "{\"format\":\"twobit-labels\"}\n");
	write_file("in/cam-0003.mkv", "no video");
	write_file("in/other.mkv", "secret");
	write_file("in/cam-0001.txt", "secret");
	snprintf(path, sizeof(path), "%s/secret.mkv", f.folder);
	snprintf(link, sizeof(link), "%s/in/cam-0004.mkv", f.folder);
	assert_int_equal(symlink(path, link), 0);
	snprintf(link, sizeof(link), "%s/in/cam-0006.mkv", f.folder);
	assert_int_equal(mkfifo(link, 0600), 0);
	make_recording();
	snprintf(f.pattern, sizeof(f.pattern), "%s/in/cam-%%i.mkv", f.folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(f.jpeg);
	network_destroy(f.network);
	folder_destroy(f.folder);
	return 0;
}

static void begin(const char *recordings)
{
	const struct sink_options options = {.serve = "0", .recordings = recordings};
	struct error e;

	assert_int_equal(sinks_open(&options, &f.sinks, &e), 0);
	assert_int_equal(sinks_start(f.sinks, &f.about, &e), 0);
}

static int ask(const char *path, const char *more)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char request[500];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	int length = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", path, more);
	assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
	return fd;
}

/* The status; the answer's body is returned in *body. */
static int hear(int fd, const char **body)
{
	ssize_t got;

	f.size = 0;
	while ((got = recv(fd, f.answer + f.size, ANSWER_BYTES - 1 - f.size, 0)) > 0)
		f.size += (size_t)got;
	close(fd);
	f.answer[f.size] = '\0';
	const char *empty = strstr(f.answer, "\r\n\r\n");
	assert_true(empty && strncmp(f.answer, "HTTP/1.1 ", 9) == 0);
	*body = empty + 4;
	return atoi(f.answer + 9);
}

static int get(const char *path, const char *more, const char **body)
{
	return hear(ask(path, more), body);
}

static void list_and_labels(void **state)
{
	const char *body;

	(void)state;
	begin(f.pattern);
	assert_int_equal(get("/api/recordings", "", &body), 200);
	json_t *list = json_loads(body, 0, NULL), *recordings = json_object_get(list, "recordings");
	assert_int_equal(json_array_size(recordings), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *one = json_array_get(recordings, i);
		bool first = strcmp(json_string_value(json_object_get(one, "name")), "cam-0001.mkv") == 0;
		assert_true(first ||
			    strcmp(json_string_value(json_object_get(one, "name")), "cam-0003.mkv") == 0);
		const char *log = json_string_value(json_object_get(one, "log"));
		assert_true(first ? strcmp(log, "cam-0001.jsonl") == 0 : !log);
	}
	json_decref(list);
	assert_int_equal(get("/recordings/cam-0001.mkv/labels", "", &body), 200);
	assert_string_equal(body,
		"{\"labels\":[{\"label\":\"dog\",\"from\":0,\"to\":200},{\"label\":\"dog\",\"from\":5000,"
		"\"to\":"
		"5050},{\"label\":\"tea "
		"\\\"pot\\\"\",\"from\":5050,\"to\":5100}],\"pictures\":5,\"milliseconds\":"
		"5050}");
	assert_int_equal(get("/recordings/cam-0003.mkv/labels", "", &body), 404);
	sinks_close(f.sinks);
}

static void pictures(void **state)
{
	static const struct {
		const char *at, *time, *next;
	} cases[] = {{"", "X-Time: 0\r\n", "X-Next: 100\r\n"}, {"?at=99", "X-Time: 0\r\n", "X-Next: 100\r\n"},
		{"?at=100", "X-Time: 100\r\n", "X-Next: 200\r\n"},
		{"?at=4999", "X-Time: 200\r\n", "X-Next: 5000\r\n"},
		{"?at=99999999", "X-Time: 5050\r\n", NULL}, {"?at=-7", "X-Time: 0\r\n", "X-Next: 100\r\n"},
		{"?at=x", "X-Time: 0\r\n", "X-Next: 100\r\n"}};
	const char *body;
	char path[100];

	(void)state;
	begin(f.pattern);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(path, sizeof(path), "/recordings/cam-0001.mkv/picture.jpg%s", cases[i].at);
		assert_int_equal(get(path, "", &body), 200);
		assert_non_null(strstr(f.answer, cases[i].time));
		assert_true(cases[i].next ? strstr(f.answer, cases[i].next) != NULL
					  : !strstr(f.answer, "X-Next"));
		assert_int_equal(f.size - (size_t)(body - f.answer), f.jpeg_size);
		assert_memory_equal(body, f.jpeg, f.jpeg_size);
	}
	assert_int_equal(get("/recordings/cam-0003.mkv/picture.jpg", "", &body), 404);
	sinks_close(f.sinks);
}

static void downloads(void **state)
{
	const char *body;

	(void)state;
	begin(f.pattern);
	assert_int_equal(get("/recordings/cam-0001.jsonl", "", &body), 200);
	assert_string_equal(body, "{\"format\":\"twobit-labels\"}\n");
	assert_non_null(strstr(f.answer, "Content-Disposition: attachment"));
	assert_int_equal(get("/recordings/cam-0003.mkv", "Range: bytes=3-5\r\n", &body), 206);
	assert_string_equal(body, "vid");
	assert_non_null(strstr(f.answer, "Content-Range: bytes 3-5/8\r\n"));
	assert_int_equal(get("/recordings/cam-0003.mkv", "Range: bytes=8-\r\n", &body), 416);
	assert_non_null(strstr(f.answer, "Content-Range: bytes */8\r\n"));
	sinks_close(f.sinks);
}

/* Neither another file of the folder, nor a link, nor what is above it. */
static void nothing_else(void **state)
{
	static const char *const paths[] = {"/recordings/", "/recordings/..", "/recordings/../secret.mkv",
		"/recordings/%2e%2e/secret.mkv", "/recordings/..%2fsecret.mkv",
		"/recordings/..%2fcam-0005.mkv", "/recordings/../in/cam-0001.mkv",
		"/recordings//cam-0001.mkv", "/recordings/./cam-0001.mkv", "/recordings/cam-0001.mkv/",
		"/recordings/cam-0001.mkv/..", "/recordings/cam-0001.mkv%00", "/recordings/other.mkv",
		"/recordings/cam-0001.txt", "/recordings/cam-0002.mkv", "/recordings/cam-0004.mkv",
		"/recordings/cam-0004.mkv/picture.jpg", "/recordings/cam-0006.mkv",
		"/recordings/cam-0001.jsonl/labels", "/recordings/cam-%25i.mkv", "/recordings/.mkv",
		"/recordings/labels", "/recordings/picture.jpg", "/recordings//etc/passwd"};
	const char *body;

	(void)state;
	begin(f.pattern);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int status = get(paths[i], "", &body);
		if (status != 404 || strstr(f.answer, "secret"))
			fail_msg("%s: %d", paths[i], status);
	}
	sinks_close(f.sinks);
	begin(NULL);
	assert_int_equal(get("/api/recordings", "", &body), 404);
	assert_int_equal(get("/recordings/cam-0001.mkv", "", &body), 404);
	sinks_close(f.sinks);
}

/* Many ask at once and some go away; the rest get their picture, also when the program ends. */
static void many_at_once(void **state)
{
	int viewers[VIEWERS];
	const char *body;

	(void)state;
	begin(f.pattern);
	for (int i = 0; i < VIEWERS; i++)
		viewers[i] = ask("/recordings/cam-0001.mkv/picture.jpg", "");
	for (int i = 0; i < VIEWERS; i += 4)
		close(viewers[i]);
	for (int i = 1; i < VIEWERS; i += 2)
		assert_int_equal(hear(viewers[i], &body), 200);
	for (int i = 2; i < VIEWERS; i += 4)
		close(viewers[i]);
	for (int i = 0; i < VIEWERS; i++)
		viewers[i] = ask("/recordings/cam-0001.mkv/labels", "");
	sinks_close(f.sinks);
	for (int i = 0; i < VIEWERS; i++)
		close(viewers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(list_and_labels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pictures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(downloads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_at_once, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
