/* SPDX-License-Identifier: MIT */
/* One picture after the other on a simulated PL in hardware that hangs, errs and corrupts. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "image/picture.h"
#include "nn/classify.h"
#include "nn/reference.h"
#include "pipeline/classifier.h"
#include "pl/pl.h"
#include "support/layer.h"
#include "support/network_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PICTURES 6

enum cure { BY_ITSELF, BY_RESET, BY_PROGRAM, NEVER };

/* From its `from`th call on, the PL does `status` (−EBADMSG: another answer) until it is cured. */
static struct simulation {
	const char *name;
	bool software, reset_fails, program_fails;
	int from, status;
	enum cure cure;
	int calls, resets, reconfigurations;
	bool cured;
	int64_t shortest, longest; /* that somebody would have waited */
	int32_t wrong[16];
} simulation;

const char *__wrap_pl_name(const struct pl *pl);
bool __wrap_pl_is_hardware(const struct pl *pl);
int __real_pl_wait(struct pl *pl, int buffer, int64_t deadline);
int __wrap_pl_wait(struct pl *pl, int buffer, int64_t deadline);
const int32_t *__real_pl_output(struct pl *pl, int buffer);
const int32_t *__wrap_pl_output(struct pl *pl, int buffer);
int __real_pl_reset(struct pl *pl);
int __wrap_pl_reset(struct pl *pl);
int __wrap_pl_program(struct pl *pl, struct error *e);

const char *__wrap_pl_name(const struct pl *pl)
{
	(void)pl;
	return simulation.name;
}

bool __wrap_pl_is_hardware(const struct pl *pl)
{
	(void)pl;
	return !simulation.software;
}

static bool ill(void)
{
	return simulation.calls > simulation.from && !simulation.cured;
}

int __wrap_pl_wait(struct pl *pl, int buffer, int64_t deadline)
{
	int64_t timeout = deadline - clock_now();
	int status = __real_pl_wait(pl, buffer, INT64_MAX);

	if (timeout < simulation.shortest)
		simulation.shortest = timeout;
	if (timeout > simulation.longest)
		simulation.longest = timeout;
	simulation.calls++;
	if (!ill() || simulation.status == -EBADMSG)
		return status;
	simulation.cured = simulation.cure == BY_ITSELF;
	return simulation.status;
}

const int32_t *__wrap_pl_output(struct pl *pl, int buffer)
{
	const int32_t *right = __real_pl_output(pl, buffer);

	if (!ill() || simulation.status != -EBADMSG)
		return right;
	memcpy(simulation.wrong, right, 10 * sizeof(*right));
	simulation.wrong[3] ^= 1;
	return simulation.wrong;
}

int __wrap_pl_reset(struct pl *pl)
{
	simulation.resets++;
	simulation.cured |= simulation.cure == BY_RESET;
	return simulation.reset_fails ? -ENOTRECOVERABLE : __real_pl_reset(pl);
}

int __wrap_pl_program(struct pl *pl, struct error *e)
{
	(void)pl;
	simulation.reconfigurations++;
	if (simulation.program_fails)
		return error_set(e, -EIO, "the simulated PL takes no design");
	simulation.cured |= simulation.cure == BY_PROGRAM;
	return 0;
}

static struct simulation sound(void)
{
	return (struct simulation){.name = "overlay", .from = INT32_MAX, .shortest = INT64_MAX};
}

/* What a run came to: the first status that is not 0, and where. */
struct outcome {
	int created, classified, pictures, wrong;
	enum failure where;
	struct error e;
};

static const struct classifier_options software = {.pl = "software"};

static void classify_picture(
	struct classifier *classifier, const struct network *network, int number, struct outcome *outcome)
{
	struct picture picture = {0};
	struct classification result;
	int32_t scores[16];
	uint8_t input[32 * 32 * 3];

	assert_int_equal(picture_resize(&picture, 32, 32), 0);
	for (int i = 0; i < 32 * 32 * 4; i++)
		picture.data[i] = (uint8_t)(i * (number + 3));
	outcome->classified =
		classifier_run(classifier, VIEW_FROM_FILE, &picture, NULL, &result, &outcome->e);
	if (!outcome->classified) {
		view_input(&network->view, VIEW_FROM_FILE, &picture, classifier_area(classifier), input, 32,
			32, 3, 8);
		assert_int_equal(reference_run(network, 0, network->layer_count, input, scores), 0);
		outcome->wrong += memcmp(scores, classifier_scores(classifier, 0), 10 * sizeof(*scores)) != 0;
		outcome->pictures++;
	}
	picture_finish(&picture);
}

static struct outcome run(struct simulation wanted)
{
	struct network *network = tiny_network(7);
	struct classifier *classifier;
	struct outcome outcome = {0};

	simulation = wanted;
	outcome.created = classifier_create(network, &software, &classifier, &outcome.where, &outcome.e);
	for (int i = 0; i < PICTURES && !outcome.created && !outcome.classified; i++)
		classify_picture(classifier, network, i, &outcome);
	classifier_destroy(classifier);
	network_destroy(network);
	return outcome;
}

static void assert_right(const struct outcome *outcome)
{
	assert_int_equal(outcome->created, 0);
	assert_int_equal(outcome->classified, 0);
	assert_int_equal(outcome->pictures, PICTURES);
	assert_int_equal(outcome->wrong, 0);
}

static void a_sound_pl_is_tested_once(void **state)
{
	struct outcome outcome = run(sound());

	(void)state;
	assert_right(&outcome);
	assert_int_equal(simulation.calls, 1 + PICTURES);
	assert_int_equal(simulation.resets + simulation.reconfigurations, 0);
}

/* One engine computes the whole network, in this thread. */
static void software_needs_no_pl(void **state)
{
	struct simulation s = sound();

	(void)state;
	s.name = "software";
	s.software = true;
	struct outcome outcome = run(s);
	assert_right(&outcome);
	assert_int_equal(simulation.calls, 0);
}

/* Pictures taken one after the other have the scores that each has alone. */
static void batches_are_right(void **state)
{
	enum { BATCH = 5 };

	(void)state;
	for (int hardware = 0; hardware < 2; hardware++) {
		struct network *network = tiny_network(7);
		struct classifier_options options = {.pl = "software", .batch = BATCH};
		struct picture picture = {0};
		struct classifier *classifier;
		struct classification result;
		enum failure where;
		uint8_t inputs[BATCH][32 * 32 * 3];
		int32_t scores[16];

		simulation = sound();
		simulation.software = !hardware;
		assert_int_equal(classifier_create(network, &options, &classifier, &where, NULL), 0);
		assert_int_equal(picture_resize(&picture, 32, 32), 0);
		for (int count = BATCH; count > 0; count -= 2) {
			for (int n = 0; n < count; n++) {
				for (int i = 0; i < 32 * 32 * 4; i++)
					picture.data[i] = (uint8_t)(i * (7 * n + count));
				assert_true(classifier_look(classifier, VIEW_FROM_FILE, &picture, NULL));
				view_input(&network->view, VIEW_FROM_FILE, &picture,
					classifier_area(classifier), inputs[n], 32, 32, 3, 8);
			}
			assert_int_equal(classifier_compute(classifier, NULL), 0);
			for (int n = 0; n < count; n++) {
				assert_int_equal(
					reference_run(network, 0, network->layer_count, inputs[n], scores),
					0);
				assert_memory_equal(
					classifier_scores(classifier, n), scores, 10 * sizeof(*scores));
				classifier_result(classifier, n, &result);
				assert_true(result.count > 0);
			}
		}
		classifier_destroy(classifier);
		picture_finish(&picture);
		network_destroy(network);
	}
}

/* Never without end; and as long as simulating a large network takes, where it is simulated. */
static void the_timeout_is_finite(void **state)
{
	struct simulation s = sound();

	(void)state;
	run(s);
	assert_true(simulation.shortest > 0);
	assert_true(simulation.longest <= 10 * NS_PER_S);
	s.name = "rtl";
	run(s);
	assert_true(simulation.shortest > 600 * NS_PER_S);
	assert_true(simulation.longest <= 3600 * NS_PER_S);
}

static void the_pl_is_recovered(void **state)
{
	static const struct {
		int from, status;
		enum cure cure;
		bool reset_fails;
		int resets, reconfigurations;
	} trials[] = {
		{3, -ETIMEDOUT, BY_ITSELF, false, 1, 0},
		{3, -ETIMEDOUT, BY_RESET, false, 1, 0},
		{3, -EIO, BY_RESET, false, 1, 0},
		{3, -EIO, BY_PROGRAM, false, 2, 1},
		{3, -ETIMEDOUT, BY_PROGRAM, false, 2, 1},
		{3, -ETIMEDOUT, BY_PROGRAM, true, 1, 1},
		{0, -ETIMEDOUT, BY_RESET, false, 1, 0},
		{0, -EBADMSG, BY_RESET, false, 1, 0},
		{0, -EBADMSG, BY_PROGRAM, false, 2, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
		struct simulation s = sound();
		s.from = trials[i].from;
		s.status = trials[i].status;
		s.cure = trials[i].cure;
		s.reset_fails = trials[i].reset_fails;
		struct outcome outcome = run(s);
		assert_right(&outcome);
		assert_int_equal(simulation.resets, trials[i].resets);
		assert_int_equal(simulation.reconfigurations, trials[i].reconfigurations);
	}
}

static void a_pl_that_is_never_right_computes_nothing(void **state)
{
	struct simulation s = sound();

	(void)state;
	s.from = 0;
	s.status = -EBADMSG;
	s.cure = NEVER;
	struct outcome outcome = run(s);
	assert_int_equal(outcome.created, -EBADMSG);
	assert_int_equal(outcome.where, FAILURE_PL);
	assert_int_equal(simulation.calls, 3);
	assert_string_equal(outcome.e.text,
		"at its first self-test the PL (overlay) gave a wrong answer, even "
		"programmed again; --pl software does without it");
}

static void a_pl_that_hangs_for_good_ends_the_run(void **state)
{
	struct simulation s = sound();

	(void)state;
	s.from = 3;
	s.status = -ETIMEDOUT;
	s.cure = NEVER;
	struct outcome outcome = run(s);
	assert_int_equal(outcome.created, 0);
	assert_int_equal(outcome.classified, -ETIMEDOUT);
	assert_int_equal(outcome.pictures, 2);
	assert_int_equal(simulation.calls, 3 + 3);
	assert_string_equal(outcome.e.text,
		"at a picture the PL (overlay) did not finish in time, even "
		"programmed again; --pl software does without it");
}

static void what_cannot_be_programmed_says_why(void **state)
{
	struct simulation s = sound();

	(void)state;
	s.from = 3;
	s.status = -EIO;
	s.cure = NEVER;
	s.program_fails = true;
	struct outcome outcome = run(s);
	assert_int_equal(outcome.classified, -EIO);
	assert_string_equal(outcome.e.text, "the simulated PL takes no design");
}

/* height x width pixels in, 4 x 6 in the PL, 3 scores. */
static struct network *wide_network(int height, int width, int channels)
{
	struct network *network = tiny_network(7);
	struct layer *l = network->layers;
	uint32_t seed = 11;

	for (int i = 0; i < 5; i++)
		layer_free_arrays(&l[i]);
	for (int i = 0; i < 5; i++)
		free(l[i].name);
	l[0] = tiny_layer(
		"conv0", LAYER_CONV, (struct shape){height, width, channels}, 8, 3, 2, 1, 1, 8, 8, 2);
	l[1] = tiny_layer("conv1", LAYER_CONV, l[0].out, 8, 3, 2, 1, 1, 2, 1, 2);
	l[2] = tiny_layer("scores", LAYER_FULLY_CONNECTED, l[1].out, 10, 1, 1, 0, 1, 2, 1, 32);
	for (int i = 0; i < 3; i++)
		tiny_layer_fill(&l[i], &seed);
	network->layer_count = 3;
	return network;
}

/* A picture of the network's own size enters unchanged, wherever it comes from. */
static void own_size_enters_unchanged(void **state)
{
	static const int sizes[][2] = {{20, 32}, {32, 20}, {20, 33}, {7, 31}};

	(void)state;
	simulation = sound();
	simulation.software = true;
	for (size_t i = 0; i < 3 * sizeof(sizes) / sizeof(*sizes); i++) {
		int height = sizes[i / 3][0], width = sizes[i / 3][1], channels = i % 2 ? 1 : 3;
		struct network *network = wide_network(height, width, channels);
		struct picture picture = {0};
		struct classification result;
		struct classifier *classifier;
		enum failure where;
		int32_t scores[10];
		uint8_t input[32 * 33 * 3];

		assert_int_equal(network_check(network, NULL), 0);
		assert_int_equal(classifier_create(network, &software, &classifier, &where, NULL), 0);
		assert_int_equal(picture_resize(&picture, width, height), 0);
		for (int p = 0; p < height * width; p++)
			for (int c = 0; c < 3; c++) {
				uint8_t value = (uint8_t)(p * 37 + (channels == 3 ? c * 91 : 0));
				picture.data[p * 4 + 2 - c] = input[p * channels + c % channels] = value;
			}
		assert_int_equal(
			classifier_run(classifier, (enum view_origin)(i % 3), &picture, NULL, &result, NULL),
			0);
		assert_int_equal(reference_run(network, 0, 3, input, scores), 0);
		assert_memory_equal(classifier_scores(classifier, 0), scores, sizeof(scores));
		classifier_destroy(classifier);
		picture_finish(&picture);
		network_destroy(network);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_pl_is_tested_once),
		cmocka_unit_test(software_needs_no_pl),
		cmocka_unit_test(batches_are_right),
		cmocka_unit_test(the_timeout_is_finite),
		cmocka_unit_test(the_pl_is_recovered),
		cmocka_unit_test(a_pl_that_is_never_right_computes_nothing),
		cmocka_unit_test(a_pl_that_hangs_for_good_ends_the_run),
		cmocka_unit_test(what_cannot_be_programmed_says_why),
		cmocka_unit_test(own_size_enters_unchanged),
	};

	log_configure(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
