/* SPDX-License-Identifier: MIT */
/* Addresses of sources: which are read, and that messages do not hold what is secret in them. */
#include "source/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void schemes(void **state)
{
	(void)state;
	static const char *const read[] = {
		"rtsp://a", "rtsps://a", "http://a", "https://a", "HTTP://a", "Rtsp://a"};
	static const char *const others[] = {"udp://a", "file:///a", "x+y-z.1://a"};
	static const char *const names[] = {
		"", "a.mkv", "http:/a", "://a", "1://a", "./http://a", "http", "ä://a"};

	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		assert_true(address_is(read[i]) && address_is_stream(read[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(address_is(others[i]) && !address_is_stream(others[i]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(address_is(names[i]) || address_is_stream(names[i]));
}

static void secrets_are_hidden(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{"rtsp://cam/stream1", "rtsp://cam/stream1"}, {"rtsp://cam:554", "rtsp://cam:554"},
		{"http://[::1]:80/a", "http://[::1]:80/a"}, {"rtsp://admin:secret@cam/s", "rtsp://cam/s"},
		{"rtsp://admin@cam/s", "rtsp://cam/s"}, {"rtsp://admin:sec@ret@cam/s", "rtsp://cam/s"},
		{"rtsp://admin:sec/ret@cam/s", "rtsp://cam/s"}, {"rtsp://admin:sec?ret@cam/s", "rtsp://…"},
		{"rtsp://admin:sec#ret@cam/s", "rtsp://…"}, {"http://cam/s?token=secret", "http://cam/s…"},
		{"http://cam/s?user=secret@home", "http://…"}, {"http://cam/s#secret", "http://cam/s…"},
		{"rtsp://cam/user=admin&password=secret&channel=1", "rtsp://cam/…"},
		{"rtsp://cam/a/token=secret/b", "rtsp://cam/a/…"},
		{"a@b?c=d.mkv", "a@b?c=d.mkv"}, /* no address */
	};
	char text[ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_string_equal(address_show(pairs[i][0], text), pairs[i][1]);
}

static void long_addresses_are_cut(void **state)
{
	(void)state;
	char address[600] = "http://cam/";
	char text[ADDRESS_TEXT_BYTES];

	/* Letters of two bytes, at even and at odd places. */
	for (size_t begin = strlen(address); begin < 13; begin++) {
		address[begin] = 'a';
		for (size_t at = begin + 1; at + 2 < sizeof(address); at += 2)
			memcpy(address + at, "ä", 3);
		const char *shown = address_show(address, text);
		assert_true(strlen(shown) < ADDRESS_TEXT_BYTES);
		assert_string_equal(shown + strlen(shown) - strlen("ä…"), "ä…");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemes),
		cmocka_unit_test(secrets_are_hidden),
		cmocka_unit_test(long_addresses_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
