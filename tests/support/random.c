/* SPDX-License-Identifier: MIT */
#include "support/random.h"

#include <stdlib.h>

uint64_t random_state = 1;

uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

int random_within(uint32_t *state, int low, int high)
{
	return low + (int)(random_next(state) % (uint32_t)(high - low + 1));
}

/* splitmix64 (S. Vigna, public domain) */
uint64_t random_word(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int random_below(int n)
{
	return (int)(random_word() % (uint64_t)n);
}

bool random_fewer(void)
{
	return getenv("TWOBIT_FEWER_ROUNDS") != NULL;
}

int random_rounds(int all)
{
	return random_fewer() ? (all + 7) / 8 : all;
}
