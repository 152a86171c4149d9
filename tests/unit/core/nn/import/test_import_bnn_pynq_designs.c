/* SPDX-License-Identifier: MIT */
/*
 * BNN-PYNQ's other networks against what their overlays compute, written down here anew from matrices of the
 * test's own; and the published CNVs against the scores of shared/golden/bnn-cnv.
 */
#include "base/error.h"
#include "nn/engine.h"
#include "nn/format/npy.h"
#include "nn/import/bnn_pynq.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/folder.h"
#include "support/random.h"
#include <cmocka.h>

enum { LAYERS = 9, LARGEST_MAP = 30 * 30 * 64, PICTURE = 32 * 32 * 3 };

struct matrix {
	int columns, rows, simd, pes;
	int side; /* of the picture that comes out of a convolution; 0: fully connected */
	bool pool;
};

static const struct matrix cnv_w1[LAYERS] = {{27, 64, 3, 16, 30, false}, {576, 64, 32, 32, 28, true},
	{576, 128, 32, 16, 12, false}, {1152, 128, 32, 16, 10, true}, {1152, 256, 32, 4, 3, false},
	{2304, 256, 32, 1, 1, false}, {256, 512, 4, 1, 0, false}, {512, 512, 8, 1, 0, false},
	{512, 64, 1, 4, 0, false}};
static const struct matrix cnv_w2[LAYERS] = {{27, 64, 3, 8, 30, false}, {576, 64, 16, 16, 28, true},
	{576, 128, 16, 8, 12, false}, {1152, 128, 16, 8, 10, true}, {1152, 256, 8, 4, 3, false},
	{2304, 256, 8, 1, 1, false}, {256, 512, 2, 1, 0, false}, {512, 512, 2, 2, 0, false},
	{512, 64, 1, 4, 0, false}};
static const struct matrix perceptron[4] = {{832, 1024, 64, 32, 0, false}, {1024, 1024, 32, 64, 0, false},
	{1024, 1024, 64, 32, 0, false}, {1024, 64, 8, 16, 0, false}};

/* What the files hold. steps: of a row; a perceptron's last layer has one. */
static const struct matrix *matrices;
static int layers, weight_bits, steps;
static int8_t *weights[LAYERS];
static int32_t *thresholds[LAYERS];
static char *folder;

static bool convolutional(void)
{
	return layers == LAYERS;
}

static int steps_of(int layer)
{
	if (layer < layers - 1)
		return steps;
	return convolutional() ? 0 : 1;
}

static void words_write(int layer, int pe, const char *kind, const uint64_t *words, size_t count)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%d-%d-%s.bin", folder, layer, pe, kind);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < 8; k++)
			assert_int_not_equal(fputc((int)(words[i] >> 8 * k & 255), file), EOF);
	assert_int_equal(fclose(file), 0);
}

static uint64_t weight_bits_of(int8_t weight)
{
	return weight_bits == 1 ? weight > 0 : (uint64_t)weight & 3;
}

/* rows: fewer than the overlay has, for short files. */
static void layer_write(int layer, int rows)
{
	const struct matrix *m = &matrices[layer];
	size_t per_row = (size_t)(m->columns / m->simd), count = (size_t)(rows / m->pes);
	uint64_t *words = calloc(count * per_row, sizeof(*words));
	uint64_t limits[1024];

	assert_non_null(words);
	for (int pe = 0; pe < m->pes; pe++) {
		memset(words, 0, count * per_row * sizeof(*words));
		for (size_t fold = 0; fold < count; fold++) {
			size_t row = fold * (size_t)m->pes + (size_t)pe;

			for (int c = 0; c < m->columns; c++)
				words[fold * per_row + (size_t)(c / m->simd)] |=
					weight_bits_of(weights[layer][row * (size_t)m->columns + (size_t)c])
					<< weight_bits * (c % m->simd);
			for (int k = 0; k < steps_of(layer); k++)
				limits[fold * (size_t)steps_of(layer) + (size_t)k] =
					(uint64_t)(int64_t)thresholds[layer][row * 2 + (size_t)k];
		}
		words_write(layer, pe, "weights", words, count * per_row);
		if (steps_of(layer))
			words_write(layer, pe, "thres", limits, count * (size_t)steps_of(layer));
	}
	free(words);
}

/* Around what random inputs give, so that no code is rare. */
static int32_t threshold_draw(int layer)
{
	int columns = matrices[layer].columns, spread = (int)sqrt(columns);

	if (layer == 0 && convolutional())
		return random_below(2001) - 1000;
	return random_below(2 * spread + 1) - spread + (steps == 1 ? columns / 2 : 0);
}

static void draw(const struct matrix *of, int count, int bits, int steps_a_row)
{
	matrices = of;
	layers = count;
	weight_bits = bits;
	steps = steps_a_row;
	random_state = 77;
	folder_clear(folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	for (int l = 0; l < count; l++) {
		size_t rows = (size_t)of[l].rows, columns = (size_t)of[l].columns;

		free(weights[l]);
		free(thresholds[l]);
		weights[l] = malloc(rows * columns);
		thresholds[l] = calloc(rows * 2, sizeof(int32_t));
		assert_non_null(weights[l]);
		assert_non_null(thresholds[l]);
		for (size_t i = 0; i < rows * columns; i++)
			weights[l][i] = (int8_t)(bits == 1 ? 2 * random_below(2) - 1 : random_below(3) - 1);
		for (size_t i = 0; i < rows; i++) {
			thresholds[l][2 * i] = threshold_draw(l);
			thresholds[l][2 * i + 1] = thresholds[l][2 * i] + random_below(20);
		}
		layer_write(l, of[l].rows);
	}
}

/* The overlay's sum: in networks of one step bits that are equal, else products with −1, 0 and 1, or ±1. */
static int32_t sum_of(int layer, int row, const int32_t *in)
{
	const int8_t *w = weights[layer] + (size_t)row * (size_t)matrices[layer].columns;
	bool bits = steps == 1 && (layer > 0 || !convolutional());
	int32_t sum = 0;

	for (int c = 0; c < matrices[layer].columns; c++)
		sum += bits ? (w[c] > 0) == in[c] : w[c] * in[c];
	return sum;
}

/* What the layer after reads: bits are 0 and 1 there. */
static int32_t activation(int layer, int row, int32_t sum)
{
	int32_t out = steps_of(layer) == 2 ? -1 : 0;

	for (int k = 0; k < steps_of(layer); k++)
		out += (layer == 0 && convolutional() ? 2 * sum : sum) >
		       thresholds[layer][2 * (size_t)row + (size_t)k];
	return out;
}

/* A convolution of a square picture, without padding; *side and *channels become those of the result. */
static void overlay_convolution(int layer, const int32_t *in, int *side, int *channels, int32_t *out)
{
	const struct matrix *m = &matrices[layer];
	int32_t window[2304];

	assert_int_equal(m->side, *side - 2);
	assert_int_equal(m->columns, 9 * *channels);
	for (int y = 0; y < m->side; y++)
		for (int x = 0; x < m->side; x++) {
			for (int k = 0; k < 9; k++)
				memcpy(window + (ptrdiff_t)k * *channels,
					in + ((ptrdiff_t)(y + k / 3) * *side + x + k % 3) * *channels,
					(size_t)*channels * sizeof(*window));
			for (int row = 0; row < m->rows; row++)
				*out++ = activation(layer, row, sum_of(layer, row, window));
		}
	*side = m->side;
	*channels = m->rows;
}

static void overlay_pool(int32_t *map, int *side, int channels)
{
	int half = *side / 2;

	for (int y = 0; y < half; y++)
		for (int x = 0; x < half; x++)
			for (int c = 0; c < channels; c++) {
				int32_t most = INT32_MIN;

				for (int k = 0; k < 4; k++) {
					int at = ((2 * y + k / 2) * *side + 2 * x + k % 2) * channels + c;
					most = map[at] > most ? map[at] : most;
				}
				map[(y * half + x) * channels + c] = most;
			}
	*side = half;
}

/* sums: of the last layer. */
static void overlay_cnv(const uint8_t *pixels, int32_t sums[64])
{
	static int32_t map[LARGEST_MAP], next[LARGEST_MAP];
	int side = 32, channels = 3;

	for (int i = 0; i < PICTURE; i++) {
		double fraction = floor((pixels[i] / 255.0 * 2 - 1) * 128 + 0.5);
		map[i] = fraction > 127 ? 127 : (int32_t)fraction;
	}
	for (int l = 0; l < 6; l++) {
		overlay_convolution(l, map, &side, &channels, next);
		memcpy(map, next, sizeof(map));
		if (matrices[l].pool)
			overlay_pool(map, &side, channels);
	}
	for (int l = 6; l < 9; l++) {
		for (int row = 0; row < matrices[l].rows; row++)
			next[row] = l == 8 ? sum_of(l, row, map) : activation(l, row, sum_of(l, row, map));
		memcpy(map, next, 512 * sizeof(*map));
	}
	memcpy(sums, map, 64 * sizeof(*sums));
}

static struct network *import(const char *from)
{
	struct network *network = NULL;
	struct error e = {0};

	if (import_bnn_pynq(from, &network, &e))
		fail_msg("%s", e.text);
	assert_non_null(network);
	return network;
}

static struct engine *engine_of(const struct network *network)
{
	struct engine *engine = NULL;
	struct error e = {0};

	if (engine_create(network, 0, network->layer_count, NULL, &engine, &e))
		fail_msg("%s", e.text);
	assert_non_null(engine);
	return engine;
}

/* The logits are the overlay's sums, to the bit. */
static void scores_compare(
	const struct network *network, struct engine *engine, const uint8_t *pixels, const int32_t *sums)
{
	int32_t scores[64];

	engine_run(engine, pixels, scores);
	for (int c = 0; c < network->class_count; c++) {
		double logit = (double)network->scale[c] * scores[c] + (double)network->bias[c];

		if (logit != sums[c])
			fail_msg("class %d: %g, but the overlay computes %d", c, logit, sums[c]);
	}
}

static void cnv_compare(const struct matrix *of, int bits, int steps_a_row)
{
	draw(of, LAYERS, bits, steps_a_row);
	struct network *network = import(folder);
	struct engine *engine = engine_of(network);
	uint8_t pixels[PICTURE];
	int32_t sums[64], first = 0;
	bool varied = false;

	assert_int_equal(network->class_count, 64);
	assert_int_equal(network->layer_count, 12);
	assert_int_equal(network->view.kind, VIEW_CENTRE);
	assert_true(network->temperature == (steps_a_row == 1 ? 32 : 64));
	for (int n = 0; n < 2; n++) {
		for (int i = 0; i < PICTURE; i++)
			pixels[i] = (uint8_t)(n ? i % 256 : random_below(256));
		overlay_cnv(pixels, sums);
		scores_compare(network, engine, pixels, sums);
		varied |= n && sums[0] != first;
		first = sums[0];
	}
	assert_true(varied);
	engine_destroy(engine);
	network_destroy(network);
}

static void cnv_w1a1(void **state)
{
	(void)state;
	cnv_compare(cnv_w1, 1, 1);
}

static void cnv_w1a2(void **state)
{
	(void)state;
	cnv_compare(cnv_w1, 1, 2);
}

static void cnv_w2a2(void **state)
{
	(void)state;
	cnv_compare(cnv_w2, 2, 2);
}

/* As streetview's are: 12 rows of the last layer, and thresholds that nothing reads. */
static void fewer_rows_of_the_last_layer_will_do(void **state)
{
	struct network *network = NULL;
	struct error e = {0};

	(void)state;
	layer_write(8, 12);
	words_write(8, 0, "thres", (const uint64_t[]){1, 2, 3}, 3);
	folder_put(folder, "/classes.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n\n");
	network = import(folder);
	assert_int_equal(network->class_count, 10);
	assert_string_equal(network->labels[9], "0");
	network_destroy(network);
	folder_put(folder, "/classes.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n0\na\nb\nc\n");
	assert_int_not_equal(import_bnn_pynq(folder, &network, &e), 0);
	assert_non_null(strstr(e.text, "13 classes, but the last layer has 1 to 12"));
	words_write(8, 0, "weights", (const uint64_t[]){1, 2, 3}, 3);
	assert_int_not_equal(import_bnn_pynq(folder, &network, &e), 0);
	assert_non_null(strstr(e.text, "8-0-weights.bin holds 3 words, but a row needs 512"));
	layer_write(8, 64);
	words_write(0, 7, "thres", (const uint64_t[16]){0, 1 << 23}, 16);
	assert_int_not_equal(import_bnn_pynq(folder, &network, &e), 0);
	assert_non_null(strstr(e.text, "0-7-thres.bin holds 8388608, which is no threshold of 24 bits"));
	words_write(0, 0, "thres", (const uint64_t[5]){0}, 5);
	assert_int_not_equal(import_bnn_pynq(folder, &network, &e), 0);
	assert_non_null(strstr(e.text, "hold 72 and 5 words"));
	assert_non_null(strstr(e.text, "CNV-W2A2 72 and 16"));
}

/* Every bit of the last layer, whose highest is the class, follows from those before. */
static void perceptron_w1a2(void **state)
{
	uint8_t pixels[784], codes[64];
	int32_t map[1024], next[1024];
	struct engine *engine = NULL;
	struct error e = {0};
	int ones = 0;

	(void)state;
	draw(perceptron, 4, 1, 2);
	struct network *network = import(folder);
	assert_int_equal(network->layer_count, 5);
	assert_int_equal(network->view.kind, VIEW_INK);
	assert_int_equal(engine_create(network, 0, 4, NULL, &engine, &e), 0);
	for (int n = 0; n < 20; n++) {
		for (int i = 0; i < 832; i++) { /* behind the pixels bits are 0, which stands for −1 */
			map[i] = i < 784 && random_below(n + 2) ? 1 : -1;
			if (i < 784)
				pixels[i] = map[i] > 0;
		}
		for (int l = 0; l < 4; l++) {
			for (int row = 0; row < matrices[l].rows; row++)
				next[row] = activation(l, row, sum_of(l, row, map));
			memcpy(map, next, sizeof(map));
		}
		engine_run(engine, pixels, codes);
		for (int c = 0; c < 64; c++) {
			assert_int_equal(codes[c], map[c]);
			ones += codes[c];
		}
	}
	assert_in_range(ones, 100, 20 * 64 - 100);
	engine_destroy(engine);
	network_destroy(network);
}

/* tar -xJf ARCHIVE -C TO, without a shell. */
static bool unpacked(const char *archive, const char *to)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		execlp("tar", "tar", "-xJf", archive, "-C", to, (char *)NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* A whole file, for its caller to free. */
static uint8_t *file_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	*size = (size_t)ftell(file);
	rewind(file);
	uint8_t *bytes = malloc(*size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *size, file), *size);
	assert_int_equal(fclose(file), 0);
	return bytes;
}

static const uint8_t *numbers_of(const uint8_t *file, size_t size, const char *type, uint64_t count)
{
	const uint8_t *values = NULL;
	struct npy npy;
	struct error e = {0};

	assert_int_equal(npy_parse(file, size, &npy, &values, &e), 0);
	assert_string_equal(npy.type, type);
	assert_int_equal(npy_count(&npy), count);
	return values;
}

static void golden_compare(const char *shared, const char *name)
{
	char path[600];
	size_t pictures_size, scores_size;
	int32_t sums[100];

	folder_clear(folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(path, sizeof(path), "%.500s/golden/bnn-cnv/%s.tar.xz", shared, name);
	if (!unpacked(path, folder)) {
		print_message("skipped: tar and xz cannot unpack %s\n", path);
		skip();
	}
	snprintf(path, sizeof(path), "%.500s/%s", folder, name);
	struct network *network = import(path);
	struct engine *engine = engine_of(network);
	assert_int_equal(network->class_count, 10);
	assert_string_equal(network->name, name);
	snprintf(path, sizeof(path), "%.500s/golden/bnn-cnv/pictures.npy", shared);
	uint8_t *pictures = file_read(path, &pictures_size);
	snprintf(path, sizeof(path), "%.500s/golden/bnn-cnv/%s.scores.npy", shared, name);
	uint8_t *scores = file_read(path, &scores_size);
	const uint8_t *pixels = numbers_of(pictures, pictures_size, "u1", 10 * (uint64_t)PICTURE);
	npy_copy(sums, numbers_of(scores, scores_size, "i4", 100), 100, sizeof(*sums));
	for (int i = 0; i < 10; i++)
		scores_compare(network, engine, pixels + (size_t)i * PICTURE, sums + (size_t)i * 10);
	free(pictures);
	free(scores);
	engine_destroy(engine);
	network_destroy(network);
}

static void published_networks_give_the_published_scores(void **state)
{
	const char *shared = getenv("TWOBIT_SHARED");
	char path[600];

	(void)state;
	shared = shared ? shared : "../shared";
	snprintf(path, sizeof(path), "%.500s/golden/bnn-cnv/pictures.npy", shared);
	if (access(path, R_OK)) {
		print_message("skipped: %s is not there (TWOBIT_SHARED names its folder)\n", path);
		skip();
	}
	golden_compare(shared, "cnvW1A1");
	golden_compare(shared, "cnvW1A2");
	golden_compare(shared, "cnvW2A2");
}

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int l = 0; l < LAYERS; l++) {
		free(weights[l]);
		free(thresholds[l]);
	}
	folder_destroy(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cnv_w1a1),
		cmocka_unit_test(cnv_w1a2),
		cmocka_unit_test(cnv_w2a2),
		cmocka_unit_test(fewer_rows_of_the_last_layer_will_do), /* of the network before */
		cmocka_unit_test(perceptron_w1a2),
		cmocka_unit_test(published_networks_give_the_published_scores),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
