/* SPDX-License-Identifier: MIT */
/*
 * Who may ask. A page of another site can make a browser ask us: under a name that it makes lead to this
 * machine (DNS rebinding), so the name in Host must be an address or this machine's own; or blindly with
 * POST, so Origin must be ours. A body where none belongs, or whose length is told twice, may be meant to
 * smuggle a request past a proxy.
 */
#include "sink/http/server.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

bool access_is_same(const char *given, const char *secret)
{
	size_t length = strlen(secret), size = strlen(given);
	unsigned different = size != length;

	for (size_t i = 0; i < length; i++)
		different |= (unsigned char)secret[i] ^ (unsigned char)given[i < size ? i : size];
	return !different;
}

/* As a bearer's token, or as the password of any user, which browsers ask for. */
static bool has_token(const struct http_server *server, struct MHD_Connection *connection)
{
	static const char bearer[] = "Bearer ";
	const char *given = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
	char *password = NULL;

	if (!given)
		return false;
	if (strncasecmp(given, bearer, strlen(bearer)) == 0)
		return access_is_same(given + strlen(bearer), server->token);
	char *user = MHD_basic_auth_get_username_password(connection, &password);
	bool is = password && access_is_same(password, server->token);
	MHD_free(user);
	MHD_free(password);
	return is;
}

/* Copies the name of HOST, HOST:PORT or [HOST]:PORT. */
static bool name_of(const char *host, char name[HOST_NAME_MAX + 1])
{
	size_t length = host[0] == '[' ? strcspn(host + 1, "]") : strcspn(host, ":");

	if (length > HOST_NAME_MAX)
		return false;
	memcpy(name, host + (host[0] == '['), length);
	name[length] = '\0';
	return true;
}

static bool is_ours(const char *host)
{
	char name[HOST_NAME_MAX + 1], own[HOST_NAME_MAX + 1];
	struct in6_addr address;

	if (!name_of(host, name))
		return false;
	if (inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1 ||
		strcasecmp(name, "localhost") == 0)
		return true;
	if (gethostname(own, sizeof(own)))
		return false;
	own[sizeof(own) - 1] = '\0';
	own[strcspn(own, ".")] = '\0';
	size_t length = strlen(own); /* "pynq", "pynq.local", "pynq.example.org" */
	return length && strncasecmp(name, own, length) == 0 && (!name[length] || name[length] == '.');
}

/* Origin is SCHEME://HOST, of the page that asks. */
static bool is_same_origin(const char *origin, const char *host)
{
	const char *slashes = strstr(origin, "://");

	return slashes && strcasecmp(slashes + 3, host) == 0;
}

static enum MHD_Result count_lengths(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	int *count = cls;

	(void)kind;
	(void)value;
	*count += strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
		  strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
	return MHD_YES;
}

unsigned access_check(const struct http_server *server, struct MHD_Connection *connection, const char *method,
	const char *url, const char **why)
{
	bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	const char *host = header(connection, MHD_HTTP_HEADER_HOST);
	const char *origin = header(connection, "Origin");
	int lengths = 0;

	MHD_get_connection_values(connection, MHD_HEADER_KIND, count_lengths, &lengths);
	if (lengths > (reads ? 0 : 1) || header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		*why = "the request has a body that does not belong there";
		return MHD_HTTP_BAD_REQUEST;
	}
	if (host && !is_ours(host)) {
		*why = "ask by this machine's address or name";
		return MHD_HTTP_MISDIRECTED_REQUEST;
	}
	const char *page = header(connection, "X-Twobit-Page");
	if (!reads && (!host || (origin && !is_same_origin(origin, host)) || !page ||
			      !access_is_same(page, server->nonce))) {
		*why = "only a page from here may ask for that";
		return MHD_HTTP_FORBIDDEN;
	}
	if (server->token && strcmp(url, "/healthz") != 0 && !has_token(server, connection)) {
		*why = "a token is needed: as a bearer's, or as the password of any user";
		return MHD_HTTP_UNAUTHORIZED;
	}
	return 0;
}
