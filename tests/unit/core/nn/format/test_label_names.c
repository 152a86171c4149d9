/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/format/label_names.h"
#include "support/network_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Ten labels, "label 0" …, and the groups "even" and "odd". */
static struct network *network;

static int network_begin(void **state)
{
	(void)state;
	network = tiny_network(7);
	return 0;
}

static int network_end(void **state)
{
	(void)state;
	network_destroy(network);
	return 0;
}

static struct label_names *named(const char *text)
{
	struct label_names *names = NULL;
	struct error e = {0};

	if (label_names_parse("n.txt", text, strlen(text), network, &names, &e))
		fail_msg("%s", e.text);
	return names;
}

static void refused(const char *text, const char *message)
{
	struct label_names *names = NULL;
	struct error e = {0};

	assert_int_equal(label_names_parse("n.txt", text, strlen(text), network, &names, &e), -EBADMSG);
	assert_null(names);
	if (!strstr(e.text, message))
		fail_msg("\"%s\" lacks \"%s\"", e.text, message);
}

static void a_line_for_each_label(void **state)
{
	struct label_names *names =
		named("\xef\xbb\xbfnull\r\neins\r\nzwei\r\ndrei\nvier\nfünf\nsechs\nsieben\n"
		      "acht\n  neun\n\n");
	const struct network *shown = label_names_network(names);

	(void)state;
	assert_string_equal(shown->labels[0], "null");
	assert_string_equal(shown->labels[5], "fünf");
	assert_string_equal(shown->labels[9], "neun");
	assert_string_equal(shown->groups[0].name, "even");
	assert_int_equal(shown->class_count, 10);
	assert_string_equal(network->labels[5], "label 5"); /* recordings keep it */
	label_names_destroy(names);
	refused("a\nb\n", "has 2 lines, and the network tiny has 10 labels");
	refused("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n", "has 11 lines");
	refused("", "has 0 lines");
	refused("a\nb\n\nd\ne\nf\ng\nh\ni\nj\n", "n.txt:3: the name");
	refused("a\nb\x1b[2J\nc\nd\ne\nf\ng\nh\ni\nj\n", "n.txt:2: the name");
}

static void lines_by_name(void **state)
{
	struct label_names *names =
		named("# Deutsch\n\nlabel 3 = drei\neven\t = \tgerade \nlabel 7 = 7 = sieben\n");
	const struct network *shown = label_names_network(names);

	(void)state;
	assert_string_equal(shown->labels[3], "drei");
	assert_string_equal(shown->labels[7], "7 = sieben");
	assert_string_equal(shown->labels[4], "label 4");
	assert_string_equal(shown->groups[0].name, "gerade");
	assert_string_equal(shown->groups[1].name, "odd");
	assert_ptr_equal(shown->groups[0].classes, network->groups[0].classes);
	assert_string_equal(network->groups[0].name, "even");
	label_names_destroy(names);
	refused("label 3 = drei\nlabel 3 = trois\n", "n.txt:2: \"label 3\" has a line already");
	refused("label 3 = drei\nlabel 33 = x\n", "n.txt:2: \"label 33\" is neither a label nor a group");
	refused("label 3 = drei\nlabel 4\n", "n.txt:2: \"label 4\" is not");
	refused("label 3 = \nlabel 4 = a\n", "n.txt:1: ");
	refused(" = drei\n", "n.txt:1: ");
	refused("label 3 = \xff\n", "n.txt:1: the name");
}

static void files_are_read(void **state)
{
	struct label_names *names;
	struct error e = {0};

	(void)state;
	assert_int_equal(label_names_create("/nowhere/n.txt", network, &names, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nowhere/n.txt: "));
	assert_true(label_names_create("/", network, &names, &e) < 0);
	label_names_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each_label),
		cmocka_unit_test(lines_by_name),
		cmocka_unit_test(files_are_read),
	};

	return cmocka_run_group_tests(tests, network_begin, network_end);
}
