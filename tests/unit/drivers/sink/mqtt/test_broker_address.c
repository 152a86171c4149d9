/* SPDX-License-Identifier: MIT */
/* The address of --mqtt: what is taken, what is refused, and that no message tells the password. */
#include "base/error.h"
#include "sink/mqtt/broker_address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void taken(void **state)
{
	static const struct {
		const char *text;
		struct broker_address is;
	} cases[] = {
		{"mqtt://broker/door", {false, 1883, "broker", "", "", "door", "broker:1883"}},
		{"MQTTS://Broker.local/a/b/c",
			{true, 8883, "Broker.local", "", "", "a/b/c", "Broker.local:8883"}},
		{"mqtt://me@10.0.0.1:1/t", {false, 1, "10.0.0.1", "me", "", "t", "10.0.0.1:1"}},
		{"mqtt://me:s3:cr@t@h/t", {false, 1883, "h", "me", "s3:cr@t", "t", "h:1883"}},
		{"mqtt://m%40e:%2f%3A@h:65535/t%2Fu/v%20w",
			{false, 65535, "h", "m@e", "/:", "t/u/v w", "h:65535"}},
		{"mqtt://[::1]/t", {false, 1883, "::1", "", "", "t", "[::1]:1883"}},
		{"mqtts://u:@[fe80::1]:77/t", {true, 77, "fe80::1", "u", "", "t", "[fe80::1]:77"}},
		{"mqtt://h/T\xc3\xbcr", {false, 1883, "h", "", "", "T\xc3\xbcr", "h:1883"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct broker_address address;
		struct error e = {0};
		assert_int_equal(broker_address_parse(cases[i].text, &address, &e), 0);
		assert_memory_equal(&address, &cases[i].is, sizeof(address));
	}
}

static void refused(void **state)
{
	static const char *const texts[] = {"", "mqtt", "mqtt:/", "mqtt://", "mqtt:///t", "http://h/t",
		"ws://h/t", " mqtt://h/t", "mqtt://h", "mqtt://h/", "mqtt://h//", "mqtt://h/t/",
		"mqtt://h//t", "mqtt://h/a//b", "mqtt://h/+/a", "mqtt://h/a/%23", "mqtt://h/#",
		"mqtt://h/$SYS/a", "mqtt://h/a?b", "mqtt://h/t%", "mqtt://h/t%0", "mqtt://h/t%0g",
		"mqtt://h/t%00", "mqtt://h/a\tb", "mqtt://h/\xff", "mqtt://h/a%0ab", "mqtt://h:/t",
		"mqtt://h:0/t", "mqtt://h:65536/t", "mqtt://h:1x/t", "mqtt://h:-1/t", "mqtt://h:000001/t",
		"mqtt://[::1/t", "mqtt://[::1]x/t", "mqtt://[]/t", "mqtt://[h]/t",
		"mqtt://[fe80::1%25eth0]/t", "mqtt://::1/t", "mqtt://@h/t", "mqtt://:geheim@h/t",
		"mqtt://u:geheim%zz@h/t", "mqtt://u:geheim%00@h/t", "mqtt://u:geheim@/t", "mqtt://u:geheim@h",
		"mqtt://u:geheim@h:x/t", "mqtt://u:geheim/x@h/t", "mqtt://h h/t"};
	struct broker_address address;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error e = {0};
		if (broker_address_parse(texts[i], &address, &e) != -EINVAL)
			fail_msg("taken: %s", texts[i]);
		assert_non_null(strstr(e.text, "takes mqtt://"));
		assert_null(strstr(e.text, "geheim"));
	}
}

/* Whatever the length of a part, it fits or is refused. */
static void lengths(void **state)
{
	static const char *const forms[] = {"mqtt://%s/t", "mqtt://%s@h/t", "mqtt://u:%s@h/t", "mqtt://h/%s"};
	char part[600], text[700];

	(void)state;
	for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		size_t most = form == 3 ? BROKER_TOPIC_BYTES - 1 : BROKER_TEXT_BYTES - 1;
		for (size_t length = 1; length < sizeof(part) - 1; length += length == most ? 1 : most - 1) {
			struct broker_address address;
			struct error e;
			memset(part, 'a', length);
			part[length] = '\0';
			snprintf(text, sizeof(text), forms[form], part);
			assert_int_equal(
				broker_address_parse(text, &address, &e), length <= most ? 0 : -EINVAL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
