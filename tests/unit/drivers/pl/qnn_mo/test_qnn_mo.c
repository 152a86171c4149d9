/* SPDX-License-Identifier: MIT */
/* The driver of QNN-MO-PYNQ's design: what it computes, what it refuses, and the model that it is tested on.
 */
#include "base/clock.h"
#include "nn/reference.h"
#include "pl/bus/bus.h"
#include "pl/qnn_mo/plan.h"
#include "support/network_builder.h"
#include "support/qnn_mo_fixture.h"
#include "support/random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void two_halves(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	assert_true(pl_is_hardware(fixture.pl));
	assert_string_equal(jam.bitstream, "/lib/firmware/W1A2-pynqZ1-Z2.bit");
	for (int n = 1; n <= 2; n++) {
		qnn_mo_fixture_run(&fixture, n % PL_BUFFERS);
		assert_int_equal(jam_calls(), n * QNN_MO_SMALL_CALLS);
	}
	assert_int_equal(jam.reconfigurations, 1);
	qnn_mo_fixture_end(&fixture);
}

static struct network *random_network_for_it(void)
{
	struct network *network = qnn_mo_network_begin(3 + random_below(8), 0);
	int stages = 1 + random_below(4);

	for (int i = 0; i < stages; i++) {
		struct layer *before = &network->layers[network->layer_count - 1];
		int groups = 1 + random_below(3), kernel = random_below(2) ? 3 : 5;

		if (i == 0)
			before->out.channels = groups * (1 + random_below(groups == 1 ? 140 : 40));
		else if (before->out.channels % groups != 0)
			groups = 1;
		int missing = kernel - before->out.height;
		qnn_mo_network_pad(
			qnn_mo_network_add(network, LAYER_CONV,
				groups * 6 * (1 + random_below(groups == 1 ? 20 : 6)), kernel, 1, groups),
			(missing > 0 ? missing : 0) + random_below(kernel));
		int side = network->layers[network->layer_count - 1].out.height;
		if (random_below(2))
			qnn_mo_network_pad(
				qnn_mo_network_add(network, LAYER_MAX_POOL, 0, 3, 1 + random_below(2), 1),
				side < 3 ? 3 - side : random_below(3));
	}
	qnn_mo_network_end(network);
	return network;
}

static void random_networks(void **state)
{
	(void)state;
	for (int n = 0; n < 20; n++) {
		struct qnn_mo_fixture fixture = {.network = random_network_for_it()};

		jam_begin();
		if (qnn_mo_fixture_load(&fixture))
			fail_msg("network %d: %s", n, fixture.e.text);
		qnn_mo_fixture_run(&fixture, n % PL_BUFFERS);
		qnn_mo_fixture_end(&fixture);
	}
}

/* The widest layer that the design takes, channels with weights of one sign: sums as far out as can be. */
static void largest_layer(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_begin(5, 384)};

	(void)state;
	qnn_mo_network_add(fixture.network, LAYER_CONV, 384, 5, 1, 1);
	qnn_mo_network_end(fixture.network);
	struct layer *l = fixture.network->layers;
	for (size_t i = 0; i < (size_t)384 * 25 * 384; i++)
		l->weights[i] = i / (25 * 384) % 2 ? 1 : -1;
	for (int i = 0; i < 384; i++)
		memcpy(l->thresholds + i * 3,
			i % 4 < 2 ? (int32_t[]){INT32_MIN, -28800, 28800}
				  : (int32_t[]){-28799, 28801, INT32_MAX},
			3 * sizeof(int32_t));
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	memset(pl_input(fixture.pl, 0), 3, (size_t)25 * 384);
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), 0);
	qnn_mo_fixture_compare(&fixture, 0);
	qnn_mo_fixture_end(&fixture);
}

/* Fully connected layers run behind the design's last one, in software. */
static void scores_come_from_software(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_begin(9, 20)};

	(void)state;
	qnn_mo_network_pad(qnn_mo_network_add(fixture.network, LAYER_CONV, 50, 3, 1, 1), 2);
	qnn_mo_network_add(fixture.network, LAYER_MAX_POOL, 0, 3, 2, 1);
	qnn_mo_network_add(fixture.network, LAYER_FULLY_CONNECTED, 30, 1, 1, 1);
	struct layer *last = qnn_mo_network_add(fixture.network, LAYER_FULLY_CONNECTED, 10, 1, 1, 1);
	last->output_bits = 32;
	last->epilogue = EPILOGUE_SCORES;
	qnn_mo_network_end(fixture.network);
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	for (int n = 0; n < 3; n++)
		qnn_mo_fixture_run(&fixture, n % PL_BUFFERS);
	assert_int_equal(jam_calls(), 6);
	qnn_mo_fixture_end(&fixture);
}

static void networks_of_another_kind_are_refused(void **state)
{
	static const struct {
		int layer;
		size_t field; /* an int of struct layer; 0: none */
		int value;
		const char *text;
	} cases[] = {
		{0, offsetof(struct layer, weight_bits), 2, "weights of 2 bits"},
		{0, offsetof(struct layer, input_bits), 4, "codes of 4 in"},
		{2, offsetof(struct layer, output_bits), 1, "1 out"},
		{2, offsetof(struct layer, epilogue), EPILOGUE_REQUANTISE, "thresholds"},
		{2, offsetof(struct layer, kernel_height), 4, "4×3"},
		{2, offsetof(struct layer, kernel_width), 5, "square"},
		{2, offsetof(struct layer, stride_height), 2, "two different strides"},
		{0, offsetof(struct layer, in.channels), 2 * 386, "386 channels in"},
		{0, offsetof(struct layer, out.channels), 2 * 385, "385 out"},
		{0, offsetof(struct layer, in.height), 13, "square"},
		{0, offsetof(struct layer, pad_left), 3, "padding"},
		{0, offsetof(struct layer, kind), LAYER_MAX_POOL, "must follow a convolution"},
		{0, offsetof(struct layer, kind), LAYER_FULLY_CONNECTED, "fully connected"},
		{1, offsetof(struct layer, kernel_height), 2, "max pool of 2×3"},
		{2, offsetof(struct layer, kind), LAYER_MAX_POOL, "must follow a convolution"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct network *network = qnn_mo_network_small();
		struct layer *l = &network->layers[cases[i].layer], sound = *l;
		struct qnn_mo_plan plan;
		struct error e = {0};

		memcpy((char *)l + cases[i].field, &cases[i].value, sizeof(int));
		assert_int_equal(qnn_mo_plan(network, 0, network->layer_count, &plan, &e), -ENOTSUP);
		if (!strstr(e.text, cases[i].text) || !strstr(e.text, l->name) ||
			!strstr(e.text, "QNN-MO design cannot run it"))
			fail_msg("case %zu: %s", i, e.text);
		*l = sound;
		qnn_mo_plan_finish(&plan);
		network_destroy(network);
	}
}

static void strides_are_the_designs(void **state)
{
	static const struct {
		int layer, stride;
		const char *text;
	} cases[] = {{2, 2, "its stride is 2"}, {1, 3, "3×3 with stride 3"}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct network *network = qnn_mo_network_small();
		struct layer *l = &network->layers[cases[i].layer];
		struct qnn_mo_plan plan;
		struct error e = {0};

		l->stride_height = l->stride_width = cases[i].stride;
		assert_int_equal(qnn_mo_plan(network, 0, network->layer_count, &plan, &e), -ENOTSUP);
		assert_non_null(strstr(e.text, cases[i].text));
		qnn_mo_plan_finish(&plan);
		network_destroy(network);
	}
}

/* The design takes conv1 and pool1; before the add's inputs come together the graph does not fall apart. */
static void software_computes_the_rest_of_a_graph(void **state)
{
	struct qnn_mo_fixture fixture = {.network = tiny_graph(1)};
	struct network *n = fixture.network;

	(void)state;
	assert_int_equal(network_check(n, &fixture.e), 0);
	assert_int_equal(pl_open("qnn-mo", NULL, &fixture.pl, &fixture.e), 0);
	assert_int_equal(pl_load(fixture.pl, n, 1, n->layer_count, &fixture.e), 0);
	assert_int_equal(pl_reach(fixture.pl), 3);
	assert_string_equal(pl_name(fixture.pl), "qnn-mo");
	assert_non_null(strstr(pl_stopped(fixture.pl), "to \"pool1\""));
	assert_non_null(strstr(pl_stopped(fixture.pl), "layer \"add\""));
	for (int i = 0; i < 6; i++) {
		int32_t scores[10];
		uint8_t *in = pl_input(fixture.pl, i % 2);

		for (size_t j = 0; j < shape_size(n->layers[1].in); j++)
			in[j] = random_word() & 3;
		assert_int_equal(pl_submit(fixture.pl, i % 2), 0);
		assert_int_equal(pl_wait(fixture.pl, i % 2, INT64_MAX), 0);
		assert_int_equal(pl_wait(fixture.pl, i % 2, 0), 0); /* it stays done */
		assert_int_equal(reference_run(n, 1, n->layer_count, in, scores), 0);
		assert_memory_equal(pl_output(fixture.pl, i % 2), scores, sizeof(scores));
	}
	assert_int_equal(jam_calls(), 6 * 4); /* the groups of conv1 */
	qnn_mo_fixture_end(&fixture);
}

/* A design that can take no layer is left alone. */
static void software_takes_the_place_of_a_design_without_layers(void **state)
{
	struct qnn_mo_fixture fixture = {.network = tiny_graph(2)};
	struct network *n = fixture.network;
	int32_t scores[10];

	(void)state;
	assert_int_equal(pl_open("qnn-mo", NULL, &fixture.pl, &fixture.e), 0);
	assert_string_equal(pl_name(fixture.pl), "qnn-mo");
	assert_string_equal(pl_name_with(fixture.pl, n, 6, n->layer_count), "software");
	assert_string_equal(pl_name_with(fixture.pl, n, 1, n->layer_count), "qnn-mo");
	assert_int_equal(pl_load(fixture.pl, n, 6, n->layer_count, &fixture.e), 0);
	assert_string_equal(pl_name(fixture.pl), "software");
	assert_false(pl_is_hardware(fixture.pl));
	assert_non_null(strstr(pl_stopped(fixture.pl), "layer \"average\""));
	assert_int_equal(jam.reconfigurations + jam.calls, 0);
	memset(pl_input(fixture.pl, 0), 2, shape_size(n->layers[6].in));
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), 0);
	assert_int_equal(reference_run(n, 6, n->layer_count, pl_input(fixture.pl, 0), scores), 0);
	assert_memory_equal(pl_output(fixture.pl, 0), scores, sizeof(scores));
	qnn_mo_fixture_end(&fixture);
}

static void large_pictures_are_refused(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_begin(62, 1)};

	(void)state;
	qnn_mo_network_pad(qnn_mo_network_add(fixture.network, LAYER_CONV, 1, 3, 1, 1), 3);
	qnn_mo_network_end(fixture.network);
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	assert_string_equal(pl_name(fixture.pl), "software");
	assert_non_null(strstr(pl_stopped(fixture.pl), "65 pixels"));
	qnn_mo_fixture_end(&fixture);
}

static void auto_leaves_it_alone(void **state)
{
	struct pl *pl;

	(void)state;
	assert_int_equal(pl_open("auto", NULL, &pl, NULL), 0);
	assert_string_not_equal(pl_name(pl), "qnn-mo");
	pl_close(pl);
}

static void bitstream_can_be_named(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	setenv("TWOBIT_BITSTREAM", "mine.bit", 1);
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	unsetenv("TWOBIT_BITSTREAM");
	assert_string_equal(jam.bitstream, "mine.bit");
	qnn_mo_fixture_end(&fixture);
}

/* Buffers run in the order of submission, while the caller does something else. */
static void two_buffers_under_way(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	jam_fault(JAM_HANGS, 1);
	qnn_mo_fixture_fill(&fixture, 0);
	qnn_mo_fixture_fill(&fixture, 1);
	assert_int_equal(pl_submit(fixture.pl, 1), 0);
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	qnn_mo_fixture_await(1);
	assert_int_equal(pl_wait(fixture.pl, 1, clock_now() + NS_PER_MS), -ETIMEDOUT);
	assert_int_equal(jam_calls(), 1);
	jam_release();
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), 0);
	assert_int_equal(pl_wait(fixture.pl, 1, 0), 0);
	qnn_mo_fixture_compare(&fixture, 0);
	qnn_mo_fixture_compare(&fixture, 1);
	qnn_mo_fixture_end(&fixture);
}

/* The model's own rules, each broken once. */
static void the_model_sees_mistakes(void **state)
{
	static const struct {
		uint32_t writes[12][2]; /* register, value; ended by {0, 0} */
		const char *rule;
	} cases[] = {
		{{{0x10, 0x10001000}, {0x1c, 0x10001000}, {0x44, 3}, {0x3c, 1}, {0x34, 1}, {0, 1}, {0, 1}},
			"started while it computes"},
		{{{0x10, 0x10001000}, {0x1c, 0x10001000}, {0x44, 3}, {0x3c, 1}, {0x34, 1}, {0, 1}, {0x44, 5}},
			"written while it computes"},
		{{{0x10, 0x10001004}, {0x1c, 0x10001000}, {0x44, 3}, {0x3c, 1}, {0x34, 1}, {0, 1}},
			"64-bit word"},
		{{{0x10, 0x10001000}, {0x1c, 0x20000000}, {0x44, 3}, {0x3c, 1}, {0x34, 1}, {0, 1}},
			"not in the memory"},
		{{{0x10, 0x10001000}, {0x1c, 0x10001000}, {0x44, 5}, {0x3c, 1}, {0x34, 1}, {0, 1}},
			"over its end"},
		{{{0x44, 4}, {0x3c, 1}, {0x34, 1}, {0, 1}}, "neither 3 nor 5"},
		{{{0x44, 3}, {0x3c, 1}, {0, 1}}, "before parameters were loaded"},
		{{{0x18, 1}}, "not there"},
		{{{0, 0x81}}, "not start"},
		{{{0x34, 2}}, "one bit"},
	};
	static const struct bus_window window = {"qnn-mo", JAM_REGISTERS};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bus_memory memory;
		struct bus *bus;

		jam_begin();
		assert_int_equal(bus_open(&bus_uio, &window, 1, NULL, &bus, NULL), 0);
		jam_fault(JAM_HANGS, 1);
		assert_int_equal(bus_allocate(bus, 84480, &memory, NULL), 0);
		for (const uint32_t(*w)[2] = cases[i].writes; (*w)[0] || (*w)[1]; w++)
			bus_write(bus, 0, (*w)[0], (*w)[1]);
		if (!strstr(jam.broken, cases[i].rule))
			fail_msg("case %zu: \"%s\"", i, jam.broken);
		bus_program(bus, NULL);
		bus_free(bus, &memory);
		bus_close(bus);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		QNN_MO_TEST(two_halves),
		QNN_MO_TEST(random_networks),
		QNN_MO_TEST(largest_layer),
		QNN_MO_TEST(scores_come_from_software),
		QNN_MO_TEST(networks_of_another_kind_are_refused),
		QNN_MO_TEST(strides_are_the_designs),
		QNN_MO_TEST(software_computes_the_rest_of_a_graph),
		QNN_MO_TEST(software_takes_the_place_of_a_design_without_layers),
		QNN_MO_TEST(large_pictures_are_refused),
		QNN_MO_TEST(auto_leaves_it_alone),
		QNN_MO_TEST(bitstream_can_be_named),
		QNN_MO_TEST(two_buffers_under_way),
		QNN_MO_TEST(the_model_sees_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
