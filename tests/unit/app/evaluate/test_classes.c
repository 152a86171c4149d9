/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "evaluate/classes.h"
#include "support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Eight pictures of the classes 0 … 3, of which the last was not read. */
static const char list[] = "a 0\nb 0\nc 0\nd 1\ne 1\nf 3\ng 0\nh 2\n";
static struct outcome outcomes[] = {{0, 0, true}, {1, 1, true}, {1, 3, true}, {1, 0, true}, {3, 2, true},
	{3, 0, true}, {0, 0, true}, {0, 0, false}};
static const struct evaluation evaluation = {.attempted = 8, .pictures = 7, .outcomes = outcomes};

static struct dataset *open_list(void)
{
	const struct dataset_options options = {.class_count = 5};
	char *folder = folder_create(), path[300];
	struct dataset *dataset;
	struct error e;

	folder_put(folder, "/list.txt", list);
	snprintf(path, sizeof(path), "%s/list.txt", folder);
	if (dataset_open(path, &options, &dataset, &e))
		fail_msg("%s", e.text);
	folder_destroy(folder);
	return dataset;
}

static void assert_class(const struct class_result *c, int index, int pictures, int predicted, int right)
{
	assert_int_equal(c->index, index);
	assert_int_equal(c->pictures, pictures);
	assert_int_equal(c->predicted, predicted);
	assert_int_equal(c->right, right);
}

static void classes_by_hand(void **state)
{
	(void)state;
	struct dataset *dataset = open_list();
	struct class_result classes[5];

	classes_count(&evaluation, dataset, 5, classes);
	assert_class(&classes[0], 0, 4, 2, 2);
	assert_class(&classes[1], 1, 2, 3, 1);
	assert_class(&classes[2], 2, 0, 0, 0);
	assert_class(&classes[3], 3, 1, 2, 1);
	assert_class(&classes[4], 4, 0, 0, 0);
	classes_sort(classes, 5); /* F1: 0.4 of class 1, 0.667 of 0 and 3; class 0 has more pictures */
	assert_int_equal(classes[0].index, 1);
	assert_int_equal(classes[1].index, 0);
	assert_int_equal(classes[2].index, 3);
	assert_int_equal(classes[3].index, 2);
	assert_int_equal(classes[4].index, 4);
	dataset_close(dataset);
}

/* A picture of class 1, and three of a group that has class 1, of which the last is taken for class 3. */
static void groups_are_rows(void **state)
{
	static const int truths[] = {1, 5, 5, 5};
	static struct outcome seen[] = {{1, 0, true}, {1, 0, true}, {1, 0, true}, {3, 4, true}};
	const struct evaluation grouped = {.attempted = 4, .pictures = 4, .outcomes = seen};
	static const char *const names[] = {"pets"};
	char *labels[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}, (char[]){"d"}, (char[]){"e"}};
	const struct dataset_options options = {
		.labels = labels, .class_count = 5, .groups = names, .group_count = 1};
	char *folder = folder_create();
	struct dataset *dataset;
	struct class_result rows[6];
	struct error e;

	(void)state;
	folder_put(folder, "/b/1.png", "\x89PNG\r\n\x1a\n");
	folder_put(folder, "/pets/1.png", "\x89PNG\r\n\x1a\n");
	folder_put(folder, "/pets/2.png", "\x89PNG\r\n\x1a\n");
	folder_put(folder, "/pets/3.png", "\x89PNG\r\n\x1a\n");
	assert_int_equal(dataset_open(folder, &options, &dataset, &e), 0);
	folder_destroy(folder);
	for (int i = 0; i < 4; i++)
		assert_int_equal(dataset_label(dataset, i), truths[i]);
	classes_count(&grouped, dataset, 6, rows);
	assert_class(&rows[1], 1, 1, 1, 1);
	assert_class(&rows[3], 3, 0, 1, 0);
	assert_class(&rows[5], 5, 3, 2, 2);
	dataset_close(dataset);
}

static void mistakes_by_hand(void **state)
{
	(void)state;
	struct dataset *dataset = open_list();
	struct confusion found[5];

	assert_int_equal(confusions_find(&evaluation, dataset, found, 5), 2);
	assert_int_equal(found[0].count, 2);
	assert_int_equal(found[0].label, 0);
	assert_int_equal(found[0].predicted, 1);
	assert_int_equal(found[1].count, 1);
	assert_int_equal(found[1].label, 1);
	assert_int_equal(found[1].predicted, 3);
	assert_int_equal(confusions_find(&evaluation, dataset, found, 1), 1);
	dataset_close(dataset);
}

/* Labels with a comma and with quotes are quoted. */
static void the_matrix_is_csv(void **state)
{
	(void)state;
	char *labels[] = {
		(char[]){"cat"}, (char[]){"dog, small"}, (char[]){"a \"b\""}, (char[]){"d"}, (char[]){"e"}};
	const struct network network = {.class_count = 5, .labels = labels};
	struct dataset *dataset = open_list();
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(confusions_write(file, &network, &evaluation, dataset), 0);
	fclose(file);
	assert_string_equal(text,
		"label,cat,\"dog, small\",\"a \"\"b\"\"\",d,e\n"
		"cat,2,2,0,0,0\n"
		"\"dog, small\",0,1,0,1,0\n"
		"\"a \"\"b\"\"\",0,0,0,0,0\n"
		"d,0,0,0,1,0\n"
		"e,0,0,0,0,0\n");
	free(text);
	dataset_close(dataset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_by_hand),
		cmocka_unit_test(groups_are_rows),
		cmocka_unit_test(mistakes_by_hand),
		cmocka_unit_test(the_matrix_is_csv),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
