/* SPDX-License-Identifier: MIT */
#include "pipeline/self_test.h"

#include "base/clock.h"
#include "base/error.h"
#include "flow/thread.h"
#include "nn/engine.h"
#include "pl/pl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* No hardware design takes longer; a simulated one takes minutes for a picture of a large network. */
#define TIMEOUT (10 * NS_PER_S)
#define TIMEOUT_SIMULATED (1800 * NS_PER_S)

/* xorshift, G. Marsaglia 2003. */
static void fill(struct self_test *test, int bits)
{
	uint32_t state = 2463534242U;

	for (size_t i = 0; i < test->input_size; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		test->input[i] = (uint8_t)(state >> 16 & ((1U << bits) - 1));
	}
}

int self_test_create(
	const struct network *network, const char *kernels, struct self_test *test, struct error *e)
{
	int split = network_split(network);
	const struct layer *first = &network->layers[split];

	*test = (struct self_test){.input_size = shape_size(first->in),
		.scores_size = (size_t)network->class_count * sizeof(*test->scores)};
	int status = engine_create(network, split, network->layer_count, kernels, &test->cpu_fallback, e);
	if (status)
		return status;
	test->input = buffer_create(test->input_size);
	test->scores = buffer_create(test->scores_size);
	if (!test->input || !test->scores)
		return error_set(e, -ENOMEM, "out of memory for the PL's self-test");
	fill(test, first->input_bits);
	engine_run(test->cpu_fallback, test->input, test->scores);
	return 0;
}

void self_test_finish(struct self_test *test)
{
	engine_destroy(test->cpu_fallback);
	free(test->input);
	free(test->scores);
	*test = (struct self_test){0};
}

int self_test_submit(const struct self_test *test, struct pl *pl, int buffer)
{
	memcpy(pl_input(pl, buffer), test->input, test->input_size);
	return pl_submit(pl, buffer);
}

bool self_test_passed(const struct self_test *test, struct pl *pl, int buffer)
{
	return !memcmp(pl_output(pl, buffer), test->scores, test->scores_size);
}

int64_t self_test_timeout(const struct pl *pl)
{
	/* A simulated or software PL is as fast as the processor. */
	bool simulated = strcmp(pl_name(pl), "rtl") == 0;

	return pl_is_hardware(pl) && !simulated ? TIMEOUT : TIMEOUT_SIMULATED;
}
