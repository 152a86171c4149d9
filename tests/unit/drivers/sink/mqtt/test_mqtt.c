/* SPDX-License-Identifier: MIT */
/*
 * --mqtt with a broker that misbehaves: it is away, silent, refuses, confirms nothing, disappears; or its
 * name cannot be looked up. tests/cli/mqtt_broker tries a real one.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/sink.h"
#include "support/folder.h"
#include "support/json_schema.h"
#include "support/network_builder.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TIME_LIMIT (20 * NS_PER_S) /* on a busy machine */
#define MESSAGES_MOST 200

/* What the broker does with a connection. */
enum manner { CONFIRMS, CONFIRMS_NOTHING, REFUSES, SILENT };

struct message {
	char topic[100], payload[2000];
	int qos;
	bool retain, again;
};

static struct {
	int listener, port;
	pthread_t thread;
	enum manner manner;
	size_t hangs_up_after; /* messages of a connection; 0: never */

	pthread_mutex_t lock; /* guards what follows */
	char greeting[500];   /* the packet CONNECT, bytes below ' ' as '.' */
	int connection, connections;
	struct message messages[MESSAGES_MOST];
	size_t count;
} broker = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char warnings[2000]; /* under the broker's lock */

void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level > LOG_WARNING)
		return;
	pthread_mutex_lock(&broker.lock);
	size_t used = strlen(warnings);
	va_start(arguments, format);
	vsnprintf(warnings + used, sizeof(warnings) - used, format, arguments);
	va_end(arguments);
	pthread_mutex_unlock(&broker.lock);
}

/* The library asks here. A name server that does not answer keeps it for ever. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
			RTLD_NEXT, "getaddrinfo");

	while (name && strcmp(name, "hangs") == 0)
		pause();
	return real(name, service, hints, found);
}

static bool read_all(int fd, void *data, size_t size)
{
	return recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

/* A packet; its body ends in NUL. Its first byte, or −1. */
static int read_packet(int fd, unsigned char *body, size_t room, size_t *size)
{
	unsigned char first, byte;
	int shift = 0;

	if (!read_all(fd, &first, 1))
		return -1;
	*size = 0;
	do {
		if (!read_all(fd, &byte, 1))
			return -1;
		*size |= (size_t)(byte & 127) << shift;
		shift += 7;
	} while (byte & 128);
	if (*size >= room || (*size && !read_all(fd, body, *size)))
		return -1;
	body[*size] = '\0';
	return first;
}

static void greet(int fd, const unsigned char *body, size_t size)
{
	const unsigned char answer[] = {0x20, 2, 0, broker.manner == REFUSES ? 5 : 0};

	pthread_mutex_lock(&broker.lock);
	for (size_t i = 0; i < size && i < sizeof(broker.greeting) - 1; i++)
		broker.greeting[i] = body[i] < ' ' ? '.' : (char)body[i];
	pthread_mutex_unlock(&broker.lock);
	if (broker.manner != SILENT)
		send(fd, answer, sizeof(answer), MSG_NOSIGNAL);
}

static void take_message(int fd, int first, const unsigned char *body, size_t size)
{
	size_t length = (size_t)body[0] << 8 | body[1], at = 2 + length + (first & 6 ? 2 : 0);
	const unsigned char answer[] = {0x40, 2, body[2 + length], body[3 + length]};

	pthread_mutex_lock(&broker.lock);
	struct message *message = &broker.messages[broker.count];
	broker.count += broker.count < MESSAGES_MOST - 1 && at <= size;
	*message = (struct message){.qos = first >> 1 & 3, .retain = first & 1, .again = first & 8};
	snprintf(message->topic, sizeof(message->topic), "%.*s", (int)length, body + 2);
	snprintf(message->payload, sizeof(message->payload), "%s", body + at);
	pthread_mutex_unlock(&broker.lock);
	if (broker.manner == CONFIRMS && message->qos)
		send(fd, answer, sizeof(answer), MSG_NOSIGNAL);
}

static void attend(int fd)
{
	static unsigned char body[5000];
	size_t size, messages = 0;
	int first;

	while ((first = read_packet(fd, body, sizeof(body), &size)) >= 0) {
		if (first >> 4 == 1)
			greet(fd, body, size);
		else if (first >> 4 == 3)
			take_message(fd, first, body, size);
		if (first >> 4 == 14 || (first >> 4 == 3 && ++messages == broker.hangs_up_after))
			return;
	}
}

static void *serve(void *unused)
{
	char rest[1000];
	int fd;

	(void)unused;
	while ((fd = accept(broker.listener, NULL, NULL)) >= 0) {
		pthread_mutex_lock(&broker.lock);
		broker.connection = fd;
		broker.connections++;
		pthread_mutex_unlock(&broker.lock);
		attend(fd);
		shutdown(fd, SHUT_WR);
		while (read(fd, rest, sizeof(rest)) > 0) /* else its answers would be lost, too */
			;
		pthread_mutex_lock(&broker.lock);
		close(fd);
		broker.connection = -1;
		pthread_mutex_unlock(&broker.lock);
	}
	return NULL;
}

/* port 0: any that is free */
static void broker_start(int port, enum manner manner, size_t hangs_up_after)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	const int on = 1;

	broker.manner = manner;
	broker.hangs_up_after = hangs_up_after;
	broker.count = 0;
	broker.connections = 0;
	broker.connection = -1;
	broker.listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(broker.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(broker.listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(broker.listener, 5), 0);
	assert_int_equal(getsockname(broker.listener, (struct sockaddr *)&at, &size), 0);
	broker.port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&broker.thread, NULL, serve, NULL), 0);
}

static void broker_stop(void)
{
	shutdown(broker.listener, SHUT_RDWR);
	pthread_mutex_lock(&broker.lock);
	if (broker.connection >= 0)
		shutdown(broker.connection, SHUT_RDWR);
	pthread_mutex_unlock(&broker.lock);
	pthread_join(broker.thread, NULL);
	close(broker.listener);
}

struct mqtt_fixture {
	struct network *network;
	struct sink_about about;
	struct sink_broker counts;
	struct sink_options options;
	struct sinks *sinks;
	char *folder, queue[100], address[100];
	struct error e;
};

static void fixture_begin(struct mqtt_fixture *f, const char *host)
{
	*f = (struct mqtt_fixture){.network = tiny_network(7)};
	f->about = (struct sink_about){f->network, 0.5F, "a \"source\"", "software", &f->counts};
	f->folder = folder_create();
	snprintf(f->queue, sizeof(f->queue), "%s/queue", f->folder);
	snprintf(f->address, sizeof(f->address), "mqtt://me:secret@%s:%d/house/door", host, broker.port);
	f->options = (struct sink_options){
		.mqtt = f->address, .mqtt_queue = f->queue, .mqtt_discovery = "-", .broker = &f->counts};
	warnings[0] = '\0';
}

static void begin_run(struct mqtt_fixture *f)
{
	assert_int_equal(sinks_open(&f->options, &f->sinks, &f->e), 0);
	assert_int_equal(sinks_start(f->sinks, &f->about, &f->e), 0);
}

static void fixture_end(struct mqtt_fixture *f)
{
	network_destroy(f->network);
	folder_destroy(f->folder);
}

/* The messages of that topic, in their order; those that are repeated count once. */
static size_t messages(const char *topic, const struct message *out[MESSAGES_MOST])
{
	size_t count = 0;

	pthread_mutex_lock(&broker.lock);
	for (size_t i = 0; i < broker.count; i++) {
		size_t same = 0;
		while (same < count && strcmp(out[same]->payload, broker.messages[i].payload) != 0)
			same++;
		if (strcmp(broker.messages[i].topic, topic) == 0 && same == count)
			out[count++] = &broker.messages[i];
	}
	pthread_mutex_unlock(&broker.lock);
	return count;
}

static void await_events(size_t wanted)
{
	const struct message *found[MESSAGES_MOST];
	int64_t until = clock_now() + TIME_LIMIT;

	while (messages("house/door/event", found) < wanted) {
		assert_true(clock_now() < until);
		usleep(1000);
	}
}

static void await_warning(const char *text)
{
	int64_t until = clock_now() + TIME_LIMIT;

	for (bool there = false; !there;) {
		assert_true(clock_now() < until);
		usleep(1000);
		pthread_mutex_lock(&broker.lock);
		there = strstr(warnings, text);
		pthread_mutex_unlock(&broker.lock);
	}
}

/* "pl_failed" events with numbers as their text. */
static void tell(struct mqtt_fixture *f, int from, int to)
{
	char text[20];

	for (int i = from; i < to; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		sinks_event(f->sinks, "pl_failed", text);
	}
}

static void check_event(const struct message *message, const char *event, const char *text)
{
	json_t *schema = json_load_file("docs/event.schema.json", 0, NULL);
	json_t *value = json_loads(message->payload, 0, NULL);

	assert_non_null(schema);
	assert_true(value && schema_allows(schema, schema, value));
	assert_string_equal(json_string_value(json_object_get(value, "event")), event);
	if (text)
		assert_string_equal(json_string_value(json_object_get(value, "text")), text);
	assert_int_equal(message->qos, 1);
	assert_false(message->retain);
	json_decref(value);
	json_decref(schema);
}

/* start, numbers from … to − 1, stop, from that message on */
static void check_run(const struct message *const *found, int from, int to)
{
	char text[20];

	check_event(*found++, "start", NULL);
	for (int i = from; i < to; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		check_event(*found++, "pl_failed", text);
	}
	check_event(*found, "stop", NULL);
}

static void all_is_published(void **state)
{
	const struct message *found[MESSAGES_MOST];
	struct mqtt_fixture f;

	(void)state;
	broker_start(0, CONFIRMS, 0);
	fixture_begin(&f, "127.0.0.1");
	begin_run(&f);
	tell(&f, 0, 20);
	await_events(21);
	sinks_close(f.sinks);
	broker_stop();
	assert_int_equal(messages("house/door/event", found), 22);
	check_run(found, 0, 20);
	assert_int_equal(f.counts.published, 22);
	assert_int_equal(f.counts.queued, 0);
	assert_int_equal(f.counts.dropped, 0);
	/* The protocol, flags (user, password, a will that is retained, QoS 1), who we are, and the will. */
	assert_non_null(strstr(broker.greeting, "MQTT.\xee"));
	assert_non_null(strstr(broker.greeting, "twobit-"));
	assert_non_null(strstr(broker.greeting, "house/door/status..offline"));
	assert_non_null(strstr(broker.greeting, "..me..secret"));
	assert_int_equal(messages("house/door/status", found), 2);
	assert_string_equal(found[0]->payload, "online");
	assert_string_equal(found[1]->payload, "offline");
	assert_true(found[0]->retain && found[1]->retain);
	assert_true(messages("house/door/state", found) >= 1);
	json_t *schema = json_load_file("docs/state.schema.json", 0, NULL);
	json_t *value = json_loads(found[0]->payload, 0, NULL);
	assert_true(schema && value && schema_allows(schema, schema, value) && found[0]->retain);
	json_decref(value);
	json_decref(schema);
	assert_string_equal(warnings, "");
	fixture_end(&f);
}

/* A run without a broker, a second one with a broker that comes later: both runs' events come, in order. */
static void the_broker_comes_later(void **state)
{
	const struct message *found[MESSAGES_MOST];
	struct mqtt_fixture f;

	(void)state;
	broker_start(0, CONFIRMS, 0);
	broker_stop(); /* its port is free, and nobody listens */
	fixture_begin(&f, "127.0.0.1");
	begin_run(&f);
	tell(&f, 0, 30);
	await_warning("events wait in");
	assert_non_null(strstr(warnings, "Connection refused"));
	assert_null(strstr(warnings, "secret"));
	sinks_close(f.sinks);
	assert_int_equal(f.counts.queued, 32);
	begin_run(&f);
	tell(&f, 30, 40);
	broker_start(broker.port, CONFIRMS, 0);
	await_events(32 + 11);
	sinks_close(f.sinks);
	broker_stop();
	assert_int_equal(messages("house/door/event", found), 32 + 12);
	check_run(found, 0, 30);
	check_run(found + 32, 30, 40);
	assert_int_equal(f.counts.queued, 0);
	fixture_end(&f);
}

/* A broker that hangs up in the middle gets the rest in the next connection, in order. */
static void the_broker_hangs_up(void **state)
{
	const struct message *found[MESSAGES_MOST];
	struct mqtt_fixture f;
	char text[20];

	(void)state;
	broker_start(0, CONFIRMS, 30);
	fixture_begin(&f, "127.0.0.1");
	begin_run(&f);
	tell(&f, 0, 40);
	await_events(41);
	sinks_close(f.sinks);
	broker_stop();
	size_t count = messages("house/door/event", found);
	assert_in_range(count, 41, 42);
	for (size_t i = 1; i < 41; i++) {
		snprintf(text, sizeof(text), "number %zu", i - 1);
		check_event(found[i], "pl_failed", text);
	}
	assert_true(broker.connections >= 2);
	assert_int_equal(f.counts.queued + f.counts.published, 42);
	fixture_end(&f);
}

/* What is not confirmed is still in the queue at the end, and comes once more in the next run. */
static void the_broker_confirms_nothing(void **state)
{
	const struct message *found[MESSAGES_MOST];
	struct mqtt_fixture f;

	(void)state;
	broker_start(0, CONFIRMS_NOTHING, 0);
	fixture_begin(&f, "127.0.0.1");
	begin_run(&f);
	tell(&f, 0, 3);
	await_events(4);
	sinks_close(f.sinks);
	assert_int_equal(f.counts.queued, 5);
	assert_int_equal(f.counts.published, 0);
	broker_stop();
	broker_start(broker.port, CONFIRMS, 0);
	begin_run(&f);
	await_events(6);
	sinks_close(f.sinks);
	broker_stop();
	assert_int_equal(messages("house/door/event", found), 7);
	check_run(found, 0, 3);
	assert_int_equal(f.counts.queued, 0);
	fixture_end(&f);
}

static void the_broker_refuses(void **state)
{
	struct mqtt_fixture f;

	(void)state;
	broker_start(0, REFUSES, 0);
	fixture_begin(&f, "127.0.0.1");
	begin_run(&f);
	await_warning("the broker refuses us: Connection Refused: not authorised.");
	sinks_close(f.sinks);
	broker_stop();
	assert_int_equal(f.counts.queued, 2);
	assert_null(strstr(warnings, "secret"));
	fixture_end(&f);
}

static void the_broker_is_silent(void **state)
{
	struct mqtt_fixture f;

	(void)state;
	broker_start(0, SILENT, 0);
	fixture_begin(&f, "127.0.0.1");
	begin_run(&f);
	sinks_close(f.sinks);
	broker_stop();
	assert_int_equal(f.counts.queued, 2);
	fixture_end(&f);
}

/* Results only while they are new, and not twice. */
static void results(void **state)
{
	static const uint64_t dropped[SINK_PLACES] = {0};
	const struct message *found[MESSAGES_MOST];
	struct mqtt_fixture f;
	struct frame frame = {.result = classification_none};

	(void)state;
	broker_start(0, CONFIRMS, 0);
	fixture_begin(&f, "127.0.0.1");
	f.options.events_every = 2;
	begin_run(&f);
	await_events(1);
	int64_t until = clock_now() + TIME_LIMIT;
	while (!messages("house/door/result", found)) {
		assert_true(clock_now() < until);
		frame.stamps[STAMP_CAPTURED] = clock_now();
		sinks_result(f.sinks, &frame, dropped, false);
		frame.number++;
		usleep(1000);
	}
	sinks_close(f.sinks);
	broker_stop();
	assert_int_equal(found[0]->qos, 0);
	assert_non_null(strstr(found[0]->payload, "\"event\":\"result\""));
	fixture_end(&f);
}

/* Home Assistant's messages: JSON that names topics which are published. */
static void discovery(void **state)
{
	struct mqtt_fixture f;
	int configurations = 0;

	(void)state;
	broker_start(0, CONFIRMS, 0);
	fixture_begin(&f, "127.0.0.1");
	f.options.mqtt_discovery = "ha";
	begin_run(&f);
	await_events(1);
	sinks_close(f.sinks);
	broker_stop();
	for (size_t i = 0; i < broker.count; i++) {
		const struct message *message = &broker.messages[i];
		size_t length = strlen(message->topic);
		if (strncmp(message->topic, "ha/", 3) != 0)
			continue;
		json_t *value = json_loads(message->payload, JSON_REJECT_DUPLICATES, NULL);
		assert_true(value && message->retain && length > 7);
		assert_string_equal(message->topic + length - 7, "/config");
		assert_string_equal(
			json_string_value(json_object_get(value, "state_topic")), "house/door/state");
		assert_string_equal(
			json_string_value(json_object_get(value, "availability_topic")), "house/door/status");
		assert_string_equal(
			json_string_value(json_object_get(json_object_get(value, "device"), "name")), "door");
		json_decref(value);
		configurations++;
	}
	assert_int_equal(configurations, 3);
	fixture_end(&f);
}

static void wrong_options(void **state)
{
	struct mqtt_fixture f;

	(void)state;
	broker.port = 1;
	fixture_begin(&f, "127.0.0.1");
	struct sink_options options = f.options;
	options.mqtt = "mqtt://me:secret@h";
	assert_int_equal(sinks_open(&options, &f.sinks, &f.e), -EINVAL);
	assert_ptr_equal(f.e.wrong, options.mqtt);
	assert_null(strstr(f.e.text, "secret"));
	options = f.options;
	options.mqtt_discovery = "a/#";
	assert_int_equal(sinks_open(&options, &f.sinks, &f.e), -EINVAL);
	assert_ptr_equal(f.e.wrong, options.mqtt_discovery);
	options = f.options;
	options.mqtt = "mqtts://h/t";
	options.mqtt_authorities = "nowhere.pem";
	assert_int_equal(sinks_open(&options, &f.sinks, &f.e), -ENOENT);
	assert_ptr_equal(f.e.wrong, options.mqtt_authorities);
	options = f.options;
	options.mqtt_queue = f.folder;
	assert_true(sinks_open(&options, &f.sinks, &f.e) < 0);
	assert_ptr_equal(f.e.wrong, options.mqtt_queue);
	fixture_end(&f);
}

/* Last, since its thread stays: the program ends all the same, and the events are in the queue. */
static void the_name_is_not_found(void **state)
{
	const struct message *found[MESSAGES_MOST];
	struct mqtt_fixture f;

	(void)state;
	broker_start(0, CONFIRMS, 0);
	fixture_begin(&f, "hangs");
	begin_run(&f);
	tell(&f, 0, 3);
	sinks_close(f.sinks);
	assert_non_null(strstr(warnings, "does not answer, and the program ends without it"));
	/* Another run, which the first one's thread keeps from the queue: so a copy. */
	char command[300];
	snprintf(command, sizeof(command), "cp %s %s/copy", f.queue, f.folder);
	assert_int_equal(system(command), 0);
	snprintf(f.queue, sizeof(f.queue), "%s/copy", f.folder);
	snprintf(f.address, sizeof(f.address), "mqtt://127.0.0.1:%d/house/door", broker.port);
	begin_run(&f);
	await_events(6);
	sinks_close(f.sinks);
	broker_stop();
	assert_int_equal(messages("house/door/event", found), 7);
	check_run(found, 0, 3);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_published),
		cmocka_unit_test(the_broker_comes_later),
		cmocka_unit_test(the_broker_hangs_up),
		cmocka_unit_test(the_broker_confirms_nothing),
		cmocka_unit_test(the_broker_refuses),
		cmocka_unit_test(the_broker_is_silent),
		cmocka_unit_test(results),
		cmocka_unit_test(discovery),
		cmocka_unit_test(wrong_options),
		cmocka_unit_test(the_name_is_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
