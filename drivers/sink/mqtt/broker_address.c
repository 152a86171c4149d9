/* SPDX-License-Identifier: MIT */
#include "sink/mqtt/broker_address.h"

#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_PLAIN 1883
#define PORT_SECURE 8883

static int refuse(struct error *e, const char *why)
{
	return error_set(e, -EINVAL,
		"takes mqtt://HOST/TOPIC or mqtts://HOST/TOPIC, such as mqtt://broker.local/camera/door; %s",
		why);
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Takes `length` bytes, with %XX as one. False: there is no room, or it is not text. */
static bool take(const char *from, size_t length, char *to, size_t room)
{
	const char *end = from + length;

	for (; from < end; from++) {
		char byte = *from;
		if (byte == '%') {
			if (end - from < 3 || !isxdigit((unsigned char)from[1]) ||
				!isxdigit((unsigned char)from[2]))
				return false;
			byte = (char)(digit(from[1]) << 4 | digit(from[2]));
			from += 2;
		}
		if (room <= 1 || iscntrl((unsigned char)byte))
			return false;
		*to++ = byte;
		room--;
	}
	*to = '\0';
	return true;
}

static const char *take_user(const char *from, const char *at, struct broker_address *out)
{
	const char *colon = memchr(from, ':', (size_t)(at - from));
	const char *end = colon ? colon : at;

	if (end == from || !take(from, (size_t)(end - from), out->user, sizeof(out->user)))
		return "its user cannot be read: other signs than letters are written as %XX";
	if (colon && !take(colon + 1, (size_t)(at - colon - 1), out->password, sizeof(out->password)))
		return "its password cannot be read: other signs than letters are written as %XX";
	return NULL;
}

static const char *take_port(const char *from, const char *end, struct broker_address *out)
{
	size_t length = (size_t)(end - from);

	if (!length)
		return NULL;
	if (length < 2 || length > 6 || strspn(from + 1, "0123456789") < length - 1 || atoi(from + 1) < 1 ||
		atoi(from + 1) > 65535)
		return "its port is none of 1 to 65535";
	out->port = atoi(from + 1);
	return NULL;
}

static bool is_name(const char *host)
{
	return host[0] && strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_") ==
				  strlen(host);
}

static bool is_ipv6(const char *host)
{
	return strspn(host, "0123456789abcdefABCDEF:.") == strlen(host) && strchr(host, ':');
}

static const char *take_host(const char *from, const char *end, struct broker_address *out)
{
	bool six = *from == '[';
	const char *host = from + six;
	const char *host_end = memchr(host, six ? ']' : ':', (size_t)(end - host));
	const char *port = six && host_end ? host_end + 1 : host_end;

	if (six && (!host_end || (port < end && *port != ':')))
		return "an IPv6 address stands in [ ]";
	if (!host_end)
		host_end = port = end;
	if ((size_t)(host_end - host) >= sizeof(out->host))
		return "its host is too long";
	snprintf(out->host, sizeof(out->host), "%.*s", (int)(host_end - host), host);
	if (six ? !is_ipv6(out->host) : !is_name(out->host))
		return out->host[0] ? "its host is no name of a machine" : "it names no host";
	return take_port(port, end, out);
}

static const char *take_topic(const char *from, struct broker_address *out)
{
	const char *topic = out->topic;

	if (from[strcspn(from, "?#")])
		return "? and # have no place in it";
	if (!take(from, strlen(from), out->topic, sizeof(out->topic)))
		return "its topic is too long or cannot be read";
	size_t length = strlen(topic);
	if (!length)
		return "it names no topic";
	if (topic[0] == '/' || topic[length - 1] == '/' || strstr(topic, "//"))
		return "a level of its topic is empty";
	if (topic[0] == '$' || mosquitto_pub_topic_check(topic) ||
		mosquitto_validate_utf8(topic, (int)length))
		return "a topic is text in UTF-8 without +, # and a $ at its begin";
	return NULL;
}

static const char *parse(const char *text, struct broker_address *out)
{
	if (strncasecmp(text, "mqtts://", 8) == 0)
		out->secure = true;
	else if (strncasecmp(text, "mqtt://", 7) != 0)
		return "it begins otherwise";
	const char *from = strstr(text, "://") + 3, *end = from + strcspn(from, "/"), *at = end;
	while (at > from && at[-1] != '@')
		at--;
	const char *wrong = at > from ? take_user(from, at - 1, out) : NULL;
	out->port = out->secure ? PORT_SECURE : PORT_PLAIN;
	if (!wrong)
		wrong = take_host(at, end, out);
	if (!wrong)
		wrong = *end ? take_topic(end + 1, out) : "it names no topic";
	return wrong;
}

int broker_address_parse(const char *text, struct broker_address *out, struct error *e)
{
	*out = (struct broker_address){0};
	const char *wrong = parse(text, out);

	if (wrong)
		return refuse(e, wrong);
	bool six = strchr(out->host, ':');
	snprintf(out->name, sizeof(out->name), "%s%s%s:%d", six ? "[" : "", out->host, six ? "]" : "",
		out->port);
	return 0;
}
