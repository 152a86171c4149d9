/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/format/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct network *network_of(int classes)
{
	struct network *network = calloc(1, sizeof(*network));

	assert_non_null(network);
	network->class_count = classes;
	return network;
}

static struct network *labelled(int classes, const char *text)
{
	struct network *network = network_of(classes);
	struct error e = {0};

	if (labels_parse(network, "l", text, strlen(text), &e))
		fail_msg("%s", e.text);
	return network;
}

static void refused(int classes, const char *text, size_t length, const char *message)
{
	struct network *network = network_of(classes);
	struct error e = {0};

	assert_true(labels_parse(network, "labels.txt", text, length, &e) < 0);
	assert_string_equal(e.text, message);
	network_destroy(network);
}

#define REFUSED(classes, text, message) refused(classes, text, sizeof(text) - 1, message)

static void groups_refused(const char *text, const char *message)
{
	struct network *network = labelled(3, "cat\ntabby cat\ndog\n");
	struct error e = {0};

	assert_true(groups_parse(network, "groups.txt", text, strlen(text), &e) < 0);
	assert_string_equal(e.text, message);
	network_destroy(network);
}

static void labels_are_read(void **state)
{
	(void)state;
	static const char *const texts[] = {"cat\nköttur\n犬\n", "cat\r\nköttur\r\n犬",
		"\xef\xbb\xbf"
		"cat\n köttur \n犬\n",
		"cat\nköttur\n犬\n\n \t\r\n"};

	for (int i = 0; i < 4; i++) {
		struct network *network = labelled(3, texts[i]);
		assert_string_equal(network->labels[0], "cat");
		assert_string_equal(network->labels[1], "köttur");
		assert_string_equal(network->labels[2], "犬");
		network_destroy(network);
	}
}

static void odd_labels_are_refused(void **state)
{
	(void)state;
	char longer[257];

	memset(longer, 'a', 256);
	longer[256] = '\0';
	refused(1, longer, 256, "labels.txt:1: the label is longer than 255 bytes");
	REFUSED(2, "a\n", "labels.txt:1: ends after 1 labels, the network has 2 classes");
	REFUSED(1, "a\nb\n", "labels.txt:2: has more labels than the network's 1 classes");
	REFUSED(3, "a\n\nb\n", "labels.txt:2: the label is empty");
	REFUSED(2, "a\nb\tc\n", "labels.txt:2: the label holds a control character");
	REFUSED(1, "a\x1b[31m", "labels.txt:1: the label holds a control character");
	REFUSED(1, "a\0b", "labels.txt:1: the label holds a control character");
	REFUSED(1, "\xc2\x9b", "labels.txt:1: the label holds a control character");
	REFUSED(1, "\xff", "labels.txt:1: the label is not valid UTF-8");
	REFUSED(1, "\xc0\xaf", "labels.txt:1: the label is not valid UTF-8");
	REFUSED(1, "\xe0\x80\xaf", "labels.txt:1: the label is not valid UTF-8");
	REFUSED(1, "\xed\xa0\x80", "labels.txt:1: the label is not valid UTF-8");
	REFUSED(1, "\xf4\x90\x80\x80", "labels.txt:1: the label is not valid UTF-8");
	REFUSED(1, "a\xe7\x8a", "labels.txt:1: the label is not valid UTF-8");
	REFUSED(1, "\x80", "labels.txt:1: the label is not valid UTF-8");
	REFUSED(2,
		"\xff\xfe"
		"a\0\n\0",
		"labels.txt: is text in UTF-16; save it as UTF-8");
	REFUSED(1, "", "labels.txt:1: ends after 0 labels, the network has 1 classes");
}

static void groups_are_read(void **state)
{
	(void)state;
	/* Two classes of one label, as ImageNet's two cranes, come into the group together. */
	struct network *network = labelled(4, "crane\ndog\ncrane\ncat\n");
	static const char text[] = "bird : crane\r\npet:cat\t, dog";
	struct error e = {0};

	assert_int_equal(groups_parse(network, "groups.txt", text, sizeof(text) - 1, &e), 0);
	assert_int_equal(network->group_count, 2);
	assert_string_equal(network->groups[0].name, "bird");
	assert_int_equal(network->groups[0].class_count, 2);
	assert_int_equal(network->groups[0].classes[0], 0);
	assert_int_equal(network->groups[0].classes[1], 2);
	assert_string_equal(network->groups[1].name, "pet");
	assert_int_equal(network->groups[1].class_count, 2);
	assert_int_equal(network->groups[1].classes[0], 3);
	assert_int_equal(network->groups[1].classes[1], 1);
	network_destroy(network);
}

static void odd_groups_are_refused(void **state)
{
	(void)state;
	groups_refused("a: dog\nb: lion\n", "groups.txt:2: \"lion\" is not one of the network's labels");
	groups_refused("a: dog\nb: cat, dog\n", "groups.txt:2: label \"dog\" is in a group already");
	groups_refused("a: dog, dog\n", "groups.txt:1: label \"dog\" is in a group already");
	groups_refused("a: dog\na: cat\n", "groups.txt:2: group \"a\" stands here twice");
	groups_refused("a:\n", "groups.txt:1: the label is empty");
	groups_refused("a: dog,\n", "groups.txt:1: the label is empty");
	groups_refused(": dog\n", "groups.txt:1: the group's name is empty");
	groups_refused("dog\n", "groups.txt:1: is not \"name: label, label, …\"");
	groups_refused("a: cat\nb: tabby cat\nc: dog\nd: dog\n",
		"groups.txt:4: label \"dog\" is in a group already");
	groups_refused("a: ca\n", "groups.txt:1: \"ca\" is not one of the network's labels");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_read),
		cmocka_unit_test(odd_labels_are_refused),
		cmocka_unit_test(groups_are_read),
		cmocka_unit_test(odd_groups_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
