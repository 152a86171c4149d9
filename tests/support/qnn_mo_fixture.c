/* SPDX-License-Identifier: MIT */
#include "support/qnn_mo_fixture.h"

#include "nn/reference.h"
#include "support/layer.h"
#include "support/memory.h"
#include "support/network_builder.h"
#include "support/random.h"
#include "support/random_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct layer *qnn_mo_network_add(
	struct network *network, enum layer_kind kind, int channels, int kernel, int stride, int groups)
{
	struct layer *before = &network->layers[network->layer_count - 1], *l = before + 1;
	char name[16];

	snprintf(name, sizeof(name), "layer%d", network->layer_count++);
	*l = tiny_layer(name, kind, before->out, kind == LAYER_MAX_POOL ? before->out.channels : channels,
		kernel, stride, 0, groups, 2, kind == LAYER_MAX_POOL ? 0 : 1, 2);
	return l;
}

void qnn_mo_network_pad(struct layer *l, int sum)
{
	l->pad_top = l->pad_left = sum / 2;
	l->pad_bottom = l->pad_right = sum - sum / 2;
	layer_measure(l);
}

struct network *qnn_mo_network_begin(int side, int channels)
{
	struct network *network = must_allocate(1, sizeof(*network));

	network->name = strdup("random");
	network->layers = must_allocate(16, sizeof(*network->layers));
	network->layers[0].out = (struct shape){side, side, channels};
	network->layer_count = 1;
	return network;
}

void qnn_mo_network_end(struct network *network)
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
		layer_compute(l, codes, out);
		free(codes);
		codes = out;
	}
	free(codes);
}

void qnn_mo_fixture_fill(struct qnn_mo_fixture *fixture, int buffer)
{
	uint8_t *input = pl_input(fixture->pl, buffer);

	for (size_t i = 0; i < shape_size(fixture->network->layers[0].in); i++)
		input[i] = random_word() & 3;
}

void qnn_mo_fixture_compare(struct qnn_mo_fixture *fixture, int buffer)
{
	const struct network *network = fixture->network;
	size_t bytes = layer_output_size(&network->layers[network->layer_count - 1]);
	uint8_t *expected = must_allocate(bytes, 1);

	assert_int_equal(
		reference_run(network, 0, network->layer_count, pl_input(fixture->pl, buffer), expected), 0);
	assert_memory_equal(pl_output(fixture->pl, buffer), expected, bytes);
	free(expected);
}

void qnn_mo_fixture_run(struct qnn_mo_fixture *fixture, int buffer)
{
	qnn_mo_fixture_fill(fixture, buffer);
	assert_int_equal(pl_submit(fixture->pl, buffer), 0);
	assert_int_equal(pl_wait(fixture->pl, buffer, INT64_MAX), 0);
	assert_string_equal(jam.broken, "");
	qnn_mo_fixture_compare(fixture, buffer);
}

int qnn_mo_fixture_load(struct qnn_mo_fixture *fixture)
{
	assert_int_equal(pl_open("qnn-mo", NULL, &fixture->pl, &fixture->e), 0);
	return pl_load(fixture->pl, fixture->network, 0, fixture->network->layer_count, &fixture->e);
}

void qnn_mo_fixture_end(struct qnn_mo_fixture *fixture)
{
	pl_close(fixture->pl);
	network_destroy(fixture->network);
	assert_string_equal(jam.broken, "");
}

struct network *qnn_mo_network_small(void)
{
	struct network *network = qnn_mo_network_begin(8, 10);

	qnn_mo_network_pad(qnn_mo_network_add(network, LAYER_CONV, 38, 5, 1, 2), 4);
	qnn_mo_network_pad(qnn_mo_network_add(network, LAYER_MAX_POOL, 0, 3, 2, 1), 1);
	qnn_mo_network_pad(qnn_mo_network_add(network, LAYER_CONV, 40, 3, 1, 1), 2);
	qnn_mo_network_pad(qnn_mo_network_add(network, LAYER_CONV, 66, 3, 1, 2), 2);
	qnn_mo_network_pad(qnn_mo_network_add(network, LAYER_CONV, 34, 3, 1, 2), 2);
	qnn_mo_network_add(network, LAYER_MAX_POOL, 0, 3, 2, 1);
	qnn_mo_network_end(network);
	return network;
}

void qnn_mo_fixture_await(int calls)
{
	while (jam_calls() < calls)
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

int qnn_mo_fixture_setup(void **state)
{
	(void)state;
	unsetenv("TWOBIT_BITSTREAM");
	jam_begin();
	return 0;
}
