/* SPDX-License-Identifier: MIT */
#include "evaluate/classes.h"

#include "evaluate/truth.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void classes_count(const struct evaluation *evaluation, const struct dataset *dataset, int count,
	struct class_result *out)
{
	for (int i = 0; i < count; i++)
		out[i] = (struct class_result){.index = i};
	for (int i = 0; i < evaluation->attempted; i++) {
		const struct outcome *o = &evaluation->outcomes[i];
		if (!o->scored)
			continue;
		struct class_result *truth = &out[dataset_label(dataset, i)];
		bool right = o->rank == 0;
		truth->pictures++;
		truth->right += right;
		/* A class that is right for a group is a prediction of the group. */
		(right ? truth : &out[o->predicted])->predicted++;
	}
}

static int by_quality(const void *a, const void *b)
{
	const struct class_result *x = a, *y = b;
	/* F1 of one below that of the other, without a division. */
	long long left = (long long)x->right * (y->pictures + y->predicted);
	long long right = (long long)y->right * (x->pictures + x->predicted);

	if (!x->pictures != !y->pictures)
		return x->pictures ? -1 : 1;
	if (left != right)
		return left < right ? -1 : 1;
	if (x->pictures != y->pictures)
		return x->pictures > y->pictures ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

void classes_sort(struct class_result *classes, int count)
{
	qsort(classes, (size_t)count, sizeof(*classes), by_quality);
}

/* Sorts equal pairs together. */
static int by_pair(const void *a, const void *b)
{
	const struct confusion *x = a, *y = b;

	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

/* Sorts frequent pairs first, equally frequent ones by class. */
static int by_count(const void *a, const void *b)
{
	const struct confusion *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return by_pair(a, b);
}

/* One entry for each pair of a right and a predicted class that occurs, in their order. NULL: no memory. */
static struct confusion *find_pairs(
	const struct evaluation *evaluation, const struct dataset *dataset, bool mistakes_only, int *count)
{
	int found = 0, pairs = 0;
	struct confusion *all = malloc(sizeof(*all) * (size_t)(evaluation->attempted + 1));

	if (!all)
		return NULL;
	for (int i = 0; i < evaluation->attempted; i++) {
		const struct outcome *o = &evaluation->outcomes[i];
		if (o->scored && (o->rank || !mistakes_only))
			all[found++] = (struct confusion){dataset_label(dataset, i), o->predicted, 1};
	}
	qsort(all, (size_t)found, sizeof(*all), by_pair);
	for (int i = 0; i < found; i++) {
		if (pairs && by_pair(&all[pairs - 1], &all[i]) == 0)
			all[pairs - 1].count++;
		else
			all[pairs++] = all[i];
	}
	*count = pairs;
	return all;
}

int confusions_find(
	const struct evaluation *evaluation, const struct dataset *dataset, struct confusion *out, int limit)
{
	int pairs;
	struct confusion *all = find_pairs(evaluation, dataset, true, &pairs);

	if (!all)
		return -ENOMEM;
	qsort(all, (size_t)pairs, sizeof(*all), by_count);
	pairs = pairs < limit ? pairs : limit;
	memcpy(out, all, sizeof(*all) * (size_t)pairs);
	free(all);
	return pairs;
}

/* A field of RFC 4180. */
static void write_field(FILE *file, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

int confusions_write(FILE *file, const struct network *network, const struct evaluation *evaluation,
	const struct dataset *dataset)
{
	int pairs;
	struct confusion *all = find_pairs(evaluation, dataset, false, &pairs), *next = all;

	if (!all)
		return -ENOMEM;
	errno = 0;
	fputs("label", file);
	for (int i = 0; i < network->class_count; i++) {
		fputc(',', file);
		write_field(file, network->labels[i]);
	}
	fputc('\n', file);
	for (int label = 0; label < truth_count(network); label++) {
		/* Of groups only those that folders are named by. */
		if (truth_group(network, label) && !(next < all + pairs && next->label == label))
			continue;
		write_field(file, truth_name(network, label));
		for (int i = 0; i < network->class_count; i++) {
			bool occurs = next < all + pairs && next->label == label && next->predicted == i;
			fprintf(file, ",%d", occurs ? next->count : 0);
			next += occurs;
		}
		fputc('\n', file);
	}
	free(all);
	return ferror(file) ? -(errno ? errno : EIO) : 0;
}
