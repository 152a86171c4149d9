/* SPDX-License-Identifier: MIT */
/*
 * Codes of 3 bits, as in Tinier-YOLO: a convolution whose 512 output channels are in two parts, and a pool
 * whose padding stands only in its shape. What the overlay computes is written down here anew.
 */
#include "base/error.h"
#include "nn/engine.h"
#include "nn/import/qnn_mo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/folder.h"
#include "support/random.h"
#include <cmocka.h>

enum { IN = 16, SIDE = 5, MIDDLE = 512, OUT = 32, PART = 256, PES = 32 };

static const char list[] =
	"{\"network\": \"tiny\", \"binparam\": \".\", \"binparam_skip\": 1, \"layer_skip\": 0, \"layers\": ["
	"{\"name\": \"conv1\", \"func\": \"conv_layer\", \"input_bits\": 3, \"output_bits\": 3, "
	"\"weight_bits\": 1, \"threshold_bits\": 16, \"kernel_shape\": 3, \"kernel_stride\": 1, "
	"\"input\": [16, 5, 5], \"output\": [512, 5, 5], \"padding\": 1},"
	"{\"name\": \"pool1\", \"func\": \"maxpool_layer\", \"input_bits\": 3, \"output_bits\": 3, "
	"\"kernel_shape\": 2, \"kernel_stride\": 1, \"input\": [512, 6, 6], \"output\": [512, 5, 5], "
	"\"padding\": 0},"
	"{\"name\": \"conv2\", \"func\": \"conv_layer\", \"input_bits\": 3, \"output_bits\": %d, "
	"\"weight_bits\": 1, \"threshold_bits\": 16, \"kernel_shape\": 1, \"kernel_stride\": 1, "
	"\"input\": [512, 5, 5], \"output\": [32, 5, 5], \"padding\": 0},"
	"{\"name\": \"end\", \"func\": \"none\"}]}";

/* conv1's two parts, and conv2: [channel][place][input], −1 or 1. */
static int8_t weights1[MIDDLE][9][IN], weights2[OUT][1][MIDDLE];
static int16_t thresholds1[MIDDLE][7], thresholds2[OUT][7];
static bool inverted1[MIDDLE], inverted2[OUT];
static char *folder;

static void word_write(FILE *file, uint64_t word)
{
	for (int k = 0; k < 8; k++)
		assert_int_not_equal(fputc((int)(word >> 8 * k & 255), file), EOF);
}

static FILE *file_begin(int number, int pe, const char *kind)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%d-%d-%s.bin", folder, number, pe, kind);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	return file;
}

static void weights_write(FILE *file, const int8_t *weights, int depth)
{
	for (int first = 0; first < depth; first += 64) {
		uint64_t word = 0;

		for (int i = first; i < first + 64 && i < depth; i++)
			word |= (uint64_t)(weights[i] < 0) << (i - first);
		word_write(file, word);
	}
}

/* 128 bits: seven thresholds from the lowest bits on, then the inversion. Their higher word comes first. */
static void thresholds_write(FILE *file, const int16_t *thresholds, bool inverted)
{
	uint64_t high = (uint64_t)inverted << 48, low = 0;

	for (int i = 0; i < 4; i++)
		low |= (uint64_t)(uint16_t)thresholds[i] << 16 * i;
	for (int i = 4; i < 7; i++)
		high |= (uint64_t)(uint16_t)thresholds[i] << 16 * (i - 4);
	word_write(file, high);
	word_write(file, low);
}

static void files_write(int number, int channels, int places, int depth, const int8_t *weights,
	int16_t (*thresholds)[7], const bool *inverted)
{
	for (int pe = 0; pe < PES; pe++) {
		FILE *file = file_begin(number, pe, "weights");
		for (int c = pe; c < channels; c += PES)
			for (int place = 0; place < places; place++)
				weights_write(file, weights + ((ptrdiff_t)c * places + place) * depth, depth);
		assert_int_equal(fclose(file), 0);
		file = file_begin(number, pe, "thres");
		for (int c = pe; c < channels; c += PES)
			thresholds_write(file, thresholds[c], inverted[c]);
		assert_int_equal(fclose(file), 0);
	}
}

static void thresholds_draw(int16_t thresholds[7], bool *inverted, int spread)
{
	thresholds[0] = (int16_t)(random_below(spread) - spread);
	for (int i = 1; i < 7; i++)
		thresholds[i] = (int16_t)(thresholds[i - 1] + random_below(spread / 2));
	*inverted = random_below(2);
}

static void list_write(int output_bits)
{
	char text[2000];

	snprintf(text, sizeof(text), list, output_bits);
	folder_put(folder, "/tiny-layers.json", text);
}

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	random_state = 5;
	list_write(3);
	for (int c = 0; c < MIDDLE; c++) {
		for (int i = 0; i < 9 * IN; i++)
			(&weights1[c][0][0])[i] = (int8_t)(2 * random_below(2) - 1);
		thresholds_draw(thresholds1[c], &inverted1[c], 40);
	}
	for (int c = 0; c < OUT; c++) {
		for (int i = 0; i < MIDDLE; i++)
			weights2[c][0][i] = (int8_t)(2 * random_below(2) - 1);
		thresholds_draw(thresholds2[c], &inverted2[c], 80);
	}
	files_write(1, PART, 9, IN, &weights1[0][0][0], thresholds1, inverted1);
	files_write(2, PART, 9, IN, &weights1[PART][0][0], thresholds1 + PART, inverted1 + PART);
	files_write(3, OUT, 1, MIDDLE, &weights2[0][0][0], thresholds2, inverted2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

static uint8_t code_of(const int16_t thresholds[7], bool inverted, int sum)
{
	int code = 0;

	for (int i = 0; i < 7; i++)
		code += sum >= thresholds[i];
	return (uint8_t)(inverted ? 7 - code : code);
}

static void overlay(uint8_t in[SIDE][SIDE][IN], uint8_t out[SIDE][SIDE][OUT])
{
	static uint8_t middle[SIDE + 1][SIDE + 1][MIDDLE], pooled[MIDDLE];

	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			for (int c = 0; c < MIDDLE; c++) {
				int sum = 0;

				for (int k = 0; k < 9; k++) {
					int from_y = y + k / 3 - 1, from_x = x + k % 3 - 1;

					for (int i = 0; i < IN && from_y >= 0 && from_y < SIDE &&
							from_x >= 0 && from_x < SIDE;
						i++)
						sum += weights1[c][k][i] * in[from_y][from_x][i];
				}
				middle[y][x][c] = code_of(thresholds1[c], inverted1[c], sum);
			}
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			for (int c = 0; c < MIDDLE; c++) {
				pooled[c] = 0;
				for (int k = 0; k < 4; k++)
					if (middle[y + k / 2][x + k % 2][c] > pooled[c])
						pooled[c] = middle[y + k / 2][x + k % 2][c];
			}
			for (int c = 0; c < OUT; c++) {
				int sum = 0;

				for (int i = 0; i < MIDDLE; i++)
					sum += weights2[c][0][i] * pooled[i];
				out[y][x][c] = code_of(thresholds2[c], inverted2[c], sum);
			}
		}
}

static void codes_are_the_overlays(void **state)
{
	uint8_t in[SIDE][SIDE][IN], expected[SIDE][SIDE][OUT], out[SIDE][SIDE][OUT];
	struct network *network = NULL;
	struct engine *engine = NULL;
	struct error e = {0};
	int seen[8] = {0};

	(void)state;
	if (import_qnn_mo(folder, &network, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(network->layer_count, 3);
	assert_int_equal(network->layers[1].pad_top, 0);
	assert_int_equal(network->layers[1].pad_bottom, 1);
	assert_int_equal(engine_create(network, 0, 3, NULL, &engine, &e), 0);
	for (int n = 0; n < 4; n++) {
		for (size_t i = 0; i < sizeof(in); i++)
			(&in[0][0][0])[i] = (uint8_t)random_below(8);
		overlay(in, expected);
		engine_run(engine, &in[0][0][0], out);
		assert_memory_equal(out, expected, sizeof(out));
		for (size_t i = 0; i < sizeof(out); i++)
			seen[(&out[0][0][0])[i]]++;
	}
	for (int code = 0; code < 8; code++)
		assert_true(seen[code] > 0);
	engine_destroy(engine);
	network_destroy(network);
}

static void bits_do_not_change_within_a_network(void **state)
{
	struct network *network = NULL;
	struct error e = {0};

	(void)state;
	list_write(2);
	assert_true(import_qnn_mo(folder, &network, &e) < 0);
	if (!strstr(e.text, "layer \"conv2\": output_bits is 2") || !strstr(e.text, "(output_bits 3)"))
		fail_msg("%s", e.text);
	list_write(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_the_overlays),
		cmocka_unit_test(bits_do_not_change_within_a_network),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
