/* SPDX-License-Identifier: MIT */
#include "source/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HIDDEN "…"

/* The length of SCHEME in SCHEME://, as RFC 3986 (section 3.1) spells it; 0: there is none. */
static size_t scheme_length(const char *name)
{
	size_t length = isalpha((unsigned char)name[0]) ? 1 : 0;

	while (length &&
		(isalnum((unsigned char)name[length]) || (name[length] && strchr("+-.", name[length]))))
		length++;
	return strncmp(name + length, "://", 3) == 0 ? length : 0;
}

bool address_is(const char *name)
{
	return scheme_length(name) > 0;
}

bool address_is_stream(const char *name)
{
	static const char *const schemes[] = {"rtsp", "rtsps", "http", "https"};
	size_t length = scheme_length(name);

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i]) == length && strncasecmp(schemes[i], name, length) == 0)
			return true;
	return false;
}

/* How much of host and path can be shown: up to a query, a fragment or a part with "=". */
static size_t open_length(const char *host)
{
	size_t end = strcspn(host, "?#");
	size_t part = 0;

	for (size_t at = 0; at < end; at++) {
		if (host[at] == '/')
			part = at + 1;
		if (host[at] == '=')
			return part;
	}
	return end;
}

/*
 * Where the host begins behind user and password. The last "@" counts, as people forget to write one in a
 * password as %40. Behind a "?" it may belong to a password or to a query, so that all is hidden.
 */
static const char *host_of(const char *address, size_t *length)
{
	const char *at = strrchr(address, '@');
	const char *host = at ? at + 1 : address;

	*length = at && at > address + strcspn(address, "?#") ? 0 : open_length(host);
	return host;
}

const char *address_show(const char *name, char text[ADDRESS_TEXT_BYTES])
{
	size_t scheme = scheme_length(name);
	size_t length;

	if (!scheme)
		return name;
	const char *host = host_of(name + scheme + 3, &length);
	int written = snprintf(text, ADDRESS_TEXT_BYTES, "%.*s%.*s%s", (int)scheme + 3, name, (int)length,
		host, host[length] ? HIDDEN : "");
	if (written >= 0 && written < ADDRESS_TEXT_BYTES)
		return text;
	/* Not in the middle of a letter of several bytes. */
	size_t end = ADDRESS_TEXT_BYTES - sizeof(HIDDEN);
	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, HIDDEN, sizeof(HIDDEN));
	return text;
}
