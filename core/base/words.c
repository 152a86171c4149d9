/* SPDX-License-Identifier: MIT */
#include "base/words.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Longer words are close to none. */
#define LONGEST 63

/* Words that differ in so many letters are not close. */
#define FAR 3

static int lower(char letter)
{
	return tolower((unsigned char)letter);
}

/* The Levenshtein distance. */
static int word_distance(const char *a, const char *b)
{
	int row[LONGEST + 1];
	size_t length_a = strlen(a), length_b = strlen(b);

	if (length_a > LONGEST || length_b > LONGEST)
		return FAR;
	for (size_t j = 0; j <= length_b; j++)
		row[j] = (int)j;
	for (size_t i = 0; i < length_a; i++) {
		int diagonal = row[0];
		row[0] = (int)i + 1;
		for (size_t j = 0; j < length_b; j++) {
			int best = diagonal + (lower(a[i]) != lower(b[j]));
			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			row[j + 1] = best;
		}
	}
	return row[length_b];
}

void closest_offer(struct closest *closest, const char *candidate)
{
	size_t length = strlen(closest->word);
	int distance = word_distance(closest->word, candidate);

	if (length >= 2 && strncasecmp(closest->word, candidate, length) == 0)
		distance = 1;
	if (distance >= FAR || (size_t)distance >= length || (closest->best && distance >= closest->distance))
		return;
	closest->best = candidate;
	closest->distance = distance;
}

const char *closest_word(const char *word, const char *const *candidates)
{
	struct closest closest = {.word = word};

	for (; *candidates; candidates++)
		closest_offer(&closest, *candidates);
	return closest.best;
}
