/* SPDX-License-Identifier: MIT */
/* Numbers that look random and follow from a seed: the same in every run and on every machine. */
#ifndef TEST_SUPPORT_RANDOM_H
#define TEST_SUPPORT_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* 24 bits of a linear congruential generator, whose state the caller keeps. */
uint32_t random_next(uint32_t *state);

/* low … high, from random_next */
int random_within(uint32_t *state, int low, int high);

/* The state of random_word, one in a program; a test sets it to begin a series. */
extern uint64_t random_state;

/* 64 bits, for tests that need many */
uint64_t random_word(void);

/* 0 … n - 1, from random_word */
int random_below(int n);

/*
 * Whether to try fewer values and shapes, without leaving out a kind: the environment has
 * TWOBIT_FEWER_ROUNDS, as for programs that a sanitizer makes slow.
 */
bool random_fewer(void);

/* How often to repeat what is random, of `all` times: then an eighth. */
int random_rounds(int all);

#endif
