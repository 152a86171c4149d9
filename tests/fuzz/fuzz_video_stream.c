/* SPDX-License-Identifier: MIT */
/*
 * What a server on the network answers that should send a camera's pictures: the input is the whole answer,
 * header and parts, to each request. It reaches no other host than this one.
 */
#include "fuzz.h"

#include "base/clock.h"
#include "base/error.h"
#include "source/video/reader.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An answer of 8 KB that says it has more repeats itself. */
#define FRAMES_MOST 20

/* For one input, ns. */
#define PATIENCE NS_PER_S

/* Connections that libavformat may have at once. */
enum { KEPT = 16 };

static struct {
	int fd;
	char port[8];
	pthread_mutex_t lock;
	const uint8_t *answer;
	size_t size;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* libavformat asks for addresses by this: those of other hosts, which a redirection names, are not known. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	static int (*behind)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!node || strcmp(node, "127.0.0.1") != 0 || !service || strcmp(service, server.port) != 0)
		return EAI_NONAME;
	if (!behind)
		*(void **)&behind = dlsym(RTLD_NEXT, "getaddrinfo");
	return behind(node, service, hints, out);
}

static void answer(int fd)
{
	char request[2048];

	if (recv(fd, request, sizeof(request), 0) > 0) {
		pthread_mutex_lock(&server.lock);
		(void)!send(fd, server.answer, server.size, MSG_NOSIGNAL);
		pthread_mutex_unlock(&server.lock);
	}
	shutdown(fd, SHUT_WR);
}

/* A connection is closed only after others: one that waits for the end of another must not wait for us. */
static void *serve(void *nothing)
{
	int kept[KEPT], next = 0;

	(void)nothing;
	memset(kept, -1, sizeof(kept));
	for (;;) {
		int fd = accept(server.fd, NULL, NULL);
		if (fd < 0)
			continue;
		answer(fd);
		if (kept[next] >= 0)
			close(kept[next]);
		kept[next] = fd;
		next = (next + 1) % KEPT;
	}
	return NULL;
}

static void begin(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	pthread_t thread;

	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	promise(server.fd >= 0 && bind(server.fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	promise(listen(server.fd, KEPT) == 0 && getsockname(server.fd, (struct sockaddr *)&at, &size) == 0);
	snprintf(server.port, sizeof(server.port), "%d", ntohs(at.sin_port));
	promise(pthread_create(&thread, NULL, serve, NULL) == 0);
	pthread_detach(thread);
}

static void read_some(struct reader *r)
{
	struct raw_picture raw = {0};
	struct error e = {0};
	char text[200];
	int64_t due, before = 0;
	int status = 0;

	reader_describe(r, text, sizeof(text));
	promise(text[0]);
	for (int i = 0; i < FRAMES_MOST && (status == 0 || status == -EBADMSG); i++) {
		e.text[0] = '\0';
		status = reader_next(r, &raw, &due, &e);
		promise(status <= 0 && raw.size <= raw.capacity);
		if (status == 0) {
			promise(raw.width >= 0 && raw.height >= 0 && due > before);
			before = due;
		} else if (status != -ENODATA && status != -ECANCELED) {
			promise(e.text[0]);
		}
	}
	raw_picture_finish(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct interruption interruption = {.stop = -1, .give_up = -1, .deadline = clock_now() + PATIENCE};
	struct reader reader;
	struct error e = {0};
	char name[60];

	if (!server.fd)
		begin();
	pthread_mutex_lock(&server.lock);
	server.answer = data;
	server.size = size;
	pthread_mutex_unlock(&server.lock);
	snprintf(name, sizeof(name), "http://127.0.0.1:%s/camera", server.port);
	int status = reader_open(&reader, name, 0, &interruption, &e);
	promise(status <= 0 && (status == 0 || status == -ECANCELED || e.text[0]));
	if (status == 0)
		read_some(&reader);
	reader_close(&reader);
	pthread_mutex_lock(&server.lock);
	server.size = 0;
	pthread_mutex_unlock(&server.lock);
	return 0;
}
