/* SPDX-License-Identifier: MIT */
/* Models of integers give the logits that ONNX defines, models of floats nearly those; others say why not. */
#include "nn/import/onnx/import_onnx.h"

#include "base/error.h"
#include "nn/reference.h"
#include "onnx_model.h"
#include "support/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static char *folder, path[256];

static int folder_make(void **state)
{
	(void)state;
	folder = folder_create();
	snprintf(path, sizeof(path), "%s/model.onnx", folder);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

/* Writes a graph with its input and output. */
static void model_write(struct onnx_buffer *graph, const int input[4])
{
	static struct onnx_buffer file;
	FILE *stream = fopen(path, "wb");

	file.size = 0;
	onnx_put_value(graph, 11, "x", input, 4);
	onnx_put_value(graph, 12, "y", (const int[]){1, CLASSES}, 2);
	onnx_put_model(&file, graph);
	assert_non_null(stream);
	assert_int_equal(fwrite(file.data, 1, file.size, stream), file.size);
	assert_int_equal(fclose(stream), 0);
}

static const int closed[4] = {1, 2, SIDE, SIDE};

/* (pixel − 127) / 128 */
static struct import_onnx_options options_make(void)
{
	return (struct import_onnx_options){
		.mean = {127.0 / 255}, .std = {128.0 / 255}, .mean_count = 1, .std_count = 1};
}

static struct network *imported(const struct import_onnx_options *options, struct layer_report *report)
{
	struct network *network = NULL;
	struct error e = {0};

	if (import_onnx(path, options, &network, report, &e))
		fail_msg("%s", e.text);
	assert_int_equal(network->class_count, CLASSES);
	return network;
}

static void refused(const struct import_onnx_options *options, const char *why)
{
	struct network *network = NULL;
	struct error e = {0};

	assert_int_not_equal(import_onnx(path, options, &network, NULL, &e), 0);
	assert_null(network);
	if (!strstr(e.text, why) || !strstr(e.text, path))
		fail_msg("%s", e.text);
}

/* The greatest difference of logits over some pictures, as a share of the greatest logit. */
static double worst_difference(const struct network *network, const struct small *s, bool quantised)
{
	double worst = 0, most = 0;
	uint32_t seed = 99;

	for (int n = 0; n < 20; n++) {
		uint8_t pixels[PIXELS];
		double x[PIXELS], y[CLASSES];
		int32_t scores[CLASSES];

		for (int i = 0; i < PIXELS; i++) { /* [height][width][channel] */
			pixels[i] = (uint8_t)random_within(&seed, 0, 255);
			x[i % 2 * SIDE * SIDE + i / 2] = (pixels[i] - 127) / 128.0;
		}
		assert_int_equal(reference_run(network, 0, network->layer_count, pixels, scores), 0);
		small_run(s, quantised, x, y);
		for (int c = 0; c < CLASSES; c++) {
			double logit = (double)network->scale[c] * scores[c] + (double)network->bias[c];
			worst = fmax(worst, fabs(logit - y[c]));
			most = fmax(most, fabs(y[c]));
		}
	}
	return worst / most;
}

static void model_compare(void (*put)(struct onnx_buffer *graph, const struct small *s),
	const struct small *s, double tolerance)
{
	struct import_onnx_options options = options_make();
	struct onnx_buffer graph = {.size = 0};

	put(&graph, s);
	model_write(&graph, closed);
	struct network *network = imported(&options, NULL);
	double worst = worst_difference(network, s, true);
	if (worst > tolerance)
		fail_msg("differs by %g", worst);
	network_destroy(network);
}

static void qdq(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 6; seed++) {
		struct small s = small_make(seed);
		model_compare(put_qdq, &s, 1e-6);
		s.code_type = 3;
		model_compare(put_qdq, &s, 1e-6);
	}
}

/* Pixels that all lie between two codes take those that single precision gives them, as in onnxruntime. */
static void pixels_between_codes(void **state)
{
	struct import_onnx_options options = {.mean = {0.5}, .std = {0.5}, .mean_count = 1, .std_count = 1};
	struct onnx_buffer graph = {.size = 0};
	struct small s = small_make(1);
	int others = 0;

	(void)state;
	s.pixel_scale = 2.0F / 255;
	s.pixel_zero = 128;
	put_qdq(&graph, &s);
	model_write(&graph, closed);
	struct network *network = imported(&options, NULL);
	const struct layer *table = &network->layers[0];
	assert_int_equal(table->kind, LAYER_TABLE);
	for (int pixel = 0; pixel <= UINT8_MAX; pixel++) {
		float number = (float)pixel / 255;
		number = (number - 0.5F) / 0.5F;
		float code = rintf(number / s.pixel_scale) + 128;
		code = code > 255 ? 255 : code;

		assert_int_equal(table->table[pixel], (int)code);
		others += (int)code != (int)fmin(rint(pixel - 127.5) + 128, 255);
	}
	assert_true(others > 50);
	network_destroy(network);
}

static void qoperator(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 6; seed++) {
		struct small s = small_make(seed);
		s.conv_zero = 0;
		model_compare(put_qoperator, &s, 1e-6);
		s.code_type = 3;
		model_compare(put_qoperator, &s, 1e-6);
	}
}

static void padded_codes(void **state)
{
	struct import_onnx_options options = options_make();
	struct onnx_buffer graph = {.size = 0};
	struct small s = small_make(2);

	(void)state;
	s.conv_zero = 0;
	model_compare(put_padded, &s, 1e-6);
	s.code_type = 3;
	model_compare(put_padded, &s, 1e-6);

	put_constants(&graph, &s);
	onnx_put_integers(&graph, "wide", 7, (const int[]){8}, 1, wide);
	onnx_put_node(&graph, "", "QuantizeLinear", "x xs xz", "xq", "");
	onnx_put_node(&graph, "", "Pad", "xq wide cz", "xp", "");
	onnx_put_node(&graph, "", "DequantizeLinear", "xp xs xz", "y", "");
	model_write(&graph, closed);
	refused(&options, "with another one than their zero point");
}

/* Layers whose weights have an offset, and layers in all. */
static int offsets_of(const struct small *s, int *layers)
{
	struct import_onnx_options options = options_make();
	struct onnx_buffer graph = {.size = 0};
	int count = 0;

	put_qdq(&graph, s);
	model_write(&graph, closed);
	struct network *network = imported(&options, NULL);
	for (int i = 0; i < network->layer_count; i++)
		count += network->layers[i].weight_offset != NULL;
	*layers = network->layer_count;
	network_destroy(network);
	return count;
}

/* Unsigned weights; those that leave 8 bits once their zero point is subtracted have an offset. */
static void unsigned_weights(void **state)
{
	struct small s = small_make(3);
	int layers, with_offsets;

	(void)state;
	s.weight_type = 2;
	s.weight_zero = 128;
	for (int i = 0; i < WEIGHTS; i++)
		s.weights[i] += 128;
	model_compare(put_qdq, &s, 1e-6);
	assert_int_equal(offsets_of(&s, &layers), 0);
	for (int i = 0; i < WEIGHTS; i++)
		s.weights[i] -= s.weights[i] > 40 ? 40 : 0;
	s.weight_zero = 60;
	model_compare(put_qdq, &s, 1e-6);
	assert_true(offsets_of(&s, &with_offsets) > 0);
	assert_int_equal(with_offsets, layers);
}

static int random_picture(void *context, int index, struct shape shape, uint8_t *pixels, struct error *e)
{
	uint32_t seed = (uint32_t)index + 1000;

	(void)context;
	(void)e;
	for (size_t i = 0; i < shape_size(shape); i++)
		pixels[i] = (uint8_t)random_within(&seed, 0, 255);
	return 0;
}

static const struct calibration_pictures some = {200, random_picture, NULL};

static void floats(void **state)
{
	struct import_onnx_options options = options_make();
	struct layer_report report;

	(void)state;
	for (uint32_t seed = 1; seed < 5; seed++) {
		struct onnx_buffer graph = {.size = 0};
		struct small s = small_make(seed);

		put_floats(&graph, &s);
		model_write(&graph, closed);
		options.pictures = some;
		struct network *network = imported(&options, &report);
		double worst = worst_difference(network, &s, false);
		if (worst > 0.03)
			fail_msg("differs by %g", worst);
		/* the codes of the convolution and of the mean, and the output */
		assert_int_equal(report.count, 3);
		for (int i = 0; i < report.count; i++)
			assert_true(report.layers[i].noise < 1e-3 * report.layers[i].power);
		assert_string_equal(report.layers[0].type, "Relu");
		assert_true(report.layers[0].low == 0 && report.layers[0].high > 0);
		layer_report_finish(&report);
		network_destroy(network);
	}
}

/* A transposed convolution 3×3 of stride 2 down, 1 across, of 2 channels to 4, a ReLU and a matrix. */
enum { TALL = 2 * SIDE, MADE_CHANNELS = 4, MADE_SIZE = MADE_CHANNELS * TALL * SIDE };

struct transposed {
	int groups;
	float weights[2 * MADE_CHANNELS * 9], bias[MADE_CHANNELS], matrix[CLASSES * MADE_SIZE];
};

static void put_transposed(struct onnx_buffer *graph, struct transposed *t, int groups)
{
	uint32_t seed = 5;
	char attributes[100];

	t->groups = groups;
	for (int i = 0; i < 2 * MADE_CHANNELS * 9; i++)
		t->weights[i] = (float)random_within(&seed, -100, 100) / 100;
	for (int i = 0; i < MADE_CHANNELS; i++)
		t->bias[i] = (float)random_within(&seed, -100, 100) / 100;
	for (int i = 0; i < CLASSES * MADE_SIZE; i++)
		t->matrix[i] = (float)random_within(&seed, -100, 100) / 100;
	onnx_put_tensor(graph, "w", (const int[]){2, MADE_CHANNELS / groups, 3, 3}, 4, t->weights);
	onnx_put_tensor(graph, "b", (const int[]){MADE_CHANNELS}, 1, t->bias);
	onnx_put_tensor(graph, "g", (const int[]){CLASSES, MADE_SIZE}, 2, t->matrix);
	snprintf(attributes, sizeof(attributes),
		"kernel_shape=3,3 pads=1,1,1,1 strides=2,1 output_padding=1,0 group=%d", groups);
	onnx_put_node(graph, "", "ConvTranspose", "x w b", "c", attributes);
	onnx_put_node(graph, "", "Relu", "c", "r", "");
	onnx_put_node(graph, "", "Flatten", "r", "f", "axis=1");
	onnx_put_node(graph, "", "Gemm", "f g", "y", "transB=1");
}

/* Each number of the picture adds the kernel, times itself, to what is made. */
static void transposed_run(const struct transposed *t, const double *x, double y[CLASSES])
{
	double made[MADE_SIZE];
	int outs = MADE_CHANNELS / t->groups, depth = 2 / t->groups;

	for (int i = 0; i < MADE_SIZE; i++)
		made[i] = (double)t->bias[i / (TALL * SIDE)];
	for (int at = 0; at < PIXELS; at++)
		for (int k = 0; k < outs * 9; k++) {
			int in = at / (SIDE * SIDE), row = at / SIDE % SIDE * 2 + k % 9 / 3 - 1,
			    column = at % SIDE + k % 3 - 1, out = in / depth * outs + k / 9;

			if (row >= 0 && row < TALL && column >= 0 && column < SIDE)
				made[(out * TALL + row) * SIDE + column] +=
					x[at] * (double)t->weights[in * outs * 9 + k];
		}
	for (int c = 0; c < CLASSES; c++) {
		y[c] = 0;
		for (int i = 0; i < MADE_SIZE; i++)
			y[c] += fmax(made[i], 0) * (double)t->matrix[c * MADE_SIZE + i];
	}
}

static void transposed_floats(void **state)
{
	static struct transposed t;

	(void)state;
	for (int groups = 1; groups <= 2; groups++) {
		struct import_onnx_options options = options_make();
		struct onnx_buffer graph = {.size = 0};
		uint8_t pixels[PIXELS];
		double x[PIXELS], y[CLASSES], worst = 0, most = 0;
		int32_t scores[CLASSES];

		put_transposed(&graph, &t, groups);
		model_write(&graph, closed);
		options.pictures = some;
		struct network *network = imported(&options, NULL);
		for (int n = 0; n < 20; n++) {
			random_picture(NULL, n, (struct shape){SIDE, SIDE, 2}, pixels, NULL);
			for (int i = 0; i < PIXELS; i++)
				x[i % 2 * SIDE * SIDE + i / 2] = (pixels[i] - 127) / 128.0;
			assert_int_equal(reference_run(network, 0, network->layer_count, pixels, scores), 0);
			transposed_run(&t, x, y);
			for (int c = 0; c < CLASSES; c++) {
				double logit =
					(double)network->scale[c] * scores[c] + (double)network->bias[c];
				worst = fmax(worst, fabs(logit - y[c]));
				most = fmax(most, fabs(y[c]));
			}
		}
		if (worst > 0.03 * most)
			fail_msg("differs by %g of %g in %d groups", worst, most, groups);
		network_destroy(network);
	}
}

/* Whatever the means, pixels that a convolution without padding reads need no table; others do. */
static void pixels_as_they_are(void **state)
{
	(void)state;
	for (int pad = 0; pad <= 1; pad++) {
		struct import_onnx_options options = {
			.mean = {0.41, 0.73}, .std = {0.5}, .mean_count = 2, .std_count = 1};
		struct onnx_buffer graph = {.size = 0};
		static struct transposed t;
		struct layer_report report;

		put_transposed(&graph, &t, 1);
		graph.size = 0;
		onnx_put_tensor(&graph, "w", (const int[]){MADE_CHANNELS, 2, 3, 3}, 4, t.weights);
		onnx_put_tensor(&graph, "g", (const int[]){CLASSES, MADE_CHANNELS}, 2, t.matrix);
		onnx_put_node(&graph, "", "Conv", "x w", "c", pad ? CONV : UNPADDED);
		onnx_put_node(&graph, "", "Relu", "c", "r", "");
		onnx_put_node(&graph, "", "GlobalAveragePool", "r", "m", "");
		onnx_put_node(&graph, "", "Flatten", "m", "f", "axis=1");
		onnx_put_node(&graph, "", "Gemm", "f g", "y", "transB=1");
		model_write(&graph, closed);
		options.pictures = some;
		struct network *network = imported(&options, &report);
		assert_int_equal(network->layers[0].kind, pad ? LAYER_TABLE : LAYER_CONV);
		for (int i = 0; i < report.count; i++)
			assert_true(report.layers[i].noise < 1e-3 * report.layers[i].power);
		layer_report_finish(&report);
		network_destroy(network);
	}
}

static void open_sizes(void **state)
{
	struct import_onnx_options options = options_make();
	struct onnx_buffer graph = {.size = 0};
	struct small s = small_make(1);

	(void)state;
	put_qdq(&graph, &s);
	model_write(&graph, (const int[]){-1, 2, -1, -1});
	refused(&options, "--size");
	options.height = options.width = SIDE;
	struct network *network = imported(&options, NULL);
	assert_int_equal(network->layers[0].in.height, SIDE);
	network_destroy(network);
	graph.size = 0;
	put_qdq(&graph, &s);
	model_write(&graph, closed);
	options.height = 2 * SIDE;
	refused(&options, "--size is 6x12");
}

static void labels_and_view(void **state)
{
	struct import_onnx_options options = options_make();
	struct onnx_buffer graph = {.size = 0};
	struct small s = small_make(1);
	char labels[300];

	(void)state;
	put_qdq(&graph, &s);
	model_write(&graph, closed);
	folder_put(folder, "/names", "red\ngreen\nblue\nwhite\n");
	snprintf(labels, sizeof(labels), "%s/names", folder);
	options.labels = labels;
	options.view = (struct view){.kind = VIEW_BOX, .size = 0.5};
	struct network *network = imported(&options, NULL);
	assert_string_equal(network->labels[2], "blue");
	assert_true(network->view.kind == VIEW_BOX && network->view.size == 0.5);
	network_destroy(network);
}

static int broken_picture(void *context, int index, struct shape shape, uint8_t *pixels, struct error *e)
{
	(void)context;
	(void)index;
	(void)shape;
	(void)pixels;
	return error_set(e, -EBADMSG, "%s: broken picture", path);
}

static void refusals(void **state)
{
	struct import_onnx_options options = options_make();
	struct onnx_buffer graph = {.size = 0};
	struct small s = small_make(1);

	(void)state;
	put_floats(&graph, &s);
	model_write(&graph, closed);
	refused(&options, "give --calibrate FOLDER");
	options.pictures = (struct calibration_pictures){1, broken_picture, NULL};
	refused(&options, "broken picture");
	options.pictures = some;
	options.mean_count = 3;
	refused(&options, "--mean has 3 numbers, but the model's picture has 2 channels");
	options.mean_count = 1;

	graph.size = 0;
	put_constants(&graph, &s);
	onnx_put_node(&graph, "", "QuantizeLinear", "x xs xz", "xq", "");
	onnx_put_node(&graph, "", "ConvInteger", "xq w xz wz", "y", "");
	model_write(&graph, closed);
	refused(&options, "dynamic quantisation");

	graph.size = 0;
	onnx_put_node(&graph, "", "Sigmoid", "x", "s", "");
	onnx_put_node(&graph, "", "Mul", "x s", "y", "");
	model_write(&graph, closed);
	refused(&options, "squeeze-and-excitation");

	graph.size = 0;
	onnx_put_node(&graph, "", "Einsum", "x", "y", "");
	model_write(&graph, closed);
	refused(&options, "\"y\" (Einsum)");

	graph.size = 0;
	put_constants(&graph, &s);
	put_number(&graph, "other", 0.5F);
	onnx_put_node(&graph, "", "QuantizeLinear", "x xs xz", "xq", "");
	onnx_put_node(&graph, "", "DequantizeLinear", "xq other xz", "y", "");
	model_write(&graph, closed);
	refused(&options, "another scale or zero point");
}

/* Brevitas' dialect has a command of its own. */
static void qonnx_is_sent_on(void **state)
{
	(void)state;
	struct network *network;
	struct error e;

	assert_int_equal(import_onnx("tests/data/qonnx/w2a2.onnx", &(struct import_onnx_options){0}, &network,
				 NULL, &e),
		-EBADMSG);
	assert_non_null(strstr(e.text, "twobit import qonnx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qdq),
		cmocka_unit_test(pixels_between_codes),
		cmocka_unit_test(qoperator),
		cmocka_unit_test(padded_codes),
		cmocka_unit_test(unsigned_weights),
		cmocka_unit_test(floats),
		cmocka_unit_test(transposed_floats),
		cmocka_unit_test(pixels_as_they_are),
		cmocka_unit_test(open_sizes),
		cmocka_unit_test(labels_and_view),
		cmocka_unit_test(refusals),
		cmocka_unit_test(qonnx_is_sent_on),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
