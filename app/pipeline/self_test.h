/* SPDX-License-Identifier: MIT */
/*
 * The self-test of a PL: fixed codes that use every value, and the scores that software computes from them.
 * No status bit shows a corrupted weight, so the PL's scores are compared.
 */
#ifndef APP_PIPELINE_SELF_TEST_H
#define APP_PIPELINE_SELF_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct error;
struct network;
struct pl;

/* Read-only for callers; self_test_finish accepts one that is all zeros. */
struct self_test {
	struct engine *cpu_fallback;	/* the PL's layers in software */
	uint8_t *input;			/* codes */
	int32_t *scores;		/* the scores of `input` */
	size_t input_size, scores_size; /* bytes */
};

/* For the PL's layers of a network with class scores. Call self_test_finish after a failure too. */
int self_test_create(
	const struct network *network, const char *kernels, struct self_test *test, struct error *e);
void self_test_finish(struct self_test *test);

/* As pl_submit. */
int self_test_submit(const struct self_test *test, struct pl *pl, int buffer);

/* After pl_wait. */
bool self_test_passed(const struct self_test *test, struct pl *pl, int buffer);

/* How long a call may take before the calibration, ns. */
int64_t self_test_timeout(const struct pl *pl);

#endif
