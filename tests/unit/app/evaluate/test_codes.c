/* SPDX-License-Identifier: MIT */
/* Codes of every layer, by several threads, against the reference. */
#include "base/error.h"
#include "evaluate/codes.h"
#include "nn/format/npy.h"
#include "nn/reference.h"
#include "support/network_builder.h"
#include "support/random.h"
#include "support/random_graph.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INPUTS 17

static uint8_t *random_inputs(const struct network *network)
{
	struct tensor input = network_tensor(network, NETWORK_INPUT);
	size_t size = INPUTS * shape_size(input.shape);
	uint8_t *inputs = malloc(size);
	uint32_t seed = 3;

	assert_non_null(inputs);
	for (size_t i = 0; i < size; i++)
		inputs[i] = (uint8_t)(random_next(&seed) & ((1U << input.bits) - 1));
	return inputs;
}

static size_t bytes_of(const struct network *network, int layer)
{
	return tensor_bytes(network_tensor(network, layer));
}

static void compare_layer(
	const struct network *network, const uint8_t *inputs, const struct layer_codes *found)
{
	size_t in = bytes_of(network, NETWORK_INPUT), out = bytes_of(network, found->layer);
	uint8_t *expected = malloc(out);

	assert_non_null(expected);
	for (size_t i = 0; i < INPUTS; i++) {
		assert_int_equal(reference_run(network, 0, found->layer + 1, inputs + in * i, expected), 0);
		assert_memory_equal((uint8_t *)found->codes + out * i, expected, out);
	}
	free(expected);
}

static void compare_scores(const struct network *network, const uint8_t *inputs, const int32_t *scores)
{
	size_t in = bytes_of(network, NETWORK_INPUT), classes = (size_t)network->class_count;
	int32_t *expected = malloc(classes * sizeof(*expected));

	assert_non_null(expected);
	for (size_t i = 0; i < INPUTS; i++) {
		assert_int_equal(
			reference_run(network, 0, network->layer_count, inputs + in * i, expected), 0);
		assert_memory_equal(scores + classes * i, expected, classes * sizeof(*expected));
	}
	free(expected);
}

static void compare_all(struct network *network)
{
	uint8_t *inputs = random_inputs(network);
	struct codes_job job = {.network = network, .tasks = INPUTS, .threads = 3, .inputs = inputs};
	enum failure where;
	struct error e;
	double seconds;
	int attempted;

	for (int i = 0; i < network->layer_count; i++) {
		if (network->layers[i].epilogue == EPILOGUE_SCORES || job.layer_count == OPTION_TEXTS_MAXIMUM)
			continue;
		void *codes = malloc(INPUTS * bytes_of(network, i));
		assert_non_null(codes);
		job.layers[job.layer_count++] = (struct layer_codes){i, codes};
	}
	if (network->class_count)
		job.scores = calloc(INPUTS * (size_t)network->class_count, sizeof(*job.scores));
	if (codes_run(&job, &attempted, &seconds, &where, &e))
		fail_msg("%s", e.text);
	assert_int_equal(attempted, INPUTS);
	for (int i = 0; i < job.layer_count; i++) {
		compare_layer(network, inputs, &job.layers[i]);
		free(job.layers[i].codes);
	}
	if (network->class_count)
		compare_scores(network, inputs, job.scores);
	free(job.scores);
	free(inputs);
	network_destroy(network);
}

static void layers_are_those_of_the_reference(void **state)
{
	(void)state;
	compare_all(tiny_network(7));
	compare_all(tiny_odd_network()); /* ends with codes */
}

/* Layers of a graph that read earlier ones, and sums that adds read. */
static void layers_of_graphs_too(void **state)
{
	(void)state;
	random_state = 17;
	for (int i = 0; i < 8; i++)
		compare_all(random_graph(12));
}

static void unknown_kernels_are_refused(void **state)
{
	(void)state;
	struct network *network = tiny_network(7);
	uint8_t *inputs = random_inputs(network);
	int32_t scores[INPUTS * 16];
	struct codes_job job = {.network = network,
		.kernels = "abacus",
		.tasks = INPUTS,
		.threads = 2,
		.inputs = inputs,
		.scores = scores};
	enum failure where;
	struct error e;
	double seconds;
	int attempted;

	assert_int_equal(codes_run(&job, &attempted, &seconds, &where, &e), -ENOTSUP);
	assert_int_equal(where, FAILURE_KERNELS);
	free(inputs);
	network_destroy(network);
}

/* The array as a file in memory. */
static int parse(
	const struct network *network, const struct npy *npy, const void *values, int *count, struct error *e)
{
	const uint8_t *found;
	char *file = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&file, &size);

	assert_non_null(out);
	assert_int_equal(npy_write(out, npy, values), 0);
	fclose(out);
	int status = codes_parse(network, (const uint8_t *)file, size, &found, count, e);
	if (!status)
		assert_memory_equal(found, values, npy_count(npy));
	free(file);
	return status;
}

static void inputs_are_checked(void **state)
{
	(void)state;
	struct layer layer = tiny_layer("l", LAYER_CONV, (struct shape){2, 3, 5}, 4, 1, 1, 0, 1, 2, 1, 2);
	struct network network = {.layers = &layer, .layer_count = 1};
	uint8_t codes[2 * 30 * 4] = {3, 2, 1};
	struct error e = {0};
	int count = 0;

	assert_int_equal(parse(&network, &(struct npy){"u1", 4, {2, 2, 3, 5}}, codes, &count, &e), 0);
	assert_int_equal(count, 2);
	assert_int_equal(parse(&network, &(struct npy){"u1", 4, {2, 3, 2, 5}}, codes, &count, &e), -EBADMSG);
	assert_string_equal(e.text, "has the wrong shape: (2, 2, 3, 5) expected, (2, 3, 2, 5) found");
	assert_int_equal(parse(&network, &(struct npy){"u1", 2, {2, 30}}, codes, &count, &e), -EBADMSG);
	assert_string_equal(e.text, "has the wrong shape: (2, 2, 3, 5) expected, (2, 30) found");
	assert_int_equal(parse(&network, &(struct npy){"i4", 4, {2, 2, 3, 5}}, codes, &count, &e), -EBADMSG);
	assert_string_equal(e.text, "is of type \"i4\", \"u1\" expected");
	assert_int_equal(parse(&network, &(struct npy){"u1", 4, {0, 2, 3, 5}}, codes, &count, &e), -EBADMSG);
	assert_string_equal(e.text, "holds 0 inputs; at least one is needed");
	codes[45] = 4;
	assert_int_equal(parse(&network, &(struct npy){"u1", 4, {2, 2, 3, 5}}, codes, &count, &e), -EBADMSG);
	assert_string_equal(e.text, "holds code 4 in input 1; the network's input has 2 bits, 0 … 3");
	assert_int_equal(parse(&network, &(struct npy){"u1", 4, {1, 2, 3, 5}}, codes, &count, &e), 0);
	free(layer.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_those_of_the_reference),
		cmocka_unit_test(layers_of_graphs_too),
		cmocka_unit_test(unknown_kernels_are_refused),
		cmocka_unit_test(inputs_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
