/* SPDX-License-Identifier: MIT */
/*
 * What someone sends to --serve, on a connection of its own. A bit of the first byte asks the server that
 * wants a token; the rest is sent.
 */
#include "fuzz.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/sink.h"
#include "support/network_builder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef"

/* A request that is not whole gets no answer: it is not waited for longer, in steps of some ms. */
#define PATIENCE 4
#define STEP_MS 5

enum { OPEN, GUARDED, SERVERS };

static struct running {
	struct sinks *sinks;
	int port;
} servers[SERVERS];
static struct network *network;
static struct sink_about about;
static struct frame frame;
static int port; /* that the server logged last */

void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	(void)level;
	if (strcmp(format, "serving on %s") != 0)
		return;
	va_start(arguments, format);
	port = atoi(strrchr(va_arg(arguments, const char *), ':') + 1);
	va_end(arguments);
}

static void end(void)
{
	for (int i = 0; i < SERVERS; i++)
		sinks_close(servers[i].sinks);
	network_destroy(network);
	free(frame.raw.data);
}

static void begin(void)
{
	const struct sink_options options[SERVERS] = {{.serve = "0"}, {.serve = "0", .serve_token = TOKEN}};
	struct error e;

	network = tiny_network(7);
	about = (struct sink_about){network, 0.5F, "fuzzer", "software"};
	frame.result = classification_none;
	frame.raw = (struct raw_picture){.format = PIXEL_JPEG,
		.width = 8,
		.height = 8,
		.data = calloc(1, 64),
		.size = 64,
		.capacity = 64};
	for (int i = 0; i < SERVERS; i++) {
		promise(sinks_open(&options[i], &servers[i].sinks, &e) == 0);
		promise(sinks_start(servers[i].sinks, &about, &e) == 0);
		servers[i].port = port;
	}
	atexit(end);
}

/* Those who wait for a picture or an event get one, so that their connections end. */
static void see(const struct running *server)
{
	static const uint64_t dropped[SINK_PLACES];

	frame.result.count = frame.number % 2;
	frame.result.top[0] = (struct prediction){1, 0.75F};
	for (int i = 0; i < STAMP_COUNT; i++)
		frame.stamps[i] = clock_now();
	sinks_frame(server->sinks, &frame, 0);
	sinks_result(server->sinks, &frame, dropped, false);
	frame.number++;
}

static int connect_to(const struct running *server)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)server->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	promise(fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
	return fd;
}

/* The begin of the answer; 0 bytes: there is none. */
static size_t answer_read(const struct running *server, int fd, char *answer, size_t size)
{
	struct pollfd wait = {fd, POLLIN, 0};

	for (int steps = 0; poll(&wait, 1, STEP_MS) == 0; see(server))
		if (steps++ == PATIENCE)
			return 0;
	ssize_t got = recv(fd, answer, size - 1, 0);
	answer[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct linger at_once = {1, 0};
	char answer[4096];

	if (!servers[0].sinks)
		begin();
	if (size < 2)
		return 0;
	const struct running *server = &servers[data[0] & 1];
	int fd = connect_to(server);
	/* The server may have closed it: a refusal does not read on. */
	(void)!send(fd, data + 1, size - 1, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	if (answer_read(server, fd, answer, sizeof(answer))) {
		promise(strncmp(answer, "HTTP/1.", 7) == 0);
		if (server == &servers[GUARDED] && !memmem(data, size, TOKEN, strlen(TOKEN)) &&
			!memmem(data, size, "Basic", 5))
			promise(!strstr(answer, " 200 OK") || memmem(data, size, "/healthz", 8));
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)); /* no port waits for late packets */
	close(fd);
	return 0;
}
