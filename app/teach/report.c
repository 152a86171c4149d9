/* SPDX-License-Identifier: MIT */
#include "teach/report.h"

#include "base/printable.h"
#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>

#define WORST_PAIRS 3

/* How often one class was taken for another, each picture by a fit without it. */
struct pair {
	int class, taken_for, count;
};

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->count != y->count)
		return y->count - x->count;
	return x->class != y->class ? x->class - y->class : x->taken_for - y->taken_for;
}

/* The most frequent mistakes; returns how many there are in `worst`. */
static int find_pairs(const struct lesson *lesson, const struct ridge *ridge, struct pair worst[WORST_PAIRS])
{
	size_t classes = (size_t)lesson->class_count;
	struct pair *pairs = calloc(classes * classes, sizeof(*pairs));
	int found = 0;

	if (!pairs)
		return 0;
	for (size_t i = 0; i < classes * classes; i++)
		pairs[i] = (struct pair){(int)(i / classes), (int)(i % classes), 0};
	for (int i = 0; i < lesson->count; i++)
		if (ridge->held_out[i] >= 0 && lesson->classes[i] != ridge->held_out[i])
			pairs[(size_t)lesson->classes[i] * classes + (size_t)ridge->held_out[i]].count++;
	qsort(pairs, classes * classes, sizeof(*pairs), compare_pairs);
	while (found < WORST_PAIRS && (size_t)found < classes * classes && pairs[found].count) {
		worst[found] = pairs[found];
		found++;
	}
	free(pairs);
	return found;
}

static void print_json(
	const struct lesson *lesson, const struct ridge *ridge, const char *folder, const char *name)
{
	struct pair worst[WORST_PAIRS];
	int pairs = find_pairs(lesson, ridge, worst);
	json_t *classes = json_array(), *mistakes = json_array();

	int right, tested;

	for (int i = 0; i < lesson->class_count; i++) {
		tested = lesson_tested(lesson, ridge, i, &right);
		output_append(classes,
			output_pack("{s:o, s:i, s:i, s:i}", "label", output_text(lesson->labels[i]),
				"pictures", lesson_examples_of(lesson, i), "tested", tested, "right", right));
	}
	for (int i = 0; i < pairs; i++)
		output_append(mistakes,
			output_pack("{s:o, s:o, s:i}", "label", output_text(lesson->labels[worst[i].class]),
				"taken_for", output_text(lesson->labels[worst[i].taken_for]), "pictures",
				worst[i].count));
	tested = lesson_tested(lesson, ridge, -1, &right);
	output_json(output_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o}", "network", output_text(name),
		"folder", output_text(folder), "features", output_text(lesson->source), "pictures",
		lesson->count, "tested", tested, "accuracy",
		tested ? output_share((double)right / tested) : json_null(), "unknown_below",
		output_share(lesson->network->unknown_below), "classes", classes, "mistakes", mistakes));
}

static bool has_bursts(const struct lesson *lesson)
{
	return lesson->count && lesson->bursts[lesson->count - 1] < lesson->count - 1;
}

void teach_report_print(const struct lesson *lesson, const struct ridge *ridge, const char *folder,
	const char *name, bool json)
{
	struct pair worst[WORST_PAIRS];
	int pairs = find_pairs(lesson, ridge, worst);

	if (json) {
		print_json(lesson, ridge, folder, name);
		return;
	}
	int right, tested = lesson_tested(lesson, ridge, -1, &right);
	if (tested)
		printf("%5.1f %%  of %d pictures named rightly, each by a fit to all the others%s\n",
			100.0 * right / tested, tested, has_bursts(lesson) ? " but those of its burst" : "");
	for (int i = 0; i < lesson->class_count; i++) {
		tested = lesson_tested(lesson, ridge, i, &right);
		if (tested)
			printf("%5.1f %%  %s (%d of %d)\n", 100.0 * right / tested, lesson->labels[i], right,
				tested);
		else
			printf("    –    %s (%d, not tested: take some more, later than these)\n",
				lesson->labels[i], lesson_examples_of(lesson, i));
	}
	for (int i = 0; i < pairs; i++)
		printf("         %s taken for %s: %d\n", lesson->labels[worst[i].class],
			lesson->labels[worst[i].taken_for], worst[i].count);
	if (lesson->network->unknown_below > 0)
		printf("%5.1f %%  is the confidence below which it knows nothing\n",
			100 * lesson->network->unknown_below);
	printf("saved in %s; try `twobit live --network %s`\n", PRINTABLE(folder), PRINTABLE(name));
}
