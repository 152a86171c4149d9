/* SPDX-License-Identifier: MIT */
/*
 * A network's arrays, written out in the ways that people have them, must come back as the same network;
 * other arrays must be refused with a message that gives the solution.
 */
#include "base/error.h"
#include "nn/import/npy_folder.h"
#include "nn/limits.h"
#include "nn/reference.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nn/format/load.h"
#include "nn/format/save.h"
#include "support/folder.h"
#include "support/random.h"
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static char *folder;

static void file_write(const char *name, const void *bytes, size_t size)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void file_remove(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

/* A .npy file as NumPy writes it; shape: "(3, 4)". */
static void array_write(const char *name, const char *type, const char *order, const char *shape,
	const void *numbers, size_t size)
{
	static uint8_t file[65536];

	int length = snprintf((char *)file + 10, 256, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n",
		type, order, shape);
	memcpy(file, "\x93NUMPY\x01", 8);
	file[8] = (uint8_t)length;
	file[9] = (uint8_t)(length >> 8);
	memcpy(file + 10 + length, numbers, size);
	file_write(name, file, 10 + (size_t)length + size);
}

/* The numbers as a type of NumPy's. */
static void numbers_write(
	const char *name, const char *type, const char *shape, const double *numbers, size_t count)
{
	static uint8_t bytes[65536];
	size_t width = (size_t)(type[2] - '0');

	for (size_t i = 0; i < count; i++) {
		int64_t whole = type[1] == 'f' ? 0 : (int64_t)numbers[i];
		float narrow = (float)numbers[i];

		if (type[1] == 'f')
			memcpy(bytes + i * width, width == 4 ? (void *)&narrow : (const void *)&numbers[i],
				width);
		else
			memcpy(bytes + i * width, &whole, width); /* little-endian, as the tests' machines */
	}
	array_write(name, type, "False", shape, bytes, count * width);
}

/*
 * 5×4×2 pixels → conv (3×2 kernel, 2 bits, 2 groups, 4 codes of 2 bits) → pool → wide (8 bits, 6 codes of 8)
 * → fc (1 bit, 3 scores).
 */
static const char list[] =
	"{\"format\": 1, \"network\": \"small\", \"labels\": \"names.txt\", \"layers\": ["
	"{\"name\": \"conv\", \"func\": \"conv_layer\", \"input\": [2, 5, 4], \"input_bits\": 8, "
	"\"output_bits\": 2, \"weight_bits\": 2, \"kernel_shape\": [3, 2], \"kernel_stride\": 1, "
	"\"padding\": [1, 0, 1, 1], \"groups\": 2, \"output_channels\": 4%s},"
	"{\"name\": \"pool\", \"func\": \"maxpool_layer\", \"kernel_shape\": 2, \"kernel_stride\": 2},"
	"{\"name\": \"wide\", \"func\": \"fc_layer\", \"output_bits\": 8, \"weight_bits\": 8, \"output\": "
	"6%s},"
	"{\"name\": \"fc\", \"func\": \"fc_layer\", \"output_bits\": 32, \"weight_bits\": 1, \"output\": "
	"3}]}";

enum { CONV = 4 * 1 * 3 * 2, WIDE = 6 * 4 * 2 * 2, FC = 3 * 6 };

/* A weight by its place, whatever order it is written in. */
static int weight_at(int o, int i, int y, int x, int low, int high)
{
	uint32_t hash = (uint32_t)(o * 131 + i * 37 + y * 11 + x * 5 + 7) * 2654435761u;

	return low + (int)((hash >> 9) % (uint32_t)(high - low + 1));
}

/* All weights of o × i × h × w in the order of the layout's letters. */
static void weights_write(const char *name, const char *type, const char *shape, const char *layout,
	const int lengths[4], int low, int high)
{
	double numbers[256];
	int at[4], count = 0;
	int order[4];

	for (int k = 0; k < 4; k++)
		order[k] = (int)(strchr("oihw", layout[k]) - "oihw");
	for (at[order[0]] = 0; at[order[0]] < lengths[order[0]]; at[order[0]]++)
		for (at[order[1]] = 0; at[order[1]] < lengths[order[1]]; at[order[1]]++)
			for (at[order[2]] = 0; at[order[2]] < lengths[order[2]]; at[order[2]]++)
				for (at[order[3]] = 0; at[order[3]] < lengths[order[3]]; at[order[3]]++)
					numbers[count++] = weight_at(at[0], at[1], at[2], at[3], low, high);
	numbers_write(name, type, shape, numbers, (size_t)count);
}

static const int conv_lengths[4] = {4, 1, 3, 2}, wide_lengths[4] = {6, 4, 2, 2};

static void list_write(const char *conv, const char *wide)
{
	char text[2048];

	file_write("layers.json", text, (size_t)snprintf(text, sizeof(text), list, conv, wide));
}

/* The folder as PyTorch would have it. */
static void plain_write(void)
{
	const double thresholds[12] = {-90, -3, 70, -4, 0, 1, 2, 2, 2, -700, 10, 800};
	const double multiplier[6] = {300, -200, 400, 1, 2147483647, -2147483648.0};
	const double shift[6] = {8, 9, 10, 0, 31, 32}, bias[6] = {1000, -5, 0, 3, -1, 4611686018427387904.0};
	double signs[FC];

	for (int i = 0; i < FC; i++)
		signs[i] = weight_at(i / 6, i % 6, 0, 0, 0, 1) ? 1 : -1;
	list_write("", "");
	file_write("names.txt", "a\nb\nc\n", 6);
	weights_write("conv.weights.npy", "|i1", "(4, 1, 3, 2)", "oihw", conv_lengths, -2, 1);
	numbers_write("conv.thresholds.npy", "<i4", "(4, 3)", thresholds, 12);
	weights_write("wide.weights.npy", "|i1", "(6, 16)", "oihw", wide_lengths, -128, 127);
	numbers_write("wide.multiplier.npy", "<i4", "(6,)", multiplier, 6);
	numbers_write("wide.shift.npy", "|u1", "(6,)", shift, 6);
	numbers_write("wide.bias.npy", "<i8", "(6,)", bias, 6);
	numbers_write("fc.weights.npy", "|i1", "(3, 6)", signs, FC);
}

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	plain_write();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

static struct network *import(void)
{
	struct network *network = NULL;
	struct error e = {0};

	if (import_npy(folder, &network, &e))
		fail_msg("%s", e.text);
	assert_non_null(network);
	return network;
}

static void refused(const char *message)
{
	struct network *network = (void *)folder;
	struct error e = {0};
	int rc = import_npy(folder, &network, &e);

	if (rc >= 0) {
		network_destroy(network);
		fail_msg("imported, but \"%s\" is expected", message);
	}
	assert_null(network);
	assert_int_equal(rc, e.code);
	if (strncmp(e.text, folder, strlen(folder)) != 0 || !strstr(e.text, message))
		fail_msg("\"%s\" should begin with the folder and hold \"%s\"", e.text, message);
}

/* Weights, thresholds and requantisation of two networks are the same. */
static void same(const struct network *a, const struct network *b)
{
	assert_int_equal(a->layer_count, b->layer_count);
	for (int l = 0; l < a->layer_count; l++) {
		const struct layer *x = &a->layers[l], *y = &b->layers[l];
		size_t out = (size_t)x->out.channels;

		assert_memory_equal(&x->out, &y->out, sizeof(x->out));
		if (layer_has_weights(x))
			assert_memory_equal(x->weights, y->weights, (size_t)layer_weight_count(x));
		if (x->epilogue == EPILOGUE_THRESHOLDS)
			assert_memory_equal(x->thresholds, y->thresholds,
				out * (size_t)layer_levels(x) * sizeof(int32_t));
		if (x->epilogue == EPILOGUE_REQUANTISE) {
			assert_memory_equal(x->multiplier, y->multiplier, out * sizeof(int32_t));
			assert_memory_equal(x->shift, y->shift, out);
			assert_memory_equal(x->bias, y->bias, out * sizeof(int64_t));
		}
	}
	assert_memory_equal(a->scale, b->scale, 3 * sizeof(float));
	assert_memory_equal(a->bias, b->bias, 3 * sizeof(float));
}

static void weights_stand_where_they_belong(void **state)
{
	struct network *network = import();
	const struct layer *l = network->layers;
	const int8_t *weight = l[0].weights;

	(void)state;
	assert_string_equal(network->folder, folder);
	assert_string_equal(network->labels[2], "c");
	assert_memory_equal(&l[0].out, (&(struct shape){5, 4, 4}), sizeof(struct shape));
	for (int o = 0; o < 4; o++)
		for (int y = 0; y < 3; y++)
			for (int x = 0; x < 2; x++)
				assert_int_equal(*weight++, weight_at(o, 0, y, x, -2, 1));
	weight = l[2].weights;
	for (int o = 0; o < 6; o++) /* PyTorch flattens channel before row before column */
		for (int y = 0; y < 2; y++)
			for (int x = 0; x < 2; x++)
				for (int i = 0; i < 4; i++)
					assert_int_equal(*weight++, weight_at(o, i, y, x, -128, 127));
	for (int i = 0; i < FC; i++)
		assert_int_equal(l[3].weights[i], weight_at(i / 6, i % 6, 0, 0, 0, 1) ? 1 : -1);
	assert_int_equal(l[0].thresholds[9], -700);
	assert_int_equal(l[2].multiplier[5], INT32_MIN);
	assert_true(l[2].bias[5] == INT64_C(1) << 62);
	for (int c = 0; c < 3; c++) {
		assert_true(network->scale[c] == 1.0F);
		assert_true(network->bias[c] == 0.0F);
	}
	network_destroy(network);
}

static void layouts_are_the_same_network(void **state)
{
	static const struct {
		const char *layout, *conv, *wide;
	} cases[] = {
		{"ohwi", "(4, 3, 2, 1)", "(6, 2, 2, 4)"},
		{"ohwi", "(4, 6)", "(6, 16)"},
		{"hwio", "(3, 2, 1, 4)", "(16, 6)"},
		{"ihwo", "(1, 3, 2, 4)", "(4, 2, 2, 6)"},
		{"iohw", "(1, 4, 3, 2)", "(4, 6, 2, 2)"},
		{"whoi", "(2, 3, 4, 1)", "(2, 2, 6, 4)"},
		{"oihw", "(4, 6)", "(6, 4, 2, 2)"},
	};
	struct network *plain = import();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char field[40];

		snprintf(field, sizeof(field), ", \"layout\": \"%s\"", cases[i].layout);
		list_write(field, field);
		weights_write("conv.weights.npy", "|i1", cases[i].conv, cases[i].layout, conv_lengths, -2, 1);
		weights_write(
			"wide.weights.npy", "|i1", cases[i].wide, cases[i].layout, wide_lengths, -128, 127);
		struct network *network = import();
		same(network, plain);
		network_destroy(network);
	}
	network_destroy(plain);
	plain_write();
}

static void types_are_the_same_network(void **state)
{
	static const char *const types[] = {"<i2", "<i4", "<i8", "<f4", "<f8"};
	const double thresholds[12] = {-90, -3, 70, -4, 0, 1, 2, 2, 2, -700, 10, 800};
	const double shift[6] = {8, 9, 10, 0, 31, 32};
	double bits[FC];
	struct network *plain = import();

	(void)state;
	for (int i = 0; i < FC; i++)
		bits[i] = weight_at(i / 6, i % 6, 0, 0, 0, 1);
	for (size_t i = 0; i < COUNT(types); i++) {
		weights_write("conv.weights.npy", types[i], "(4, 1, 3, 2)", "oihw", conv_lengths, -2, 1);
		weights_write("wide.weights.npy", types[i], "(6, 16)", "oihw", wide_lengths, -128, 127);
		numbers_write("conv.thresholds.npy", types[i], "(4, 3)", thresholds, 12);
		numbers_write("wide.shift.npy", types[i], "(6, 1)", shift, 6);
		numbers_write("fc.weights.npy", i ? types[i] : "|b1", "(3, 6)", bits, FC);
		struct network *network = import();
		same(network, plain);
		network_destroy(network);
	}
	network_destroy(plain);
	plain_write();
}

static void one_number_stands_for_all_channels(void **state)
{
	const double thresholds[3] = {-5, 0, 5}, number = 7, scale = 0.1, bias[3] = {1, -2, 0.5};

	(void)state;
	numbers_write("conv.thresholds.npy", "<i2", "(1, 3)", thresholds, 3);
	numbers_write("conv.invert.npy", "|b1", "()", (const double[]){1}, 1);
	numbers_write("wide.multiplier.npy", "<i2", "()", &number, 1);
	numbers_write("wide.shift.npy", "<i8", "(1,)", &number, 1);
	numbers_write("wide.bias.npy", "<u8", "(1, 1)", &number, 1);
	numbers_write("fc.scale.npy", "<f8", "()", &scale, 1);
	numbers_write("fc.bias.npy", "<f8", "(3,)", bias, 3);
	struct network *network = import();
	const struct layer *l = network->layers;
	for (int c = 0; c < 4; c++) {
		assert_memory_equal(l[0].thresholds + c * 3, ((const int32_t[]){-5, 0, 5}), 12);
		assert_int_equal(l[0].invert[c], 1);
	}
	for (int c = 0; c < 6; c++) {
		assert_int_equal(l[2].multiplier[c], 7);
		assert_int_equal(l[2].shift[c], 7);
		assert_int_equal(l[2].bias[c], 7);
	}
	for (int c = 0; c < 3; c++) {
		assert_true(network->scale[c] == 0.1F);
		assert_true(network->bias[c] == (float)bias[c]);
	}
	network_destroy(network);
	file_remove("conv.invert.npy");
	file_remove("fc.scale.npy");
	file_remove("fc.bias.npy");
	plain_write();
}

/* Saved and loaded, it computes what it computed. */
static void a_copy_gives_the_same_scores(void **state)
{
	struct network *network = import(), *loaded = NULL;
	struct error e = {0};
	uint8_t pixels[40];
	int32_t scores[3], again[3];
	uint32_t seed = 3;
	char copy[300];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	if (network_save(network, copy, &e) || network_load(copy, &loaded, &e) || !loaded) {
		fail_msg("%s", e.text);
		return;
	}
	same(network, loaded);
	for (int n = 0; n < 20; n++) {
		for (int i = 0; i < 40; i++)
			pixels[i] = (uint8_t)random_within(&seed, 0, 255);
		assert_int_equal(reference_run(network, 0, 4, pixels, scores), 0);
		assert_int_equal(reference_run(loaded, 0, 4, pixels, again), 0);
		assert_memory_equal(scores, again, sizeof(scores));
	}
	network_destroy(loaded);
	network_destroy(network);
}

/* A label stands for every class that bears it, also when the groups are written again. */
static void groups_are_kept(void **state)
{
	static const struct {
		const char *groups;
		int first[3], count; /* classes of the first group */
	} cases[] = {{"all: x, d\n", {0, 2, 1}, 3}, {"both: x\nother: d\n", {0, 2}, 2}};
	char text[2048], copy[300];
	struct network *again = NULL;
	struct error e = {0};

	(void)state;
	snprintf(text, sizeof(text), list, "", "");
	char *end = strrchr(text, '}');
	snprintf(end, (size_t)(text + sizeof(text) - end), ", \"groups\": \"groups.txt\"}");
	file_write("layers.json", text, strlen(text));
	file_write("names.txt", "x\nd\nx\n", 6);
	for (int i = 0; i < 2; i++) {
		file_write("groups.txt", cases[i].groups, strlen(cases[i].groups));
		struct network *network = import();
		snprintf(copy, sizeof(copy), "%s/groups%d", folder, i);
		if (network_save(network, copy, &e) || network_load(copy, &again, &e) || !again) {
			fail_msg("%s", e.text);
			return;
		}
		same(network, again);
		assert_int_equal(again->group_count, i + 1);
		assert_int_equal(again->groups[0].class_count, cases[i].count);
		assert_memory_equal(
			again->groups[0].classes, cases[i].first, (size_t)cases[i].count * sizeof(int));
		network_destroy(network);
		network_destroy(again);
	}
	file_remove("groups.txt");
	plain_write();
}

static void odd_arrays_are_refused(void **state)
{
	static const struct {
		const char *name, *type, *order, *shape, *message;
		size_t size;
	} cases[] = {
		{"conv.weights.npy", "|O", "False", "(4, 1, 3, 2)",
			"layers.json: layer \"conv\": field \"weights\": conv.weights.npy is pickled", 24},
		{"conv.weights.npy", "|i1", "True", "(4, 1, 3, 2)", "ascontiguousarray", 24},
		{"conv.weights.npy", ">i2", "False", "(4, 1, 3, 2)", "is big-endian", 48},
		{"conv.weights.npy", "<f2", "False", "(4, 1, 3, 2)", "is of type \"f2\"", 48},
		{"conv.weights.npy", "<c8", "False", "(4, 1, 3, 2)", "is of type \"c8\"", 192},
		{"conv.weights.npy", "|i1", "False", "(4, 3, 2, 1)",
			"(4, 1, 3, 2) expected, (4, 3, 2, 1) found (layout \"oihw\")", 24},
		{"conv.weights.npy", "|i1", "False", "(24,)", "(24,) found", 24},
		{"conv.weights.npy", "|i1", "False", "(4, 1, 3, 2)", "is truncated", 23},
		{"conv.weights.npy", "|i1", "False", "(4, 1, 3, 2)", "is too long", 25},
		{"wide.weights.npy", "|i1", "False", "(16, 6)", "(6, 16) expected, (16, 6) found", 96},
		{"conv.thresholds.npy", "<i4", "False", "(3, 4)", "(4, 3) expected, (3, 4) found", 48},
		{"conv.thresholds.npy", "<i4", "False", "(12,)", "(12,) found", 48},
		{"wide.shift.npy", "|u1", "False", "(2,)", "(6,) expected, (2,) found", 2},
		{"wide.shift.npy", "|u1", "False", "(0,)", "(6,) expected, (0,) found", 0},
	};
	static const uint8_t zeros[65536];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		array_write(
			cases[i].name, cases[i].type, cases[i].order, cases[i].shape, zeros, cases[i].size);
		refused(cases[i].message);
		plain_write();
	}
	file_write("conv.weights.npy", zeros, sizeof(zeros));
	refused("conv.weights.npy is no .npy file");
	file_remove("conv.weights.npy");
	refused("conv.weights.npy is missing");
	plain_write();
	network_destroy(import());
}

static void odd_numbers_are_refused(void **state)
{
	static const struct {
		const char *name, *type, *shape;
		double first; /* the others are 0 */
		const char *message;
	} cases[] = {
		{"conv.weights.npy", "|i1", "(4, 1, 3, 2)", 2,
			"holds 2 at channel 0, which is not within -2 … 1"},
		{"conv.weights.npy", "<f4", "(4, 1, 3, 2)", 0.5,
			"holds 0.5 at channel 0, which is no whole number"},
		{"conv.weights.npy", "<f8", "(4, 1, 3, 2)", NAN, "no whole number"},
		{"conv.weights.npy", "<f8", "(4, 1, 3, 2)", INFINITY, "holds inf"},
		{"conv.weights.npy", "<i8", "(4, 1, 3, 2)", 4294967297.0, "holds 4294967297"},
		{"fc.weights.npy", "|i1", "(3, 6)", -1, "holds both 0 and -1"},
		{"fc.weights.npy", "|i1", "(3, 6)", 2, "holds 2 at channel 0"},
		{"conv.thresholds.npy", "<i8", "(4, 3)", 2147483648.0, "holds 2147483648"},
		{"conv.thresholds.npy", "<f4", "(4, 3)", -1.5, "numpy.ceil"},
		{"conv.thresholds.npy", "<i4", "(4, 3)", 1, "does not ascend"},
		{"wide.multiplier.npy", "<f8", "(6,)", -2147483649.0, "holds -2147483649"},
		{"wide.shift.npy", "<i2", "(6,)", -1, "holds -1 at channel 0, which is not within 0 … 62"},
		{"wide.shift.npy", "|u1", "(6,)", 63, "holds 63"},
		{"wide.bias.npy", "<f8", "(6,)", 9223372036854775808.0, "not within"},
		{"wide.bias.npy", "<f8", "(6,)", -9223372036854775808.0, "not within"},
	};
	double numbers[128] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t count = strcmp(cases[i].shape, "(6,)") == 0     ? 6
			       : strcmp(cases[i].shape, "(4, 3)") == 0 ? 12
			       : strcmp(cases[i].shape, "(3, 6)") == 0 ? 18
								       : 24;
		numbers[0] = cases[i].first;
		numbers_write(cases[i].name, cases[i].type, cases[i].shape, numbers, count);
		refused(cases[i].message);
		plain_write();
	}
	numbers[0] = 0;
	numbers[2] = 1e300;
	numbers_write("fc.scale.npy", "<f8", "(3,)", numbers, 3);
	refused("fc.scale.npy holds 1e+300 at channel 2, which is no float32");
	file_remove("fc.scale.npy");
	array_write("wide.bias.npy", "<u8", "False", "()", "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	refused("wide.bias.npy holds 1.8446744073709552e+19");
	plain_write();
}

static void odd_lists_are_refused(void **state)
{
	static const struct {
		const char *field, *message;
	} cases[] = {
		{", \"layout\": \"oihh\"", "layers.json: layer \"conv\": field \"layout\""},
		{", \"layout\": \"oih\"", "field \"layout\""},
		{", \"layout\": 5", "field \"layout\""},
		{", \"layouts\": \"oihw\"", "field \"layouts\": is unknown"},
		{", \"weights\": \"../conv.weights.npy\"", "field \"weights\": must name a file"},
		{", \"invert\": \"gone.npy\"", "gone.npy is missing"},
		{", \"scale\": \"gone.npy\"", "a layer of this kind and epilogue has none"},
		{", \"output\": [4, 4, 4]", "[4, 4, 4] found, computed is [4, 5, 4]"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		list_write(cases[i].field, "");
		refused(cases[i].message);
	}
	file_write("layers.json", "{", 1);
	refused("layers.json:1:");
	file_write("layers.json", "{\"format\": 1}", 13);
	refused("layers.json: field \"network\": is missing");
	file_remove("layers.json");
	refused("layers.json: is missing");
	plain_write();
	file_remove("names.txt");
	refused("layers.json: field \"labels\": names.txt is missing");
	plain_write();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_stand_where_they_belong),
		cmocka_unit_test(layouts_are_the_same_network),
		cmocka_unit_test(types_are_the_same_network),
		cmocka_unit_test(one_number_stands_for_all_channels),
		cmocka_unit_test(a_copy_gives_the_same_scores),
		cmocka_unit_test(groups_are_kept),
		cmocka_unit_test(odd_arrays_are_refused),
		cmocka_unit_test(odd_numbers_are_refused),
		cmocka_unit_test(odd_lists_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
