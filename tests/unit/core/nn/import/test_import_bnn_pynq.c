/* SPDX-License-Identifier: MIT */
/*
 * BNN-PYNQ's perceptron against what its overlay computes: bits that are equal are counted, and the highest
 * bit of the answer is the class. That arithmetic is written down here anew; nothing of it is the importer's.
 */
#include "base/error.h"
#include "dataset/dataset.h"
#include "nn/classify.h"
#include "nn/engine.h"
#include "nn/import/bnn_pynq.h"
#include "nn/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/format/load.h"
#include "nn/format/save.h"
#include "support/folder.h"
#include "support/random.h"
#include <cmocka.h>

enum { LAYERS = 4, WIDEST = 1024, PIXELS = 784 };

static const struct {
	int columns, rows, simd, pes;
} shapes[LAYERS] = {{832, 1024, 64, 32}, {1024, 1024, 32, 64}, {1024, 1024, 64, 32}, {1024, 64, 8, 16}};

/* The overlay's matrices; the weights behind the pixels are as random as the others. */
static uint8_t weights[LAYERS][WIDEST][WIDEST];
static int64_t thresholds[LAYERS][WIDEST];
static uint32_t seed = 5;
static char *folder;

static const char *path_of(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void bytes_write(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void words_write(int layer, int pe, const char *kind, const uint64_t *words, size_t count)
{
	static uint8_t bytes[512 * 8];
	char name[40];

	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < 8; k++)
			bytes[i * 8 + (size_t)k] = (uint8_t)(words[i] >> 8 * k);
	snprintf(name, sizeof(name), "%d-%d-%s.bin", layer, pe, kind);
	bytes_write(name, bytes, count * 8);
}

/* rows: of the layer, for parameters of fewer folds. */
static void layer_write(int layer, int rows)
{
	int simd = shapes[layer].simd, pes = shapes[layer].pes, columns = shapes[layer].columns;

	for (int pe = 0; pe < pes; pe++) {
		uint64_t words[512] = {0}, limits[64];
		size_t count = 0, folds = 0;

		for (int row = pe; row < rows; row += pes) {
			for (int column = 0; column < columns; column += simd, count++)
				for (int i = 0; i < simd; i++)
					words[count] |= (uint64_t)weights[layer][row][column + i] << i;
			limits[folds++] = (uint64_t)thresholds[layer][row];
		}
		words_write(layer, pe, "weights", words, count);
		words_write(layer, pe, "thres", limits, folds);
	}
}

/* Thresholds around what random bits reach, and now and then one that is always or never passed. */
static int64_t threshold_draw(int layer)
{
	static const int64_t rare[] = {-32768, -3, 0, 32767, 65535, 1023, 1024};
	int which = random_within(&seed, 0, 99);

	return which < 7 ? rare[which] : shapes[layer].columns / 2 + random_within(&seed, -25, 25);
}

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	for (int l = 0; l < LAYERS; l++)
		for (int row = 0; row < shapes[l].rows; row++) {
			thresholds[l][row] = threshold_draw(l);
			for (int column = 0; column < shapes[l].columns; column++)
				weights[l][row][column] = (uint8_t)random_within(&seed, 0, 1);
		}
	for (int row = 0; row < 64; row++) /* so that no bit is the answer every time, and at times none is */
		thresholds[3][row] = 512 + random_within(&seed, 0, 40);
	for (int l = 0; l < LAYERS; l++)
		layer_write(l, shapes[l].rows);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

/* The overlay: bits in, bits out. */
static void overlay_layer(int layer, const uint8_t *in, uint8_t *out)
{
	for (int row = 0; row < shapes[layer].rows; row++) {
		int equal = 0;

		for (int column = 0; column < shapes[layer].columns; column++)
			equal += weights[layer][row][column] == in[column];
		out[row] = equal > thresholds[layer][row];
	}
}

static int highest(const uint8_t *bits, int count)
{
	for (int i = count; i-- > 0;)
		if (bits[i])
			return i;
	return 0;
}

static struct network *import(void)
{
	struct network *network = NULL;
	struct error e = {0};

	if (import_bnn_pynq(folder, &network, &e))
		fail_msg("%s", e.text);
	assert_non_null(network);
	return network;
}

static void refused(const char *first, const char *second)
{
	struct network *network = (void *)folder;
	struct error e = {0};
	int rc = import_bnn_pynq(folder, &network, &e);

	if (rc >= 0) {
		network_destroy(network);
		fail_msg("imported, but \"%s … %s\" is expected", first, second);
	}
	assert_null(network);
	if (!strstr(e.text, first) || !strstr(e.text, second) || strncmp(e.text, folder, strlen(folder)) != 0)
		fail_msg("\"%s\" should begin with the folder and hold \"%s\" and \"%s\"", e.text, first,
			second);
}

/* Every layer's bits, and the class, of a picture that the network's view has looked at. codes: [784] */
static int compare(const struct network *network, struct engine *const engines[], const uint8_t *codes,
	const uint8_t *pixels)
{
	uint8_t in[WIDEST] = {0}, out[WIDEST], ours[WIDEST];
	int32_t scores[64];
	double work[64];
	struct classification answer;

	for (int i = 0; i < PIXELS; i++) {
		in[i] = pixels[i] >= 128;
		assert_int_equal(codes[i], in[i]);
	}
	for (int l = 0; l < LAYERS; l++) {
		overlay_layer(l, in, out);
		engine_run(engines[l], codes, ours);
		assert_memory_equal(ours, out, (size_t)network->layers[l].out.channels);
		memcpy(in, out, sizeof(in));
	}
	engine_run(engines[LAYERS], codes, scores);
	classify_scores(network, scores, work, &answer);
	assert_int_equal(answer.top[0].index, highest(in, network->class_count));
	return answer.top[0].index;
}

static void engines_create(const struct network *network, struct engine *engines[LAYERS + 1])
{
	struct error e = {0};

	for (int l = 0; l <= LAYERS; l++)
		if (engine_create(network, 0, l + 1, NULL, &engines[l], &e))
			fail_msg("%s", e.text);
}

static void engines_destroy(struct engine *engines[LAYERS + 1])
{
	for (int l = 0; l <= LAYERS; l++)
		engine_destroy(engines[l]);
}

/* A grey picture of 28×28, seen as evaluate sees it. */
static int picture_compare(
	const struct network *network, struct engine *const engines[], const struct picture *picture)
{
	uint8_t codes[PIXELS], pixels[PIXELS];

	for (int i = 0; i < PIXELS; i++)
		pixels[i] = picture->data[4 * i];
	struct picture_area all = {0, 0, 28, 28};
	view_input(&network->view, VIEW_FROM_DATASET, picture, &all, codes, 28, 28, 1, 1);
	return compare(network, engines, codes, pixels);
}

/* At least this many classes must be answered, or the thresholds test nothing. */
static void many_answered(const int *answers, int count, int least)
{
	int seen = 0;

	for (int i = 0; i < count; i++)
		seen += answers[i] > 0;
	if (seen < least)
		fail_msg("%d of %d classes were ever the answer", seen, count);
}

static void random_pictures(void **state)
{
	struct network *network = import();
	struct engine *engines[LAYERS + 1];
	uint8_t data[PIXELS * 4];
	const struct picture picture = {28, 28, data, sizeof(data)};
	int answers[64] = {0};

	(void)state;
	assert_int_equal(network->class_count, 64);
	assert_string_equal(network->labels[63], "class 63");
	engines_create(network, engines);
	for (int n = 0; n < 40; n++) {
		int around = random_within(&seed, 0, 255);
		for (int i = 0; i < PIXELS; i++) {
			int grey = n % 2 ? 127 + random_within(&seed, 0, 1)
					 : (around + random_within(&seed, 0, 255)) / 2;
			memset(data + 4 * i, grey, 4);
		}
		answers[picture_compare(network, engines, &picture)]++;
	}
	many_answered(answers, 64, 3);
	engines_destroy(engines);
	network_destroy(network);
}

static void idx_pictures(void **state)
{
	static const char labels[] = "zero\none\r\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n\n";
	static const char *const names[] = {"mnist", "fashion-mnist"};
	const char *shared = getenv("TWOBIT_SHARED");
	int sets = 0;

	(void)state;
	bytes_write("classes.txt", labels, strlen(labels));
	struct network *network = import();
	struct engine *engines[LAYERS + 1];
	assert_int_equal(network->class_count, 10);
	assert_string_equal(network->labels[1], "one");
	engines_create(network, engines);
	for (int s = 0; s < 2; s++) {
		char path[600];
		struct dataset *dataset = NULL;
		struct picture picture = {0};
		struct error e = {0};
		int answers[10] = {0};

		snprintf(path, sizeof(path), "%.500s/data/%s/t10k-images-idx3-ubyte.gz",
			shared ? shared : "../shared", names[s]);
		if (access(path, R_OK)) {
			print_message("skipped: %s is not there (TWOBIT_SHARED names its folder)\n", path);
			continue;
		}
		if (dataset_open(path, &(struct dataset_options){.class_count = 10}, &dataset, &e))
			fail_msg("%s", e.text);
		for (int i = 0; i < 50; i++) {
			assert_int_equal(dataset_read(dataset, i, &picture, &e), 0);
			answers[picture_compare(network, engines, &picture)]++;
		}
		many_answered(answers, 10, 3);
		picture_finish(&picture);
		dataset_close(dataset);
		sets++;
	}
	engines_destroy(engines);
	network_destroy(network);
	assert_int_equal(unlink(path_of("classes.txt")), 0);
	if (sets == 0)
		skip();
}

/* Each of the 2^10 answers that ten classes can have. */
static void the_highest_bit_is_the_class(void **state)
{
	static const char labels[] = "0\n1\n2\n3\n4\n5\n6\n7\n8\n9";
	(void)state;
	bytes_write("classes.txt", labels, strlen(labels));
	struct network *network = import();

	for (int answer = 0; answer < 1024; answer++) {
		uint8_t bits[10];
		int32_t scores[10];
		double work[10];
		struct classification classification;

		for (int i = 0; i < 10; i++)
			bits[i] = answer >> i & 1;
		assert_int_equal(reference_run(network, 4, 5, bits, scores), 0);
		classify_scores(network, scores, work, &classification);
		assert_int_equal(classification.top[0].index, highest(bits, 10));
		if (answer)
			assert_true(classification.top[0].confidence > classification.top[1].confidence);
	}
	network_destroy(network);
	assert_int_equal(unlink(path_of("classes.txt")), 0);
}

/* As the project's first parameters are: the last layer has one fold of 16 rows. */
static void fewer_rows_of_the_last_layer_will_do(void **state)
{
	(void)state;
	layer_write(3, 16);
	struct network *network = import();
	assert_int_equal(network->class_count, 16);
	network_destroy(network);
	bytes_write("classes.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\nq\n", 34);
	refused("classes.txt holds 17 classes", "1 to 16");
	assert_int_equal(unlink(path_of("classes.txt")), 0);
	layer_write(3, 64);
}

static void the_folder_gives_the_name_and_a_copy_loads(void **state)
{
	struct network *network = import(), *loaded = NULL;
	struct error e = {0};
	char copy[300];

	(void)state;
	assert_string_equal(network->name, strrchr(folder, '/') + 1);
	assert_string_equal(network->folder, folder);
	assert_int_equal(network->view.kind, VIEW_INK);
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	if (network_save(network, copy, &e) || network_load(copy, &loaded, &e) || !loaded) {
		fail_msg("%s", e.text);
		return;
	}
	assert_int_equal(loaded->layer_count, 5);
	for (int l = 0; l < 4; l++)
		assert_memory_equal(loaded->layers[l].thresholds, network->layers[l].thresholds,
			(size_t)network->layers[l].out.channels * sizeof(int32_t));
	assert_memory_equal(loaded->layers[4].weights, network->layers[4].weights, 64 * 64);
	network_destroy(loaded);
	network_destroy(network);
}

static void files_that_do_not_fit_are_refused(void **state)
{
	static uint64_t words[512];

	(void)state;
	words_write(2, 31, "thres", words, 31);
	refused("2-31-thres.bin", "holds 31 words, but the layer needs 32");
	words_write(2, 31, "thres", words, 33);
	refused("2-31-thres.bin", "too long");
	bytes_write("2-31-thres.bin", words, 0);
	refused("2-31-thres.bin", "holds 0 bytes");
	bytes_write("2-31-thres.bin", words, 255);
	refused("2-31-thres.bin", "holds 255 bytes");
	assert_int_equal(unlink(path_of("2-31-thres.bin")), 0);
	refused("2-31-thres.bin", "is missing");
	words[7] = 65536;
	words_write(2, 31, "thres", words, 32);
	refused("2-31-thres.bin", "65536");
	words[7] = (uint64_t)-32769;
	words_write(2, 31, "thres", words, 32);
	refused("2-31-thres.bin", "-32769");
	layer_write(2, 1024);
	words[7] = UINT64_C(1) << 8;
	words_write(3, 5, "weights", words, 512);
	refused("3-5-weights.bin", "more than 8 bits");
	layer_write(3, 64);
	words_write(0, 0, "thres", words, 16);
	refused("0-0-thres.bin", "16 words");
	layer_write(0, 1024);
	bytes_write("classes.txt", "\n\n", 2);
	refused("classes.txt", "0 classes");
	bytes_write("classes.txt", "a\n\nb\n", 5);
	refused("classes.txt", "empty");
	assert_int_equal(unlink(path_of("classes.txt")), 0);
	network_destroy(import());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_pictures),
		cmocka_unit_test(idx_pictures),
		cmocka_unit_test(the_highest_bit_is_the_class),
		cmocka_unit_test(fewer_rows_of_the_last_layer_will_do),
		cmocka_unit_test(the_folder_gives_the_name_and_a_copy_loads),
		cmocka_unit_test(files_that_do_not_fit_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
