/* SPDX-License-Identifier: MIT */
/* Operators that become layers in more than one step. */
#include "nn/reference.h"
#include "qonnx_model.h"
#include "support/folder.h"

#include <stdio.h>
#include <string.h>

static char *folder, path[256];

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	snprintf(path, sizeof(path), "%s/model.onnx", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

/* Eight channels of a pixel become two of 2×2 pixels, in both orders of ONNX: as pictures that lie so
 * already. */
static void test_depth_to_space(void **state)
{
	static const char *const modes[] = {"blocksize=2", "blocksize=2 mode=CRD"};
	struct model model = model_base();

	(void)state;
	memcpy(model.input, ((const int[]){1, 2, 4, 4}), sizeof(model.input));
	model.nodes[CONV].attributes = "group=2";
	struct network *plain = model_read(&model, path);
	memcpy(model.input, ((const int[]){1, 8, 2, 2}), sizeof(model.input));
	node_insert(&model, CONV, (struct node){"", "DepthToSpace", "q", "d", ""});
	model.nodes[CONV + 1].inputs = "d w0.q";
	for (int mode = 0; mode < 2; mode++) {
		uint8_t deep[32], flat[32];
		int32_t want[3], got[3];

		model.nodes[CONV].attributes = modes[mode];
		struct network *network = model_read(&model, path);
		for (int i = 0; i < 32; i++) {
			int y = i / 8, x = i / 2 % 4, channel = i % 2, place = y % 2 * 2 + x % 2;
			int from =
				(y / 2 * 2 + x / 2) * 8 + (mode ? channel * 4 + place : place * 2 + channel);

			flat[i] = deep[from] = (uint8_t)(i * 37 + 11);
		}
		assert_int_equal(reference_run(plain, 0, plain->layer_count, flat, want), 0);
		assert_int_equal(reference_run(network, 0, network->layer_count, deep, got), 0);
		assert_memory_equal(want, got, sizeof(want));
		network_destroy(network);
	}
	network_destroy(plain);
	model.nodes[CONV].attributes = "blocksize=3";
	model_refused(&model, path, "its blocksize 3 does not fit 8 channels");
}

/* An average of the pixels alone: the sums of one, two and four are scaled to four. */
static void test_padding_left_out(void **state)
{
	struct model model = model_base();
	const struct layer *pool = NULL;

	(void)state;
	node_insert(
		&model, FLAT, (struct node){"", "AveragePool", "a", "p", "kernel_shape=2,2 pads=0,0,1,1"});
	model.nodes[FLAT + 1].inputs = "p";
	struct network *network = model_read(&model, path);
	for (int i = 0; i < network->layer_count; i++)
		if (network->layers[i].kind == LAYER_AVERAGE_POOL)
			pool = &network->layers[i];
	assert_non_null(pool);
	assert_int_equal(pool->pixels, 4);
	assert_int_equal(pool->kernel_height * pool->kernel_width, 4);
	assert_int_equal(pool->pad_bottom + pool->pad_right, 2);
	network_destroy(network);
	model.nodes[FLAT].attributes = "kernel_shape=2,2 pads=0,0,1,1 count_include_pad=1";
	network = model_read(&model, path);
	for (int i = 0; i < network->layer_count; i++)
		assert_int_equal(network->layers[i].pixels, 0);
	network_destroy(network);
	node_insert(&model, FLAT, (struct node){"", "Pad", "a", "d", "pads=0,0,1,1,0,0,0,0"});
	model.nodes[FLAT + 1].inputs = "d";
	model.nodes[FLAT + 1].attributes = "kernel_shape=2,2 pads=0,0,1,1 strides=2,2";
	model_refused(&model, path, "but not that of the Pad before it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth_to_space),
		cmocka_unit_test(test_padding_left_out),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
