/* SPDX-License-Identifier: MIT */
/*
 * Random graphs of all kinds of layers: each isa gives the reference's bits, folders keep them, and feature
 * maps that share memory do not disturb each other: test_graph [SEED].
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "nn/engine.h"
#include "nn/format/load.h"
#include "nn/format/save.h"
#include "nn/kernels/kernel.h"
#include "nn/kernels/table.h"
#include "nn/reference.h"
#include "support/folder.h"
#include "support/layer.h"
#include "support/memory.h"
#include "support/random.h"
#include "support/random_graph.h"
#include "support/random_network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRAPHS 150

static uint64_t seed;

static void describe(const struct network *network, char *text, size_t size)
{
	size_t used = 0;

	for (int i = 0; i < network->layer_count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " %d:%d", i, network->layers[i].kind);
}

static void assert_runs_alike(
	const struct network *network, int first, int last, const uint8_t *in, const void *want, int allowed)
{
	int count;
	const struct isa *const *isas = isas_present(&count);
	size_t size = layer_output_size(&network->layers[last - 1]);
	uint8_t *got = must_allocate(size, 1);
	struct engine *engine;
	struct error e;

	(void)count;
	if (engine_create_from(network, first, last, isas, allowed, NULL, &engine, &e))
		fail_msg("%s", e.text);
	for (int run = 0; run < 2; run++) { /* the second run finds what the first one left */
		memset(got, 0xa5, size);
		engine_run(engine, in, got);
		if (memcmp(got, want, size) != 0) {
			char text[1000];
			describe(network, text, sizeof(text));
			fail_msg("seed %llu, isa %s, layers %d to %d, run %d of graph%s",
				(unsigned long long)seed, isas[allowed - 1]->name, first, last, run, text);
		}
	}
	engine_destroy(engine);
	free(got);
}

/*
 * All prefixes are whole graphs: so each layer's output is compared. The isas take turns, since all of them
 * would take minutes under ASan; the whole graph is for each of them.
 */
static void every_layer_is_the_reference(void **state)
{
	int turn = 0;

	(void)state;
	for (int i = random_rounds(GRAPHS); i > 0; i--) {
		struct network *network = random_graph(14);
		struct tensor input = network_tensor(network, NETWORK_INPUT);
		uint8_t *in = random_codes(input.shape, input.bits, EXTREME_NONE);
		struct error e = {0};
		int count;

		(void)isas_present(&count);
		if (network_check(network, &e))
			fail_msg("seed %llu: %s", (unsigned long long)seed, e.text);
		for (int last = 1; last <= network->layer_count; last++) {
			void *want = must_allocate(layer_output_size(&network->layers[last - 1]), 1);
			assert_int_equal(reference_run(network, 0, last, in, want), 0);
			turn = turn % count + 1;
			for (int allowed = 1; allowed <= count; allowed++)
				if (allowed == turn || last == network->layer_count)
					assert_runs_alike(network, 0, last, in, want, allowed);
			free(want);
		}
		free(in);
		network_destroy(network);
	}
}

/* Where it cuts, the halves give together what the whole gives; elsewhere no engine begins. */
static void cuts_are_where_engines_begin(void **state)
{
	(void)state;
	for (int i = random_rounds(GRAPHS); i > 0; i--) {
		struct network *network = random_graph(8);
		struct tensor input = network_tensor(network, NETWORK_INPUT);
		uint8_t *in = random_codes(input.shape, input.bits, EXTREME_NONE);
		int count = network->layer_count;
		int32_t *want = must_allocate((size_t)network->class_count, sizeof(*want));

		assert_int_equal(reference_run(network, 0, count, in, want), 0);
		for (int cut = 1; cut < count; cut++) {
			struct engine *engine = NULL;
			struct error e;
			int rc = engine_create(network, cut, count, NULL, &engine, &e);

			assert_int_equal(rc, network_cuts(network, cut) ? 0 : -EINVAL);
			engine_destroy(engine);
			if (rc)
				continue;
			void *half = must_allocate(tensor_bytes(network_tensor(network, cut - 1)), 1);
			assert_int_equal(reference_run(network, 0, cut, in, half), 0);
			assert_runs_alike(network, cut, count, half, want, 1);
			free(half);
		}
		int split = network_split(network);
		assert_true(split >= 0 && split < count && (split == 0 || network_cuts(network, split)));
		free(want);
		free(in);
		network_destroy(network);
	}
}

static void folders_keep_graphs(void **state)
{
	(void)state;
	for (int i = 0; i < 25; i++) {
		struct network *network = random_graph(14), *loaded;
		struct tensor input = network_tensor(network, NETWORK_INPUT);
		uint8_t *in = random_codes(input.shape, input.bits, EXTREME_NONE);
		size_t size = (size_t)network->class_count * sizeof(int32_t);
		int32_t *want = must_allocate(size, 1), *got = must_allocate(size, 1);
		char *folder = folder_create();
		char path[300];
		struct error e = {0};

		snprintf(path, sizeof(path), "%s/graph", folder);
		if (network_save(network, path, &e) || network_load(path, &loaded, &e))
			fail_msg("seed %llu: %s", (unsigned long long)seed, e.text);
		assert_int_equal(reference_run(network, 0, network->layer_count, in, want), 0);
		assert_int_equal(reference_run(loaded, 0, loaded->layer_count, in, got), 0);
		assert_memory_equal(want, got, size);
		folder_destroy(folder);
		network_destroy(network);
		network_destroy(loaded);
		free(in);
		free(want);
		free(got);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layer_is_the_reference),
		cmocka_unit_test(cuts_are_where_engines_begin),
		cmocka_unit_test(folders_keep_graphs),
	};

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	random_state = seed;
	printf("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
