/* SPDX-License-Identifier: MIT */
/* Networks behind the driver of QNN-MO-PYNQ's design, on the model of its registers; for one program. */
#ifndef UNIT_QNN_MO_FIXTURE_H
#define UNIT_QNN_MO_FIXTURE_H

#include "pl/pl.h"

#include "base/error.h"
#include "nn/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/network_builder.h"
#include "support/random_network.h"
#include "support/simulated_qnn_mo.h"

/* A network behind the PL, all of its layers. */
struct qnn_mo_fixture {
	struct network *network;
	struct pl *pl;
	struct error e;
};

static inline struct layer *add_layer(
	struct network *network, enum layer_kind kind, int channels, int kernel, int stride, int groups)
{
	struct layer *before = &network->layers[network->layer_count - 1], *l = before + 1;
	char name[16];

	snprintf(name, sizeof(name), "layer%d", network->layer_count++);
	*l = tiny_layer(name, kind, before->out, kind == LAYER_MAX_POOL ? before->out.channels : channels,
		kernel, stride, 0, groups, 2, kind == LAYER_MAX_POOL ? 0 : 1, 2);
	return l;
}

/* Pads a layer as the design can, one more at the bottom and right where `sum` is odd. */
static inline void pad(struct layer *l, int sum)
{
	l->pad_top = l->pad_left = sum / 2;
	l->pad_bottom = l->pad_right = sum - sum / 2;
	layer_measure(l);
}

/* A network without layers, whose input is what add_layer finds before the first one. */
static inline struct network *empty_network(int side, int channels)
{
	struct network *network = taken(1, sizeof(*network));

	network->name = strdup("random");
	network->layers = taken(16, sizeof(*network->layers));
	network->layers[0].out = (struct shape){side, side, channels};
	network->layer_count = 1;
	return network;
}

/* Weights, thresholds that fit what random codes make, and layers from the first on. */
static inline void fill_network(struct network *network)
{
	network->layer_count--;
	memmove(network->layers, network->layers + 1,
		(size_t)network->layer_count * sizeof(*network->layers));
	memset(network->layers + network->layer_count, 0, sizeof(*network->layers));
	uint8_t *codes = random_codes(network->layers[0].in, 2, EXTREME_NONE);
	for (int i = 0; i < network->layer_count; i++) {
		struct layer *l = &network->layers[i];
		uint8_t *out = must_allocate(layer_output_size(l), 1);

		if (layer_has_weights(l)) {
			random_weights(l, EXTREME_NONE);
			random_epilogue(l, codes);
		}
		reference_layer(l, codes, out);
		free(codes);
		codes = out;
	}
	free(codes);
}

static inline void fill_input(struct qnn_mo_fixture *fixture, int buffer)
{
	uint8_t *input = pl_input(fixture->pl, buffer);

	for (size_t i = 0; i < shape_size(fixture->network->layers[0].in); i++)
		input[i] = random_word() & 3;
}

static inline void assert_answer(struct qnn_mo_fixture *fixture, int buffer)
{
	const struct network *network = fixture->network;
	size_t bytes = layer_output_size(&network->layers[network->layer_count - 1]);
	uint8_t *expected = taken(bytes, 1);

	assert_int_equal(
		reference_run(network, 0, network->layer_count, pl_input(fixture->pl, buffer), expected), 0);
	assert_memory_equal(pl_output(fixture->pl, buffer), expected, bytes);
	free(expected);
}

static inline void assert_runs(struct qnn_mo_fixture *fixture, int buffer)
{
	fill_input(fixture, buffer);
	assert_int_equal(pl_submit(fixture->pl, buffer), 0);
	assert_int_equal(pl_wait(fixture->pl, buffer, INT64_MAX), 0);
	assert_string_equal(jam.broken, "");
	assert_answer(fixture, buffer);
}

static inline int load(struct qnn_mo_fixture *fixture)
{
	assert_int_equal(pl_open("qnn-mo", NULL, &fixture->pl, &fixture->e), 0);
	return pl_load(fixture->pl, fixture->network, 0, fixture->network->layer_count, &fixture->e);
}

static inline void finish(struct qnn_mo_fixture *fixture)
{
	pl_close(fixture->pl);
	network_destroy(fixture->network);
	assert_string_equal(jam.broken, "");
}

/* Two halves, one, and two halves of two convolutions, as in the published network, but small. */
static inline struct network *small_network(void)
{
	struct network *network = empty_network(8, 10);

	pad(add_layer(network, LAYER_CONV, 38, 5, 1, 2), 4);
	pad(add_layer(network, LAYER_MAX_POOL, 0, 3, 2, 1), 1);
	pad(add_layer(network, LAYER_CONV, 40, 3, 1, 1), 2);
	pad(add_layer(network, LAYER_CONV, 66, 3, 1, 2), 2);
	pad(add_layer(network, LAYER_CONV, 34, 3, 1, 2), 2);
	add_layer(network, LAYER_MAX_POOL, 0, 3, 2, 1);
	fill_network(network);
	return network;
}

enum { SMALL_CALLS = 14 };

static inline void await_calls(int calls)
{
	while (jam_calls() < calls)
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* Before each test. */
static inline int begin(void **state)
{
	(void)state;
	unsetenv("TWOBIT_BITSTREAM");
	jam_begin();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

#endif
