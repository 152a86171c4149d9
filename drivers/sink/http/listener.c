/* SPDX-License-Identifier: MIT */
#include "sink/http/listener.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that wait to be taken. */
#define BACKLOG 64

/* What the kernel keeps for a viewer who reads slowly, bytes: his picture is at most so old. */
#define SEND_BUFFER (256 * 1024)

/* Splits the text. The port stays text. */
static bool split(const char *text, char *address, size_t size, const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;

	*port = colon ? colon + 1 : text;
	if (!colon)
		text = "127.0.0.1", length = strlen(text);
	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length) || text[0] == '[') {
		return false;
	}
	if (!length || length >= size || !**port || strlen(*port) > 5 ||
		strspn(*port, "0123456789") != strlen(*port) || atoi(*port) > 65535)
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	return true;
}

static bool is_local(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static int listen_at(const struct addrinfo *at)
{
	const int on = 1, buffer = SEND_BUFFER;
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, BACKLOG)) {
		int code = -errno;
		close(fd);
		return code;
	}
	return fd;
}

/* With the port that the kernel has chosen. */
static int describe(struct listener *l, bool secure)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(l->fd, (struct sockaddr *)&address, &size) ||
		getnameinfo((const struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return -EIO;
	bool six = address.ss_family == AF_INET6;
	snprintf(l->url, sizeof(l->url), "http%s://%s%.255s%s:%s/", secure ? "s" : "", six ? "[" : "", host,
		six ? "]" : "", port);
	l->local = is_local(host);
	return 0;
}

int listener_open(const char *text, bool secure, struct listener *out, struct error *e)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char address[256];
	const char *port;

	*out = (struct listener){.fd = -1};
	if (!split(text, address, sizeof(address), &port))
		return error_refuse(e, text, -EINVAL,
			"takes PORT or ADDRESS:PORT, such as 8080, 0.0.0.0:8080 or [::1]:8080, not \"%s\"",
			text);
	int rc = getaddrinfo(address, port, &hints, &found);
	if (rc)
		return error_refuse(e, text, -EADDRNOTAVAIL, "--serve: %s is no address of this machine: %s",
			address, gai_strerror(rc));
	out->fd = listen_at(found);
	freeaddrinfo(found);
	if (out->fd < 0)
		return error_refuse(e, text, out->fd, "--serve: port %s of %s cannot be served: %s", port,
			address,
			out->fd == -EADDRINUSE ? "another program has it; name another port"
			: out->fd == -EACCES   ? "ports below 1024 are the system's; name one above"
					       : strerror(-out->fd));
	rc = describe(out, secure);
	return rc ? error_set(e, rc, "--serve: %s: %s", text, strerror(-rc)) : 0;
}
