/* SPDX-License-Identifier: MIT */
/*
 * Whether a PL computes what software does: codes that use every value, the same at every start, and the
 * scores that they give. No status bit shows a weight that was corrupted.
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

/* For reading; self_test_finish takes one that is all zeros. */
struct self_test {
	struct engine *cpu_fallback;	/* the PL's layers in software */
	uint8_t *input;			/* codes */
	int32_t *scores;		/* what they give */
	size_t input_size, scores_size; /* bytes */
};

/* For the layers that a PL computes of a network with class scores. On failure too, self_test_finish. */
int self_test_create(
	const struct network *network, const char *kernels, struct self_test *test, struct error *e);
void self_test_finish(struct self_test *test);

/* As pl_submit. */
int self_test_submit(const struct self_test *test, struct pl *pl, int buffer);

/* After pl_wait. */
bool self_test_passed(const struct self_test *test, struct pl *pl, int buffer);

/* How long a call may take as long as nobody knows how long it does, ns. */
int64_t self_test_timeout(const struct pl *pl);

#endif
