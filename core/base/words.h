/* SPDX-License-Identifier: MIT */
/* What a user probably meant by a misspelled word. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

/* The best candidate so far. Begin with {.word = …}. */
struct closest {
	const char *word;
	const char *best; /* one of the candidates; NULL: none is close */
	int distance;	  /* of `best` */
};

/*
 * A candidate is close that begins with the word, or from which it differs in at most two letters (added,
 * left out or replaced) and less than all; capitals do not count. Of equally close ones the first is the
 * best.
 */
void closest_offer(struct closest *closest, const char *candidate);

/* The best of a NULL-terminated list, or NULL. */
const char *closest_word(const char *word, const char *const *candidates);

#endif
