/* SPDX-License-Identifier: MIT */
/* What libtwobit gives is what the program's own folders give, bit for bit; and what is wrong is refused. */
#include "nn/classify.h"
#include "nn/reference.h"
#include "support/folder.h"
#include "support/network_builder.h"
#include "support/network_spoiled.h"
#include "twobit.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIDE 32 /* of the tiny networks' input */
#define PIXELS (SIDE * SIDE * 3)
#define CLASSES 10
#define PICTURES 5

/* A network in memory, saved, and opened by the library. */
struct fixture {
	struct network *network;
	char *folder;
	struct twobit_network *opened;
};

static struct fixture open_saved(struct network *network)
{
	struct fixture f = {.network = network, .folder = network_saved(network)};
	struct twobit_error error;

	assert_int_equal(twobit_network_open(f.folder, &f.opened, &error), 0);
	return f;
}

static void end(struct fixture *f)
{
	twobit_network_close(f->opened);
	folder_destroy(f->folder);
	network_destroy(f->network);
}

static void fill(uint8_t *pixels, int number)
{
	for (int i = 0; i < PIXELS; i++)
		pixels[i] = (uint8_t)(i * (2 * number + 3) + number * i / 7);
}

static struct twobit_picture picture_of(const uint8_t *pixels)
{
	return (struct twobit_picture){.width = SIDE, .height = SIDE, .format = TWOBIT_RGB, .pixels = pixels};
}

/* All of a test's messages: each begins as it should, whatever numbers follow. */
static void assert_refused(int status, int expected, const struct twobit_error *error, const char *text)
{
	assert_int_equal(status, expected);
	assert_int_equal(error->code, expected);
	if (!strstr(error->text, text))
		fail_msg("\"%s\" has no \"%s\"", error->text, text);
}

static void a_network_tells_what_it_is(void **state)
{
	struct fixture f = open_saved(tiny_graph(3));
	struct twobit_layer layer;

	(void)state;
	assert_string_equal(twobit_network_name(f.opened), f.network->name);
	assert_string_equal(twobit_network_folder(f.opened), f.folder);
	assert_int_equal(twobit_network_classes(f.opened), CLASSES);
	assert_string_equal(twobit_network_label(f.opened, 9), "label 9");
	assert_null(twobit_network_label(f.opened, CLASSES));
	assert_null(twobit_network_label(f.opened, -1));
	assert_int_equal(twobit_network_layers(f.opened), f.network->layer_count);
	struct twobit_tensor in = twobit_network_tensor(f.opened, TWOBIT_INPUT);
	assert_int_equal(in.height, SIDE);
	assert_int_equal(in.channels, 3);
	assert_int_equal(in.bits, 8);
	assert_int_equal(twobit_tensor_bytes(in), PIXELS);
	struct twobit_tensor out = twobit_network_tensor(f.opened, f.network->layer_count - 1);
	assert_int_equal(out.bits, TWOBIT_SUMS);
	assert_int_equal(twobit_tensor_bytes(out), CLASSES * sizeof(int32_t));
	assert_int_equal(twobit_network_tensor(f.opened, f.network->layer_count).bits, 0);
	assert_int_equal(twobit_network_tensor(f.opened, -2).bits, 0);

	assert_int_equal(twobit_network_layer(f.opened, 0, &layer, sizeof(layer), NULL), 0);
	assert_string_equal(layer.name, "conv0");
	assert_string_equal(layer.kind, "conv");
	assert_int_equal(layer.inputs, 1);
	assert_int_equal(layer.from[0], TWOBIT_INPUT);
	assert_int_equal(layer.weight_bits, 8);
	assert_int_equal(layer.operations, layer_operations(&f.network->layers[0]));
	assert_int_equal(twobit_network_layer(f.opened, 4, &layer, sizeof(layer), NULL), 0);
	assert_string_equal(layer.kind, "add");
	assert_int_equal(layer.inputs, 2);
	assert_int_equal(layer.weight_bits, 0);
	end(&f);
}

/* A program that was built with another version has a longer or a shorter struct. */
static void a_layer_is_told_in_any_size(void **state)
{
	struct fixture f = open_saved(tiny_network(3));
	struct {
		struct twobit_layer known;
		char later[16], behind;
	} longer;
	struct twobit_layer shorter;

	(void)state;
	memset(&longer, 0x55, sizeof(longer));
	assert_int_equal(
		twobit_network_layer(f.opened, 1, &longer.known, sizeof(longer.known) + 16, NULL), 0);
	assert_string_equal(longer.known.name, "conv1");
	assert_memory_equal(longer.later, (char[16]){0}, 16);
	assert_int_equal(longer.behind, 0x55);
	memset(&shorter, 0x55, sizeof(shorter));
	assert_int_equal(
		twobit_network_layer(f.opened, 1, &shorter, offsetof(struct twobit_layer, kind), NULL), 0);
	assert_string_equal(shorter.name, "conv1");
	assert_int_equal(shorter.inputs, 0x55555555);
	end(&f);
}

/* Layer by layer as the reference, and in one run by the engine: the same numbers. */
static void layers_and_engine_agree(struct network *network)
{
	struct fixture f = open_saved(network);
	int layers = network->layer_count;
	void **made = calloc((size_t)layers + 1, sizeof(*made)), **of_layer = made + 1;
	struct twobit_engine *engine;
	int32_t scores[CLASSES];

	made[0] = malloc(PIXELS);
	fill(made[0], 1);
	for (int i = 0; i < layers; i++) {
		const void *inputs[TWOBIT_LAYER_INPUTS];
		struct twobit_layer layer;
		assert_int_equal(twobit_network_layer(f.opened, i, &layer, sizeof(layer), NULL), 0);
		for (int k = 0; k < layer.inputs; k++)
			inputs[k] = of_layer[layer.from[k]];
		of_layer[i] = malloc(twobit_tensor_bytes(twobit_network_tensor(f.opened, i)));
		assert_int_equal(twobit_layer_run(f.opened, i, inputs, of_layer[i], NULL), 0);
	}
	assert_int_equal(twobit_engine_open(f.opened, NULL, &engine, NULL), 0);
	assert_int_equal(twobit_engine_run(engine, made[0], scores, 1, NULL), 0);
	assert_memory_equal(scores, of_layer[layers - 1], sizeof(scores));
	assert_int_equal(reference_run(network, 0, layers, made[0], scores), 0);
	assert_memory_equal(scores, of_layer[layers - 1], sizeof(scores));
	twobit_engine_close(engine);
	for (int i = 0; i <= layers; i++)
		free(made[i]);
	free(made);
	end(&f);
}

static void a_chain_runs(void **state)
{
	(void)state;
	layers_and_engine_agree(tiny_network(11));
}

static void a_graph_runs(void **state)
{
	(void)state;
	layers_and_engine_agree(tiny_graph(12));
}

/* Whatever batch and threads, also where the last batch is not full, and in the middle of a network. */
static void batches_and_threads_change_nothing(void **state)
{
	static const struct twobit_engine_options options[] = {
		{.size = sizeof(options[0])},
		{.size = sizeof(options[0]), .batch = 2, .threads = 2},
		{.size = sizeof(options[0]), .batch = 64, .kernels = "scalar"},
	};
	struct fixture f = open_saved(tiny_network(13));
	uint8_t in[PICTURES * PIXELS];
	int32_t expected[PICTURES][CLASSES], scores[PICTURES][CLASSES];

	(void)state;
	for (int i = 0; i < PICTURES; i++) {
		fill(in + i * PIXELS, i);
		assert_int_equal(
			reference_run(f.network, 0, f.network->layer_count, in + i * PIXELS, expected[i]), 0);
	}
	for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
		struct twobit_engine *engine;
		assert_int_equal(twobit_engine_open(f.opened, &options[k], &engine, NULL), 0);
		memset(scores, 0, sizeof(scores));
		assert_int_equal(twobit_engine_run(engine, in, scores, PICTURES, NULL), 0);
		assert_memory_equal(scores, expected, sizeof(scores));
		twobit_engine_close(engine);
	}
	end(&f);
}

static void a_part_of_a_network_runs(void **state)
{
	struct twobit_engine_options first = {.size = sizeof(first), .last = 2},
				     rest = {.size = sizeof(rest), .first = 2};
	struct fixture f = open_saved(tiny_network(14));
	struct twobit_engine *engines[2];
	uint8_t in[PIXELS];
	int32_t expected[CLASSES], scores[CLASSES];

	(void)state;
	fill(in, 4);
	assert_int_equal(reference_run(f.network, 0, f.network->layer_count, in, expected), 0);
	assert_int_equal(twobit_engine_open(f.opened, &first, &engines[0], NULL), 0);
	assert_int_equal(twobit_engine_open(f.opened, &rest, &engines[1], NULL), 0);
	uint8_t *codes = malloc(twobit_tensor_bytes(twobit_network_tensor(f.opened, 1)));
	assert_int_equal(twobit_engine_run(engines[0], in, codes, 1, NULL), 0);
	assert_int_equal(twobit_engine_run(engines[1], codes, scores, 1, NULL), 0);
	assert_memory_equal(scores, expected, sizeof(scores));
	free(codes);
	twobit_engine_close(engines[0]);
	twobit_engine_close(engines[1]);
	end(&f);
}

/* One picture in every format, the right way round and with gaps, gives one input. */
static void formats_are_read(void **state)
{
	static const struct {
		enum twobit_format format;
		int bytes, at[3];
	} formats[] = {{TWOBIT_RGB, 3, {0, 1, 2}}, {TWOBIT_BGR, 3, {2, 1, 0}}, {TWOBIT_RGBX, 4, {0, 1, 2}},
		{TWOBIT_BGRX, 4, {2, 1, 0}}};
	struct fixture f = open_saved(tiny_network(15));
	uint8_t rgb[PIXELS], pixels[SIDE * (SIDE * 4 + 5)], codes[PIXELS];
	struct twobit_area area;

	(void)state;
	fill(rgb, 2);
	for (size_t k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
		int bytes = formats[k].bytes, stride = SIDE * bytes + 5;
		for (int y = 0; y < SIDE; y++)
			for (int x = 0; x < SIDE; x++)
				for (int c = 0; c < 3; c++)
					pixels[y * stride + x * bytes + formats[k].at[c]] =
						rgb[(y * SIDE + x) * 3 + c];
		struct twobit_picture picture = picture_of(pixels);
		picture.format = formats[k].format;
		picture.stride = stride;
		memset(codes, 0, sizeof(codes));
		assert_int_equal(twobit_picture_codes(f.opened, &picture, codes, &area, NULL), 1);
		assert_memory_equal(codes, rgb, sizeof(codes));
		assert_int_equal(area.x, 0);
		assert_int_equal(area.width, SIDE);
	}
	struct twobit_picture grey = picture_of(rgb);
	grey.format = TWOBIT_GREY;
	assert_int_equal(twobit_picture_codes(f.opened, &grey, codes, NULL, NULL), 1);
	for (int i = 0; i < SIDE * SIDE * 3; i++)
		assert_int_equal(codes[i], rgb[i / 3]);
	end(&f);
}

/* The middle of a larger picture, from a row order that is upside down. */
static void the_middle_is_looked_at(void **state)
{
	struct fixture f = open_saved(tiny_network(16));
	uint8_t wide[SIDE][3 * SIDE][3], codes[PIXELS];
	struct twobit_area area;

	(void)state;
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < 3 * SIDE; x++)
			for (int c = 0; c < 3; c++)
				wide[y][x][c] = (uint8_t)(5 * y + x + 40 * c);
	struct twobit_picture picture = {
		3 * SIDE, SIDE, TWOBIT_RGB, TWOBIT_FROM_FILE, wide[SIDE - 1][0], -(ptrdiff_t)sizeof(wide[0])};
	assert_int_equal(twobit_picture_codes(f.opened, &picture, codes, &area, NULL), 1);
	assert_int_equal(area.x, SIDE);
	assert_int_equal(area.y, 0);
	assert_int_equal(area.width, SIDE);
	assert_int_equal(codes[(3 * SIDE + 7) * 3 + 1], wide[SIDE - 1 - 3][SIDE + 7][1]);
	end(&f);
}

static void assert_answer(
	const struct twobit_answer *answer, const struct network *network, const uint8_t *in)
{
	int32_t scores[CLASSES];
	double work[CLASSES];
	struct classification expected;

	assert_int_equal(reference_run(network, 0, network->layer_count, in, scores), 0);
	classify_scores(network, scores, work, &expected);
	struct headline headline = classification_headline(&expected, classification_threshold(network, -1));
	const char *name = headline_name(&headline, network);
	assert_int_equal(answer->count, CLASSES);
	for (int i = 0; i < CLASSES; i++) {
		assert_int_equal(answer->top[i].class_index, expected.top[i].index);
		assert_float_equal(answer->top[i].confidence, expected.top[i].confidence, 0);
	}
	assert_int_equal(!answer->name, !name);
	if (name)
		assert_string_equal(answer->name, name);
	assert_float_equal(answer->confidence, headline.confidence, 0);
}

static void pictures_are_classified(void **state)
{
	struct twobit_engine_options options = {.size = sizeof(options), .batch = 2};
	struct fixture f = open_saved(tiny_network(17));
	struct twobit_engine *engine;
	uint8_t in[PICTURES][PIXELS];
	struct twobit_picture pictures[PICTURES];
	struct twobit_answer answers[PICTURES], one;
	int32_t scores[CLASSES];

	(void)state;
	for (int i = 0; i < PICTURES; i++) {
		fill(in[i], i);
		pictures[i] = picture_of(in[i]);
	}
	assert_int_equal(twobit_engine_open(f.opened, &options, &engine, NULL), 0);
	assert_int_equal(twobit_engine_classify(engine, pictures, PICTURES, answers, NULL), 0);
	for (int i = 0; i < PICTURES; i++) {
		assert_answer(&answers[i], f.network, in[i]);
		assert_int_equal(answers[i].area.width, SIDE);
	}
	assert_int_equal(twobit_engine_classify(engine, NULL, 0, NULL, NULL), 0);
	assert_int_equal(twobit_engine_run(engine, in[1], scores, 1, NULL), 0);
	assert_int_equal(twobit_network_answer(f.opened, scores, &one, NULL), 0);
	assert_answer(&one, f.network, in[1]);
	twobit_engine_close(engine);
	end(&f);
}

/* A network that looks for a face finds none in a plain picture, and the pictures around it are answered. */
static void a_picture_without_a_face_has_no_answer(void **state)
{
	struct network *network = tiny_network(18);
	struct twobit_engine_options options = {.size = sizeof(options), .batch = 2};
	static uint8_t plain[64 * 64 * 3], in[PIXELS];
	struct twobit_engine *engine;
	struct twobit_answer answers[3];

	(void)state;
	network->view = (struct view){.kind = VIEW_FACE, .fill = 0.9};
	struct fixture f = open_saved(network);
	fill(in, 5);
	struct twobit_picture pictures[3] = {picture_of(in), picture_of(plain), picture_of(in)};
	pictures[1].width = pictures[1].height = 64;
	assert_int_equal(twobit_engine_open(f.opened, &options, &engine, NULL), 0);
	assert_int_equal(twobit_engine_classify(engine, pictures, 3, answers, NULL), 0);
	assert_answer(&answers[0], f.network, in);
	assert_int_equal(answers[1].count, 0);
	assert_null(answers[1].name);
	assert_answer(&answers[2], f.network, in);
	twobit_engine_close(engine);
	end(&f);
}

static void networks_that_are_not_there(void **state)
{
	struct twobit_network *network = (void *)1;
	struct twobit_error error;

	(void)state;
	assert_refused(twobit_network_open(NULL, &network, &error), -EINVAL, &error, "name is missing");
	assert_null(network);
	assert_refused(
		twobit_network_open("no-such/network", &network, &error), -ENOENT, &error, "no-such/network");
	assert_null(network);
	assert_int_equal(twobit_network_open("no-such/network", &network, NULL), -ENOENT);
	twobit_network_close(NULL);
	twobit_engine_close(NULL);
}

static void wrong_pictures_are_refused(void **state)
{
	struct fixture f = open_saved(tiny_network(19));
	struct twobit_engine *engine;
	struct twobit_answer answers[2];
	struct twobit_error error;
	uint8_t in[PIXELS];

	(void)state;
	fill(in, 1);
	assert_int_equal(twobit_engine_open(f.opened, NULL, &engine, NULL), 0);
	struct twobit_picture good = picture_of(in), bad = good;
	bad.width = 16385;
	struct twobit_picture both[2] = {good, bad};
	assert_refused(
		twobit_engine_classify(engine, both, 2, answers, &error), -EINVAL, &error, "16385×32 pixels");
	assert_answer(&answers[0], f.network, in);
	bad = good;
	bad.height = 0;
	assert_refused(
		twobit_engine_classify(engine, &bad, 1, answers, &error), -EINVAL, &error, "32×0 pixels");
	bad = good;
	bad.pixels = NULL;
	assert_refused(
		twobit_engine_classify(engine, &bad, 1, answers, &error), -EINVAL, &error, "no pixels");
	bad = good;
	bad.format = (enum twobit_format)5;
	assert_refused(twobit_picture_codes(f.opened, &bad, in, NULL, &error), -EINVAL, &error, "format 5");
	bad = good;
	bad.origin = (enum twobit_origin)3;
	assert_refused(twobit_picture_codes(f.opened, &bad, in, NULL, &error), -EINVAL, &error, "origin 3");
	twobit_engine_close(engine);
	end(&f);
}

static void wrong_options_are_refused(void **state)
{
	static const struct {
		struct twobit_engine_options options;
		int status;
		const char *text;
	} cases[] = {
		{{.size = 8}, -EINVAL, "size is 8"},
		{{.size = sizeof(cases[0].options), .first = -1}, -EINVAL, "layers -1"},
		{{.size = sizeof(cases[0].options), .last = 6}, -EINVAL, "before 6"},
		{{.size = sizeof(cases[0].options), .first = 2, .last = 2}, -EINVAL, "layers 2 to before 2"},
		{{.size = sizeof(cases[0].options), .batch = 1025}, -EINVAL, "1025"},
		{{.size = sizeof(cases[0].options), .threads = 65}, -EINVAL, "65"},
		{{.size = sizeof(cases[0].options), .kernels = "abacus"}, -ENOTSUP, "abacus"},
	};
	struct fixture f = open_saved(tiny_network(20));
	struct twobit_engine *engine;
	struct twobit_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_refused(twobit_engine_open(f.opened, &cases[i].options, &engine, &error),
			cases[i].status, &error, cases[i].text);
		assert_null(engine);
	}
	end(&f);
}

/* 2-bit codes of 3 at most go into conv1. */
static void codes_out_of_range_are_refused(void **state)
{
	struct twobit_engine_options options = {.size = sizeof(options), .first = 1};
	struct fixture f = open_saved(tiny_network(21));
	struct twobit_tensor in = twobit_network_tensor(f.opened, 0);
	uint8_t *codes = calloc(2, twobit_tensor_bytes(in)), out[24 * 64];
	int32_t scores[2 * CLASSES];
	struct twobit_engine *engine;
	struct twobit_answer answer;
	struct twobit_error error;

	(void)state;
	codes[2 * twobit_tensor_bytes(in) - 1] = 4;
	assert_int_equal(twobit_engine_open(f.opened, &options, &engine, NULL), 0);
	assert_int_equal(twobit_engine_run(engine, codes, scores, 1, NULL), 0);
	assert_refused(twobit_engine_run(engine, codes, scores, 2, &error), -EINVAL, &error, "code 4");
	assert_refused(twobit_engine_run(engine, codes, scores, -1, &error), -EINVAL, &error, "-1");
	assert_refused(
		twobit_engine_classify(engine, NULL, 0, &answer, &error), -EINVAL, &error, "not all layers");
	const void *second = codes + twobit_tensor_bytes(in);
	assert_refused(twobit_layer_run(f.opened, 1, &second, out, &error), -EINVAL, &error, "conv1: ");
	assert_refused(twobit_layer_run(f.opened, 5, &second, out, &error), -EINVAL, &error, "no layer 5");
	twobit_engine_close(engine);
	free(codes);
	end(&f);
}

static void codes_have_no_names(void **state)
{
	struct fixture f = open_saved(tiny_odd_network());
	struct twobit_engine *engine;
	struct twobit_answer answer;
	struct twobit_error error;

	(void)state;
	assert_int_equal(twobit_network_classes(f.opened), 0);
	assert_int_equal(twobit_engine_open(f.opened, NULL, &engine, NULL), 0);
	assert_refused(
		twobit_engine_classify(engine, NULL, 0, &answer, &error), -EINVAL, &error, "names classes");
	assert_refused(twobit_network_answer(f.opened, (int32_t[]){0}, &answer, &error), -EINVAL, &error,
		"ends in codes");
	twobit_engine_close(engine);
	end(&f);
}

/* Opens the network of a folder for itself, and classifies with it again and again. */
struct worker {
	const struct fixture *own;
	int wrong;
};

static void classify_again(const struct twobit_network *network, const struct network *expected, int *wrong)
{
	struct twobit_engine *engine;
	uint8_t in[PIXELS];
	int32_t scores[CLASSES], right[CLASSES];

	if (twobit_engine_open(network, NULL, &engine, NULL)) {
		(*wrong)++;
		return;
	}
	for (int i = 0; i < PICTURES; i++) {
		fill(in, i);
		*wrong += reference_run(expected, 0, expected->layer_count, in, right) != 0;
		*wrong += twobit_engine_run(engine, in, scores, 1, NULL) != 0;
		*wrong += memcmp(scores, right, sizeof(right)) != 0;
	}
	twobit_engine_close(engine);
}

static void *work(void *argument)
{
	struct worker *w = argument;
	struct twobit_network *network;

	if (twobit_network_open(w->own->folder, &network, NULL)) {
		w->wrong++;
		return NULL;
	}
	classify_again(network, w->own->network, &w->wrong);
	twobit_network_close(network);
	classify_again(w->own->opened, w->own->network, &w->wrong);
	return NULL;
}

/* Two with a network each, two that share one. TSan watches. */
static void threads_use_networks_of_their_own_and_one_together(void **state)
{
	struct fixture networks[2] = {open_saved(tiny_network(22)), open_saved(tiny_graph(23))};
	struct worker workers[4] = {
		{.own = &networks[0]}, {.own = &networks[1]}, {.own = &networks[0]}, {.own = &networks[1]}};
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].wrong, 0);
	}
	end(&networks[0]);
	end(&networks[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_tells_what_it_is),
		cmocka_unit_test(a_layer_is_told_in_any_size),
		cmocka_unit_test(a_chain_runs),
		cmocka_unit_test(a_graph_runs),
		cmocka_unit_test(batches_and_threads_change_nothing),
		cmocka_unit_test(a_part_of_a_network_runs),
		cmocka_unit_test(formats_are_read),
		cmocka_unit_test(the_middle_is_looked_at),
		cmocka_unit_test(pictures_are_classified),
		cmocka_unit_test(a_picture_without_a_face_has_no_answer),
		cmocka_unit_test(networks_that_are_not_there),
		cmocka_unit_test(wrong_pictures_are_refused),
		cmocka_unit_test(wrong_options_are_refused),
		cmocka_unit_test(codes_out_of_range_are_refused),
		cmocka_unit_test(codes_have_no_names),
		cmocka_unit_test(threads_use_networks_of_their_own_and_one_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
