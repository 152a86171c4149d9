/* SPDX-License-Identifier: MIT */
/*
 * Conv0 of a small network that the test itself writes, as that project's Python code computes it: in
 * floating point, of pixels without their mean, blue first.
 */
#include "base/error.h"
#include "base/log.h"
#include "nn/import/qnn_mo.h"
#include "nn/reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/folder.h"
#include "support/random.h"
#include <cmocka.h>

enum { SIDE = 31, KERNEL = 4, STRIDE = 3, OUT_SIDE = 10, CHANNELS = 6, EXACT = 3, MEAN_SIDE = 37 };

static const char list[] =
	"{\"network\": \"tiny\", \"binparam\": \".\", \"binparam_skip\": 1, \"layer_skip\": 1, \"layers\": ["
	"{\"name\": \"conv0\", \"func\": \"conv_layer\", \"input_bits\": 8, \"output_bits\": %d, "
	"\"weight_bits\": 8, \"threshold_bits\": 20, \"kernel_shape\": 4, \"kernel_stride\": 3, "
	"\"input\": [%d, 31, 31], \"output\": [6, 10, 10], \"padding\": 0},"
	"{\"name\": \"pool0\", \"func\": \"maxpool_layer\", \"input_bits\": 2, \"output_bits\": 2, "
	"\"kernel_shape\": 2, \"kernel_stride\": 2, \"input\": [6, 10, 10], \"output\": [6, 5, 5], "
	"\"padding\": 0},"
	"{\"name\": \"end\", \"func\": \"none\"}]}";

/* Blue, green, red; whole, so that the mean of all pixels is exact. */
static const float mean_pixel[3] = {104, 117, 123};
static const float levels[3] = {5.0F / 6, 0.5F, 1.0F / 6};
static float weights[CHANNELS][3][KERNEL][KERNEL];
static char *folder;

static char *path_of(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void list_write(int output_bits, int channels)
{
	char text[1500];

	snprintf(text, sizeof(text), list, output_bits, channels);
	folder_put(folder, "/tiny-layers.json", text);
}

static void floats_put(FILE *file, const float *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t raw;

		memcpy(&raw, &numbers[i], sizeof(raw));
		for (int k = 0; k < 4; k++)
			assert_int_not_equal(fputc((int)(raw >> 8 * k & 255), file), EOF);
	}
}

static void header_put(FILE *file, const char *type, const char *shape)
{
	char text[119];

	snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
	assert_int_equal(fwrite("\x93NUMPY\x01\x00\x76", 1, 9, file), 9);
	assert_int_not_equal(fputc(0, file), EOF);
	fprintf(file, "%-117s\n", text);
}

/* An array as Python 2 pickles it. */
static void array_put(FILE *file, const char *name, const char *shape, const float *numbers, size_t count)
{
	fprintf(file, "S'%s'\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR", name);
	fprintf(file, "(I1\n(%stcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR", shape);
	fprintf(file, "(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nT");
	for (int k = 0; k < 4; k++)
		assert_int_not_equal(fputc((int)(count * 4 >> 8 * k & 255), file), EOF);
	floats_put(file, numbers, count);
	fputs("tbs", file);
}

static void conv0_write(void)
{
	FILE *file = fopen(path_of("tiny-conv0.npy"), "wb");

	assert_non_null(file);
	header_put(file, "|O", "()");
	fputs("(d", file);
	array_put(file, "conv0/W", "I6\nI3\nI4\nI4\n", &weights[0][0][0][0], sizeof(weights) / 4);
	array_put(file, "conv0/T", "I3\n", levels, 3);
	fputs(".", file);
	assert_int_equal(fclose(file), 0);
}

static void mean_write(int side)
{
	FILE *file = fopen(path_of("ilsvrc_pp_mean.npy"), "wb");
	char shape[40];

	assert_non_null(file);
	snprintf(shape, sizeof(shape), "(%d, %d, 3)", side, side);
	header_put(file, "<f4", shape);
	for (int i = 0; i < side * side; i++)
		floats_put(file, mean_pixel, 3);
	assert_int_equal(fclose(file), 0);
}

/* The first channels' weights are whole multiples of 1/256, of which the largest is 127: nothing is rounded.
 */
static int setup(void **state)
{
	(void)state;
	log_configure(LOG_WARNING, false);
	folder = folder_create();
	random_state = 9;
	for (int c = 0; c < CHANNELS; c++)
		for (int i = 0; i < 3 * KERNEL * KERNEL; i++)
			(&weights[c][0][0][0])[i] = c < EXACT
							    ? (float)(i ? random_below(255) - 127 : 127) / 256
							    : (float)(random_below(2000001) - 1000000) / 2e6F;
	list_write(2, 3);
	conv0_write();
	mean_write(MEAN_SIDE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

/* What that project computes for one channel of one pixel; *near: within `reach` of a threshold. */
static int python_code(uint8_t in[SIDE][SIDE][3], int y, int x, int c, double reach, bool *near)
{
	double sum = 0;
	int code = 0;

	for (int ky = 0; ky < KERNEL; ky++)
		for (int kx = 0; kx < KERNEL; kx++)
			for (int i = 0; i < 3; i++)
				sum += (double)weights[c][i][ky][kx] *
				       (in[y * STRIDE + ky][x * STRIDE + kx][2 - i] - (double)mean_pixel[i]);
	*near = false;
	for (int k = 0; k < 3; k++) {
		code += sum / 255 > (double)levels[k];
		*near |= fabs(sum / 255 - (double)levels[k]) < reach;
	}
	return code;
}

static void codes_are_those_of_floats(void **state)
{
	struct network *network = NULL;
	struct error e = {0};
	uint8_t in[SIDE][SIDE][3], out[OUT_SIDE][OUT_SIDE][CHANNELS];
	int seen[4] = {0}, others = 0;

	(void)state;
	if (import_qnn_mo(folder, &network, &e))
		fail_msg("%s", e.text);
	assert_int_equal(network->layer_count, 2);
	assert_string_equal(network->layers[0].name, "conv0");
	assert_int_equal(network->layers[0].input_bits, 8);
	for (size_t i = 0; i < sizeof(in); i++)
		(&in[0][0][0])[i] = (uint8_t)random_below(256);
	assert_int_equal(reference_run(network, 0, 1, in, out), 0);
	for (int y = 0; y < OUT_SIDE; y++)
		for (int x = 0; x < OUT_SIDE; x++)
			for (int c = 0; c < CHANNELS; c++) {
				bool near;
				int code = python_code(in, y, x, c, c < EXACT ? 1e-9 : 0.02, &near);

				if (!near)
					assert_int_equal(out[y][x][c], code);
				others += !near && c >= EXACT;
				seen[code]++;
			}
	for (int code = 0; code < 4; code++)
		assert_in_range(seen[code], 10, OUT_SIDE * OUT_SIDE * CHANNELS);
	assert_in_range(others, 200, OUT_SIDE * OUT_SIDE * CHANNELS); /* most are no close calls */
	network_destroy(network);
}

static void refused(const char *first, const char *second)
{
	struct network *network = (void *)folder;
	struct error e = {0};

	if (import_qnn_mo(folder, &network, &e) >= 0)
		fail_msg("imported, but \"%s … %s\" is expected", first, second);
	assert_null(network);
	if (!strstr(e.text, first) || !strstr(e.text, second) || strchr(e.text, '\n'))
		fail_msg("\"%s\" should be one line with \"%s\" and \"%s\"", e.text, first, second);
}

static void files_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	list_write(3, 3);
	refused("layer \"conv0\"", "output_bits is 3");
	list_write(2, 1);
	refused("layer \"conv0\"", "3 channels");
	list_write(2, 3);
	mean_write(SIDE - 1);
	refused("ilsvrc_pp_mean.npy", "at least 31 by 31 pixels");
	assert_int_equal(unlink(path_of("ilsvrc_pp_mean.npy")), 0);
	refused("ilsvrc_pp_mean.npy: is not there", "copy it from QNN-MO-PYNQ's params");
	mean_write(MEAN_SIDE);
	weights[0][0][0][0] = NAN;
	conv0_write();
	refused("tiny-conv0.npy", "\"conv0/W\"");
	folder_put(folder, "/tiny-conv0.npy", "no array");
	refused("tiny-conv0.npy", "is no .npy file");
	folder_put(folder, "/tiny-conv0.npy", "");
	refused("tiny-conv0.npy", "is no .npy file");
	assert_int_equal(unlink(path_of("tiny-conv0.npy")), 0);
	assert_int_equal(mkfifo(path_of("tiny-conv0.npy"), 0600), 0);
	refused("tiny-conv0.npy", "is not a regular file");
}

/* Without Conv0's file, the network begins behind it, with codes. */
static void conv0_may_be_missing(void **state)
{
	struct network *network = NULL;
	struct error e = {0};

	(void)state;
	assert_int_equal(unlink(path_of("tiny-conv0.npy")), 0);
	if (import_qnn_mo(folder, &network, &e))
		fail_msg("%s", e.text);
	assert_int_equal(network->layer_count, 1);
	assert_int_equal(network->layers[0].input_bits, 2);
	network_destroy(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_floats),
		cmocka_unit_test(files_that_do_not_fit_are_refused),
		cmocka_unit_test(conv0_may_be_missing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
