/* SPDX-License-Identifier: MIT */
/* Arrays, texts and whole folders that must not load; networks in memory that must not pass. */
#include "base/error.h"
#include "nn/format/load.h"
#include "nn/format/npy.h"
#include "support/folder.h"
#include "support/network_builder.h"
#include "support/network_spoiled.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Writes an array of bytes or integers over a file of the folder. */
static void array_refused(const char *name, const struct npy *shape, const void *values, const char *message)
{
	struct spoiled s = spoiled_begin();
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", s.folder, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(npy_write(file, shape, values), 0);
	fclose(file);
	spoiled_refused(&s, message);
}

static void odd_arrays_are_refused(void **state)
{
	(void)state;
	uint8_t bytes[2048] = {0};
	int32_t numbers[72] = {0};
	float reals[10] = {1, 1, 1, INFINITY};

	array_refused("conv1.weights.npy", &(struct npy){"u1", 2, {24, 10}}, bytes,
		"network.json: layer \"conv1\": field \"weights\": conv1.weights.npy has the wrong shape: "
		"(24, 9) "
		"expected, (24, 10) found");
	array_refused("conv1.weights.npy", &(struct npy){"i1", 2, {24, 9}}, bytes,
		"network.json: layer \"conv1\": field \"weights\": conv1.weights.npy is of type \"i1\", "
		"\"u1\" expected");
	numbers[4] = 1;
	array_refused("conv1.thresholds.npy", &(struct npy){"i4", 2, {24, 3}}, numbers,
		"network.json: layer \"conv1\": field \"thresholds\": channel 1 does not ascend: 0 comes "
		"after 1");
	bytes[3] = 2;
	array_refused("conv1.invert.npy", &(struct npy){"u1", 1, {24}}, bytes,
		"network.json: layer \"conv1\": field \"invert\": channel 3 holds 2, not 0 or 1");
	array_refused("fc1.scale.npy", &(struct npy){"f4", 1, {10}}, reals,
		"network.json: field \"scale\": class 3 is not a finite number");
}

static void odd_files_are_refused(void **state)
{
	(void)state;
	static uint8_t large[100000];
	char path[300];

	struct spoiled s = spoiled_begin();
	spoiled_put(&s, "conv1.weights.npy", large, sizeof(large));
	spoiled_refused(&s,
		"network.json: layer \"conv1\": field \"weights\": conv1.weights.npy is too long: 100000 "
		"bytes, at "
		"most 65752 expected");
	s = spoiled_begin();
	spoiled_put(&s, "fc0.thresholds.npy", large, 100);
	spoiled_refused(&s,
		"network.json: layer \"fc0\": field \"thresholds\": fc0.thresholds.npy is no .npy file: it "
		"does not "
		"begin with \\x93NUMPY");
	s = spoiled_begin();
	snprintf(path, sizeof(path), "%s/conv0.weights.npy", s.folder);
	unlink(path);
	spoiled_refused(&s, "network.json: layer \"conv0\": field \"weights\": conv0.weights.npy is missing");
	s = spoiled_begin();
	snprintf(path, sizeof(path), "%s/conv0.weights.npy", s.folder);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	spoiled_refused(&s,
		"network.json: layer \"conv0\": field \"weights\": conv0.weights.npy is not a regular file");
	s = spoiled_begin();
	spoiled_put(&s, "labels.txt", "a\nb\n", 4);
	spoiled_refused(&s, "labels.txt:2: ends after 2 labels, the network has 10 classes");
	s = spoiled_begin();
	spoiled_put(&s, "groups.txt", "a: label 0\nb: label 99\n", 23);
	spoiled_refused(&s, "groups.txt:2: \"label 99\" is not one of the network's labels");
	s = spoiled_begin();
	spoiled_put(&s, "network.json", "{\n \"a\": }", 9);
	spoiled_refused(&s, "network.json:2:7: is not JSON: unexpected token near '}'");
	s = spoiled_begin();
	spoiled_put(&s, "network.json", "[]", 2);
	spoiled_refused(&s, "network.json: is not an object");
	s = spoiled_begin();
	snprintf(path, sizeof(path), "%s/network.json", s.folder);
	unlink(path);
	spoiled_refused(&s, "network.json: is missing");

	struct network *network = NULL;
	struct error e = {0};
	assert_int_equal(network_load("/nonexistent/network", &network, &e), -ENOENT);
	assert_string_equal(e.text,
		"/nonexistent/network: the network's folder cannot be opened: No such file or directory");
}

/* Rows of layer f are 9 bits, in two bytes. */
static void spare_bits_are_zero(void **state)
{
	(void)state;
	struct network *network = tiny_odd_network();
	struct spoiled s = {network_saved(network), json_object()};
	char path[300];

	snprintf(path, sizeof(path), "%s/f.weights.npy", s.folder);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(npy_write(file, &(struct npy){"u1", 2, {3, 2}}, (uint8_t[]){255, 1, 0, 0, 0, 2}), 0);
	fclose(file);
	network_destroy(network);
	spoiled_refused(&s,
		"network.json: layer \"f\": field \"weights\": f.weights.npy has spare bits at the end of a "
		"row that "
		"are not zero");
}

static void roots_are_checked(void **state)
{
	(void)state;
	struct spoiled s = spoiled_begin();
	json_object_set_new(s.root, "format", json_integer(2));
	spoiled_write(&s);
	spoiled_refused(&s, "network.json: field \"format\": 2 is unknown; this program reads 1");
	s = spoiled_begin();
	json_object_set_new(s.root, "network", json_string("a\nb"));
	spoiled_write(&s);
	spoiled_refused(&s, "network.json: field \"network\": holds a control character");
	s = spoiled_begin();
	json_object_del(s.root, "labels");
	json_object_del(s.root, "groups");
	spoiled_write(&s);
	spoiled_refused(&s, "network.json: field \"labels\": is missing");
	s = spoiled_begin();
	json_object_set_new(s.root, "layers", json_array());
	spoiled_write(&s);
	spoiled_refused(&s, "network.json: field \"layers\": is not a list of 1 … 256 layers");
	s = spoiled_begin();
	json_array_remove(json_object_get(s.root, "layers"), 4);
	spoiled_write(&s);
	spoiled_refused(&s,
		"network.json: field \"labels\": the network ends with codes, not with scores of classes");
	s = spoiled_begin();
	json_object_set_new(spoiled_layer(&s, 2), "name", json_string("a/b"));
	spoiled_write(&s);
	spoiled_refused(&s,
		"network.json: layer 2: field \"name\": is not 1 … 64 letters, digits, \"_\", \"-\" and "
		"\".\"");
}

static void number_refused(const char *field, json_t *value, const char *message)
{
	struct spoiled s = spoiled_begin();
	char text[300];

	json_object_set_new(s.root, field, value);
	spoiled_write(&s);
	snprintf(text, sizeof(text), "network.json: field \"%s\": %s", field, message);
	spoiled_refused(&s, text);
}

static void odd_confidences_are_refused(void **state)
{
	(void)state;
	number_refused("temperature", json_string("1"), "is not a number");
	number_refused("temperature", json_null(), "is not a number");
	number_refused("temperature", json_integer(0), "is not above 0");
	number_refused("temperature", json_real(-2), "is not above 0");
	number_refused("temperature", json_real(1e-3), "0.001 is not within 0.01 … 100");
	number_refused("temperature", json_integer(101), "101 is not within 0.01 … 100");
	number_refused("unknown_below", json_true(), "is not a number");
	number_refused("unknown_below", json_real(0), "is not above 0");
	number_refused("unknown_below", json_integer(1), "1 is no confidence between 0 and 1");
	number_refused("unknown_below", json_real(35), "35 is no confidence between 0 and 1");
}

static void confidences_are_of_scores(void **state)
{
	(void)state;
	struct network *network = tiny_odd_network(); /* ends with codes */
	struct spoiled s = {network_saved(network), NULL};
	char path[300];

	network_destroy(network);
	snprintf(path, sizeof(path), "%s/network.json", s.folder);
	s.root = json_load_file(path, 0, NULL);
	assert_non_null(s.root);
	json_object_set_new(s.root, "unknown_below", json_real(0.5));
	spoiled_write(&s);
	spoiled_refused(&s,
		"network.json: field \"unknown_below\": the network ends with codes, not with scores of "
		"classes");
}

static void confidences_round_trip(void **state)
{
	(void)state;
	static const double values[][2] = {{0, 0}, {1.3, 0}, {0, 0.35}, {1.0 / 3, 2.0 / 3}, {100, 1e-9}};

	for (int i = 0; i < 5; i++) {
		struct network *network = tiny_network(7);
		network->temperature = values[i][0];
		network->unknown_below = values[i][1];
		char *folder = network_saved(network);
		struct network *loaded = network_loaded(folder);
		assert_network_equal(network, loaded);
		network_destroy(loaded);
		network_destroy(network);
		folder_destroy(folder);
	}
}

/* As people wrote it, with no noise of floating point. */
static void written_confidences_are_readable(void **state)
{
	(void)state;
	struct network *network = tiny_network(7);
	char path[300], text[200] = "";

	network->temperature = 1.3;
	network->unknown_below = 0.35;
	char *folder = network_saved(network);
	snprintf(path, sizeof(path), "%s/network.json", folder);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_non_null(strstr(text, "\n  \"temperature\": 1.3,\n  \"unknown_below\": 0.35,\n"));
	network_destroy(network);
	folder_destroy(folder);
}

static void accumulators_cannot_overflow(void **state)
{
	(void)state;
	struct layer layer =
		tiny_layer("l", LAYER_FULLY_CONNECTED, (struct shape){1, 1, 65536}, 1, 1, 1, 0, 1, 8, 8, 32);
	struct network network = {.name = (char[]){"n"}, .layers = &layer, .layer_count = 1};
	uint32_t seed = 1;
	struct error e = {0};

	tiny_layer_fill(&layer, &seed); /* 65536 · 255 · 128 = 2139095040 fits into 31 bits */
	assert_true(network_check(&network, &e) < 0);
	assert_non_null(strstr(e.text, "0 classes found"));
	layer.in = (struct shape){1, 2, 65536};
	layer.kernel_width = 2;
	assert_int_equal(network_check(&network, &e), -EOVERFLOW);
	assert_string_equal(e.text,
		"layer \"l\": field \"input_bits\": sums of 131072 products can reach 4278190080, "
		"an accumulator has 32 bits");
	free(layer.name);
	free(layer.weights);
}

static void check_refused(struct network *network, const char *message)
{
	struct error e = {0};

	assert_true(network_check(network, &e) < 0);
	assert_string_equal(e.text, message);
	network_destroy(network);
}

/* What only a network made in memory can have wrong. */
static void checks_networks_in_memory(void **state)
{
	(void)state;
	struct network *network = tiny_network(2);
	network->layers[1].weights[8 * 9 * 3] = 0;
	check_refused(network,
		"layer \"conv1\": field \"weights\": output channel 3 holds 0, which is no weight of 1 bits");
	network = tiny_odd_network();
	network->layers[1].weights[0] = 2;
	check_refused(network,
		"layer \"b\": field \"weights\": output channel 0 holds 2, which is no weight of 2 bits");
	network = tiny_odd_network();
	network->layers[2].shift[1] = 63;
	check_refused(network, "layer \"c\": field \"shift\": channel 1 shifts by 63, at most 62 can be");
	network = tiny_odd_network();
	network->layers[2].bias[3] = -(INT64_C(1) << 62) - 1;
	check_refused(network,
		"layer \"c\": field \"bias\": channel 3 adds -4611686018427387905, which is beyond ±2^62");
	network = tiny_network(2);
	network->layers[3].in.channels++;
	check_refused(network,
		"layer \"fc0\": field \"input\": [25, 4, 4] found, but \"pool1\" before it gives [24, 4, 4]");
	network = tiny_network(2);
	network->layers[1].epilogue = EPILOGUE_SCORES;
	check_refused(network, "layer \"conv1\": field \"output\": scores are of 1×1 pixel, here of 8×8");
	network = tiny_network(2);
	network->bias[9] = NAN;
	check_refused(network, "field \"bias\": class 9 is not a finite number");
	network = tiny_network(2);
	network->groups[1].classes[1] = 0;
	check_refused(network, "group \"odd\": label \"label 0\" is in a group already");
	network = tiny_network(2);
	network->groups[0].classes[0] = 10;
	check_refused(network, "group \"even\": class 10 is not within 0 … 9");
	network = tiny_network(2);
	strcpy(network->labels[4], "\x1b[2J");
	check_refused(network, "label 4 holds a control character");
	network = tiny_network(2);
	free(network->layers[3].thresholds);
	network->layers[3].thresholds = NULL;
	check_refused(network, "layer \"fc0\": field \"thresholds\": is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_arrays_are_refused),
		cmocka_unit_test(odd_files_are_refused),
		cmocka_unit_test(spare_bits_are_zero),
		cmocka_unit_test(roots_are_checked),
		cmocka_unit_test(odd_confidences_are_refused),
		cmocka_unit_test(confidences_are_of_scores),
		cmocka_unit_test(confidences_round_trip),
		cmocka_unit_test(written_confidences_are_readable),
		cmocka_unit_test(accumulators_cannot_overflow),
		cmocka_unit_test(checks_networks_in_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
