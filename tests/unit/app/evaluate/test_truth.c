/* SPDX-License-Identifier: MIT */
/* What is right for a picture: a class, or any class of a group. */
#include "evaluate/truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char ant[] = "ant", bee[] = "bee", cat[] = "cat", dog[] = "dog", insect[] = "insect", pet[] = "pet";
static char *labels[] = {ant, bee, cat, dog};
static int insects[] = {0, 1}, pets[] = {3, 2};
static struct label_group groups[] = {{insect, insects, 2}, {pet, pets, 2}};
static const struct network network = {
	.class_count = 4, .labels = labels, .groups = groups, .group_count = 2};

static void classes_come_before_groups(void **state)
{
	static const char *const names[] = {"ant", "bee", "cat", "dog", "insect", "pet"};

	(void)state;
	assert_int_equal(truth_count(&network), 6);
	for (int truth = 0; truth < 6; truth++)
		assert_string_equal(truth_name(&network, truth), names[truth]);
	assert_null(truth_group(&network, 3));
	assert_ptr_equal(truth_group(&network, 4), &groups[0]);
	assert_ptr_equal(truth_group(&network, 5), &groups[1]);
}

static void only_the_class_itself_is_right(void **state)
{
	(void)state;
	for (int truth = 0; truth < 4; truth++)
		for (int class = 0; class < 4; class ++)
			assert_int_equal(truth_holds(&network, truth, class), truth == class);
}

static void each_class_of_the_group_is_right(void **state)
{
	static const bool holds[2][4] = {{true, true, false, false}, {false, false, true, true}};

	(void)state;
	for (int group = 0; group < 2; group++)
		for (int class = 0; class < 4; class ++)
			assert_int_equal(truth_holds(&network, 4 + group, class), holds[group][class]);
}

static void without_a_truth_no_class_is_right(void **state)
{
	(void)state;
	for (int class = 0; class < 4; class ++)
		assert_false(truth_holds(&network, -1, class));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_come_before_groups),
		cmocka_unit_test(only_the_class_itself_is_right),
		cmocka_unit_test(each_class_of_the_group_is_right),
		cmocka_unit_test(without_a_truth_no_class_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
