/* SPDX-License-Identifier: MIT */
/*
 * The importer on real exports with what the exporter computed of them (tests/data/qonnx), and on a small
 * model that the test writes itself, to change one thing of it at a time.
 */
#include "base/error.h"
#include "base/file.h"
#include "nn/engine.h"
#include "nn/format/load.h"
#include "nn/format/npy.h"
#include "nn/format/save.h"
#include "nn/import/model/onnx.h"
#include "nn/import/qonnx/qonnx.h"
#include "nn/kernels/table.h"
#include "nn/reference.h"
#include "qonnx_model.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FIXTURES "tests/data/qonnx/"

static char folder[] = "/tmp/test-qonnx-XXXXXX";

static char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(folder, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static struct network *import(const char *path)
{
	struct network *network = NULL;
	struct error e = {0};

	if (import_qonnx(path, &network, &e))
		fail_msg("%s", e.text);
	return network;
}

/* An array of tests/data/qonnx; `file` is to be freed. */
static const uint8_t *array_read(const char *model, const char *what, struct npy *npy, uint8_t **file)
{
	const uint8_t *values = NULL;
	struct error e = {0};
	char path[128];
	size_t size;

	snprintf(path, sizeof(path), FIXTURES "%s.%s.npy", model, what);
	if (file_read(AT_FDCWD, path, 1 << 20, file, &size, &e) || npy_parse(*file, size, npy, &values, &e))
		fail_msg("%s", e.text);
	return values;
}

/*
 * The exporter's logits lie where our integer scores are, but for single precision, and so does the best
 * class of every picture.
 */
static void check_scores(const struct network *n, const int32_t *scores, const float *logits, int picture)
{
	int best = 0, expected = 0;
	double largest = 0;

	for (int c = 0; c < n->class_count; c++)
		largest = fmax(largest, fabs((double)logits[c]));
	for (int c = 0; c < n->class_count; c++) {
		double scale = (double)n->scale[c], logit = scale * scores[c] + (double)n->bias[c];
		double difference = fabs(logit - (double)logits[c]);

		if (difference > 1e-6 * largest)
			fail_msg("picture %d, class %d: logit %.9g, but the exporter's is %.9g", picture, c,
				logit, (double)logits[c]);
		if (logit > (double)n->scale[best] * scores[best] + (double)n->bias[best])
			best = c;
		if (logits[c] > logits[expected])
			expected = c;
	}
	assert_int_equal(best, expected);
}

static void check_pictures(const struct network *network, const char *model, const char *kernels)
{
	uint8_t *picture_file, *logit_file;
	struct npy pictures, logits;
	const uint8_t *picture = array_read(model, "pictures", &pictures, &picture_file);
	const uint8_t *logit = array_read(model, "logits", &logits, &logit_file);
	struct shape in = network->layers[0].in;
	struct engine *engine = NULL;
	struct error e = {0};
	float expected[16];
	int32_t scores[16], fast[16];

	assert_int_equal(pictures.shape[1], in.height);
	assert_int_equal(pictures.shape[2], in.width);
	assert_int_equal(pictures.shape[3], in.channels);
	assert_int_equal(logits.shape[1], network->class_count);
	if (engine_create(network, 0, network->layer_count, kernels, &engine, &e))
		fail_msg("%s", e.text);
	for (int i = 0; i < (int)pictures.shape[0]; i++) {
		npy_copy(expected, logit + (size_t)i * logits.shape[1] * 4, logits.shape[1], 4);
		assert_int_equal(reference_run(network, 0, network->layer_count,
					 picture + (size_t)i * shape_size(in), scores),
			0);
		check_scores(network, scores, expected, i);
		engine_run(engine, picture + (size_t)i * shape_size(in), fast);
		assert_memory_equal(fast, scores, (size_t)network->class_count * sizeof(*scores));
	}
	engine_destroy(engine);
	free(picture_file);
	free(logit_file);
}

/* The network as imported, in plain loops and by every family of kernels; and as it comes back from its
 * folder. */
static void check_model(const char *model)
{
	char path[128];
	struct network *again = NULL;
	struct error e = {0};

	snprintf(path, sizeof(path), FIXTURES "%s.onnx", model);
	struct network *network = import(path);
	assert_string_equal(network->name, model);
	assert_string_equal(network->labels[1], "class 1");
	for (const char *const *kernels = kernel_names(); *kernels; kernels++)
		check_pictures(network, model, *kernels);
	if (network_save(network, path_of(model), &e) || network_load(path_of(model), &again, &e))
		fail_msg("%s", e.text);
	check_pictures(again, model, NULL);
	network_destroy(network);
	network_destroy(again);
}

static void test_eight_bits(void **state)
{
	(void)state;
	check_model("w8a8");
	struct network *network = import(FIXTURES "w8a8.onnx");
	/* Norms and biases are on a line, and find place in the bias. */
	for (int i = 0; i < network->layer_count - 1; i++)
		assert_true(network->layers[i].epilogue == EPILOGUE_REQUANTISE ||
			    network->layers[i].kind == LAYER_MAX_POOL);
	assert_int_equal(network->layers[2].groups, 3);
	network_destroy(network);
}

static void test_two_bits(void **state)
{
	(void)state;
	check_model("w2a2");
}

static void test_one_bit(void **state)
{
	(void)state;
	check_model("w1a1");
}

/* Branches with adds, signed codes before padding, pixels that a table takes in, a mean that is not
 * quantised. */
static void test_residual(void **state)
{
	(void)state;
	check_model("residual");
	struct network *network = import(FIXTURES "residual.onnx");
	assert_int_equal(network->layers[0].kind, LAYER_TABLE);
	assert_int_equal(network->layers[2].groups, 6);
	assert_int_not_equal(network->layers[2].pad_code, 0);
	network_destroy(network);
}

/* Joined branches, average pools, a transposed convolution, weights beyond 8 bits, a sigmoid that is dropped.
 */
static void test_fire(void **state)
{
	(void)state;
	check_model("fire");
}

static struct network *model_import(const struct model *model)
{
	return model_read(model, path_of("model.onnx"));
}

/* What the model computes from an accumulator of channel c to the code, in steps of its own. */
static int expected_code(int channel, int accumulator)
{
	const double scale = (double)(1.0F / 255) * (channel == 0 ? 0.5 : 3.0);
	const double gamma = channel == 0 ? 1.5 : -0.25, beta = channel == 0 ? 0.25 : 1;
	const double mean = channel == 0 ? 0.125 : -0.5, root = channel == 0 ? 1 : sqrt(2);
	double number = (accumulator * scale - mean) / root * gamma + beta;
	double code = nearbyint(fmax(number, 0) / 0.5);

	return code > 3 ? 3 : (int)code;
}

static void test_thresholds(void **state)
{
	struct model model = model_base();
	struct network *network = model_import(&model);
	const struct layer *conv = &network->layers[0];

	(void)state;
	assert_int_equal(network->layer_count, 2);
	assert_int_equal(conv->weight_bits, 4);
	assert_int_equal(conv->output_bits, 2);
	/* out, y, x: 1 / 0.5 is 2; −9 / 3 is −3 */
	const int8_t weights[] = {2, -2, 1, 0, 1, -1, 2, 1, 0, 1, -2, 0, 0, 1, 1, -3, 0, 1};
	assert_memory_equal(conv->weights, weights, sizeof(weights));
	assert_int_equal(conv->invert[0], 0);
	assert_int_equal(conv->invert[1], 1);
	for (int channel = 0; channel < 2; channel++)
		for (int sum = -20000; sum <= 20000; sum++)
			if (reference_code(conv, channel, sum) != expected_code(channel, sum))
				fail_msg("channel %d, sum %d: %d, but %d expected", channel, sum,
					reference_code(conv, channel, sum), expected_code(channel, sum));
	network_destroy(network);
}

/* Channel, row, column become row, column, channel; and logits = 0.5 · score + bias. */
static void test_matrix(void **state)
{
	static const int8_t weights[] = {
		1, 5, 2, 6, 3, 7, 4, -8, -1, -5, -2, -6, -3, -7, -4, -8, 0, 0, 0, 0, 1, 0, 0, 7};
	struct model model = model_base();

	(void)state;
	for (int transposed = 0; transposed < 2; transposed++) {
		if (transposed) { /* [in, out], for a MatMul and an Add instead */
			node_insert(
				&model, W1 + 1, (struct node){"", "Transpose", "w1.q", "w1.t", "perm=1,0"});
			model.nodes[FC + 1] = (struct node){"", "MatMul", "f w1.t", "m", ""};
			node_insert(&model, FC + 2, (struct node){"", "Add", "bias m", "g", ""});
		}
		struct network *network = model_import(&model);
		const struct layer *fc = &network->layers[1];

		assert_int_equal(fc->kind, LAYER_FULLY_CONNECTED);
		assert_int_equal(fc->kernel_height, 2);
		assert_memory_equal(fc->weights, weights, sizeof(weights));
		assert_true(network->scale[0] == 0.5F && network->scale[2] == 0.5F);
		assert_true(network->bias[0] == 0.5F && network->bias[1] == -1 && network->bias[2] == 2);
		network_destroy(network);
	}
}

/* What ONNX presets where an attribute is left out, whichever others the node has: ε 1e-5, alpha 1, beta 1.
 */
static void test_presets(void **state)
{
	static const char *const norms[] = {
		"epsilon=f1e-5", "", "momentum=f0.9", "momentum=f0.9 training_mode=0"};
	static const char *const products[] = {
		"transB=1 alpha=f1 beta=f1", "transB=1", "beta=f1 transB=1", "alpha=f1 transB=1"};
	struct network *expected = NULL;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct model model = model_base();

		tensor_of(&model, "variance")->values[0] = 1e-5F; /* so that ε weighs */
		model.nodes[NORM].attributes = norms[i];
		model.nodes[FC].attributes = products[i];
		struct network *network = model_import(&model);
		if (!expected)
			expected = network;
		assert_memory_equal(network->layers[0].thresholds, expected->layers[0].thresholds,
			(size_t)6 * sizeof(int32_t));
		assert_memory_equal(network->layers[0].invert, expected->layers[0].invert, 2);
		assert_memory_equal(network->scale, expected->scale, 3 * sizeof(float));
		assert_memory_equal(network->bias, expected->bias, 3 * sizeof(float));
		assert_true(network->scale[0] == 0.5F && network->bias[2] == 2);
		if (network != expected)
			network_destroy(network);
	}
	network_destroy(expected);
}

static void test_labels(void **state)
{
	struct model model = model_base();
	struct network *network = NULL;
	struct error e = {0};
	FILE *file = fopen(path_of("labels.txt"), "w");

	(void)state;
	fputs("one\ntwo\nthree\n", file);
	fclose(file);
	network = model_import(&model);
	assert_string_equal(network->labels[2], "three");
	network_destroy(network);
	file = fopen(path_of("labels.txt"), "w");
	fputs("one\ntwo\n", file);
	fclose(file);
	assert_int_equal(import_qonnx(path_of("model.onnx"), &network, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "labels.txt"));
	unlink(path_of("labels.txt"));
}

static void check_refused(const struct model *model, const char *message)
{
	model_refused(model, path_of("model.onnx"), message);
}

static void pool_insert(struct model *model)
{
	node_insert(model, NORM, (struct node){"", "MaxPool", "c", "p", "kernel_shape=2,2 strides=1,1"});
	model->nodes[NORM + 1].inputs = "p gamma beta mean variance";
	model->nodes[RELU + 1].inputs = "n";
	struct overlay_tensor *w1 = tensor_of(model, "w1");
	w1->dims[1] = 2; /* one pixel is left of 2×2 */
}

/* A pool in front of norm and Quant is one behind them, where no channel falls. */
static void test_pool_before_quant(void **state)
{
	struct model model = model_base();
	struct network *network = NULL;
	struct error e = {0};

	(void)state;
	pool_insert(&model);
	tensor_of(&model, "gamma")->values[1] = 0.25F;
	network = model_import(&model);
	assert_int_equal(network->layer_count, 3);
	assert_int_equal(network->layers[1].kind, LAYER_MAX_POOL);
	assert_int_equal(network->layers[1].input_bits, 2);
	network_destroy(network);
	tensor_of(&model, "gamma")->values[1] = -0.25F;
	assert_int_equal(import_qonnx(model_write(&model, path_of("model.onnx")), &network, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "node \"a\" (Quant): channel 1 falls behind a max pool"));
}

/* Of several pools no one may fall, whatever the factors behind another: here −1 and −1 behind the first. */
static void test_pools_before_quant(void **state)
{
	static const char *const pools[] = {"kernel_shape=2,2 strides=1,1", "kernel_shape=1,1"};
	struct model model = model_base();
	struct network *network = NULL;

	(void)state;
	tensor_of(&model, "w1")->dims[1] = 2;
	tensor_of(&model, "gamma")->values[1] = 0.25F;
	tensor_of(&model, "other")->values[0] = 1;
	tensor_of(&model, "other")->values[1] = -1;
	tensor_of(&model, "other")->rank = 3;
	memcpy(tensor_of(&model, "other")->dims, (const int[]){2, 1, 1}, 3 * sizeof(int));
	node_insert(&model, NORM, (struct node){"", "MaxPool", "c", "p0", pools[0]});
	node_insert(&model, NORM + 1, (struct node){"", "Mul", "p0 other", "m0", ""});
	node_insert(&model, NORM + 2, (struct node){"", "MaxPool", "m0", "p1", pools[1]});
	node_insert(&model, NORM + 3, (struct node){"", "Mul", "p1 other", "m1", ""});
	model.nodes[NORM + 4].inputs = "m1 gamma beta mean variance";
	check_refused(&model, "node \"a\" (Quant): channel 1 falls behind a max pool");
	/* Both factors behind both pools: channel 1 rises again. */
	model.nodes[NORM + 1] = (struct node){"", "MaxPool", "p0", "p1", pools[1]};
	model.nodes[NORM + 2] = (struct node){"", "Mul", "p1 other", "m0", ""};
	model.nodes[NORM + 3] = (struct node){"", "Mul", "m0 other", "m1", ""};
	network = model_import(&model);
	assert_int_equal(network->layer_count, 4);
	assert_int_equal(network->layers[2].kind, LAYER_MAX_POOL);
	network_destroy(network);
}

/* Codes from a signed Quant: padding has no code; without it the offset moves into the next layer. */
static void test_signed_codes(void **state)
{
	struct model model = model_base();
	(void)state;

	model.nodes[RELU].type = "Identity";
	model.nodes[ACT].attributes = QUANT("1");
	struct network *network = model_import(&model);
	/* Row 0 sums to 20, and code 0 stands for −2 · 0.5. */
	assert_true(network->bias[0] == 0.5F - 20);
	assert_true(network->scale[0] == 0.5F);
	network_destroy(network);
}

/* A bias of its own Quant, as wide as accumulators. */
static void test_quantised_bias(void **state)
{
	struct model model = model_base();

	(void)state;
	tensor_of(&model, "bias")->values[1] = -1.3F;
	node_insert(
		&model, FC, (struct node){QONNX, "Quant", "bias a0.scale none bits32", "bias.q", QUANT("1")});
	model.nodes[FC + 1].inputs = "f w1.q bias.q";
	struct network *network = model_import(&model);
	assert_true(network->bias[0] == 0.5F && network->bias[1] == -1.5F && network->bias[2] == 2);
	network_destroy(network);
}

/* Steps without effect, and a mean taken off the pixels. */
static void test_passed_over(void **state)
{
	struct model model = model_base();
	(void)state;

	node_insert(&model, END, (struct node){"", "Identity", "g", "i", ""});
	model.nodes[END + 1].inputs = "i";
	node_insert(&model, FLAT, (struct node){"", "Dropout", "a", "d", ""});
	model.nodes[FLAT + 1].inputs = "d";
	struct network *network = model_import(&model);
	assert_int_equal(network->layer_count, 2);
	network_destroy(network);

	model = model_base();
	node_insert(&model, CONV, (struct node){"", "Sub", "q two", "s", ""});
	model.nodes[CONV + 1].inputs = "s w0.q";
	network = model_import(&model);
	/* Channel 0 of the convolution sums to 4, times 0.5, times 2 less. */
	const struct layer *conv = &network->layers[0];
	for (int sum = 0; sum < 1786; sum++) {
		double number = (sum * (double)(1.0F / 255) * 0.5 - 4 - 0.125) * 1.5 + 0.25;
		int code = (int)fmin(nearbyint(fmax(number, 0) / 0.5), 3);
		assert_int_equal(reference_code(conv, 0, sum), code);
	}
	network_destroy(network);
}

/* One node of the base changed, or one number of a tensor; and the message that follows. */
static const struct {
	int node;
	struct node to; /* NULL: as it was */
	const char *tensor;
	int index;
	float value;
	const char *message;
} refusals[] = {
	{RELU, {.type = "Gelu"}, .message = "node \"r\" (Gelu): the operator Gelu cannot be imported"},
	{IN, {.domain = "my.ops"}, .message = "the operator Quant of domain my.ops cannot be imported"},
	{CONV, {.domain = QONNX}, .message = "the operator Conv of domain " QONNX},
	{RELU, {.type = "Mul", .inputs = "n n"}, .message = "multiplies two tensors of the picture"},
	{RELU, {.type = "Add", .inputs = "n q"}, .message = "adds [2, 2, 2] and [1, 4, 4], which differ"},
	{RELU, {.inputs = "zz"}, .message = "reads \"zz\", which nothing gives"},
	{RELU, {.inputs = "a"}, .message = "reads \"a\", which depends on this node itself"},
	{ACT, {.inputs = "r a0.scale a0.scale bits2"},
		.message = "its zero point is 0.5, not a whole number"},
	{ACT, {.inputs = "r other none bits2"},
		.message = "2 numbers is neither one number nor one for each"},
	{ACT, {.inputs = "r none none bits2"}, .message = "its scale is 0, but must be positive"},
	{ACT, {.inputs = "r a0.scale none"}, .message = "its input 3, the bit width, is missing"},
	{ACT, {.inputs = "r a0.scale none byte"}, .message = "its bit width must be one whole number"},
	{ACT, {.attributes = "signed=0 rounding_mode=SIDEWAYS"}, .message = "the rounding mode \"SIDEWAYS\""},
	{ACT, {.type = "Identity", .domain = ""},
		.message = "what it reads is not quantised; put a QuantIdentity(bit_width=8) before it"},
	{W0, {.type = "Identity", .domain = ""}, .message = "its weights are not quantised; use Quant"},
	{W0, {.inputs = "w0 other none bits4"}, .message = "its scale has not the shape"},
	{W0, {.inputs = "w0 w0 none bits4"}, .message = "its scale is -1, but must be positive"},
	{CONV, {.attributes = "dilations=2,2"}, .message = "a kernel of 5 does not fit into 4 pixels"},
	{CONV, {.attributes = "strides=1,2,3"}, .message = "strides must have 2 numbers, not 3"},
	{CONV, {.type = "MaxPool", .inputs = "q", .attributes = "kernel_shape=2,2 dilations=2,2"},
		.message = "its dilations must be 1"},
	{CONV, {.type = "ConvTranspose", .attributes = "auto_pad=SAME_UPPER group=2"},
		.message = "do not fit a picture of 1 channels in 2 groups"},
	{CONV, {.attributes = "kernel_shape=5,5"}, .message = "its kernel_shape is not that of its weights"},
	{CONV, {.attributes = "group=2"}, .message = "do not fit a picture of 1 channels in 2 groups"},
	{CONV, {.attributes = "pads=3,0,0,0"}, .message = "3 is not within 0"},
	{CONV, {.attributes = "pads=1,1"}, .message = "pads must have 4 numbers, not 2"},
	{CONV, {.inputs = "w0.q q"}, .message = "its input 0 must be what the picture makes"},
	{CONV, {.inputs = "q q"}, .message = "its input 1 must be a constant, not what the picture makes"},
	{NORM, {.attributes = "training_mode=1"}, .message = "is in training mode"},
	{NORM, {.inputs = "c bias beta mean variance"},
		.message = "the weight has 3 numbers, but there are 2"},
	{FLAT, {.attributes = "axis=2"}, .message = "needs a Flatten or Reshape before it"},
	{FLAT, {.attributes = "axis=7"}, .message = "its axis is beyond its input"},
	{FLAT, {.type = "Resize", .inputs = "a", .attributes = "mode=cubic"},
		.message = "only the mode nearest"},
	{FLAT, {.type = "Concat", .inputs = "a q", .attributes = "axis=1"},
		.message = "joins pictures of different sizes"},
	{FLAT, {.type = "Identity"}, .message = "needs a Flatten or Reshape before it"},
	{FLAT, {.type = "Transpose"}, .message = "needs a Flatten or Reshape before it"},
	{FLAT, {.type = "Reshape", .inputs = "a other"},
		.message = "does not hold the 8 numbers of its input"},
	{FC, {.attributes = "transA=1 transB=1"}, .message = "transposes its input"},
	{FC, {.attributes = ""}, .message = "its weights do not fit an input of 8 numbers"},
	{FC, {.inputs = "f w1.q other"}, .message = "its constant of 2 numbers is neither"},
	{FC, {.type = "Softmax", .inputs = "f"}, .message = "must stand behind the scores"},
	{END, {.type = "Relu"}, .message = "a function without a Quant stands behind the last layer"},
	{END, {.output = "z"}, .message = "nothing makes the output \"y\""},
	{ACT, {.inputs = "r none.small none bits16"},
		.message = "its numbers from 0 to 65535 need more than 8 bits"},
	{RELU, {.type = "Div", .inputs = "n none"}, .message = "computes with 0"},
	{RELU, {.output = "q"}, .message = "two tensors are called \"q\""},
	{-1, .tensor = "variance", .index = 1, .value = -2, .message = "its variance of channel 1 is -1.75"},
	{-1, .tensor = "gamma", .index = 0, .value = NAN,
		.message = "constant \"gamma\" holds a number that is not finite"},
};

static void node_change(struct node *node, const struct node *to)
{
	node->domain = to->domain ? to->domain : node->domain;
	node->type = to->type ? to->type : node->type;
	node->inputs = to->inputs ? to->inputs : node->inputs;
	node->output = to->output ? to->output : node->output;
	node->attributes = to->attributes ? to->attributes : node->attributes;
}

static void test_refusals(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT(refusals); i++) {
		struct model model = model_base();

		if (refusals[i].tensor)
			tensor_of(&model, refusals[i].tensor)->values[refusals[i].index] = refusals[i].value;
		else
			node_change(&model.nodes[refusals[i].node], &refusals[i].to);
		check_refused(&model, refusals[i].message);
	}
}

static void test_more_refusals(void **state)
{
	struct model model = model_base();
	(void)state;

	model.input[2] = -1;
	check_refused(&model, "must be of pictures [1, channels, height, width]");
	model = model_base();
	model.input_rank = 2;
	check_refused(&model, "convolutions of pictures only");
	model = model_base();
	model.input_rank = 3;
	check_refused(&model, "must be of pictures [1, channels, height, width]");
	model = model_base();
	model.node_count = END; /* nothing makes y */
	check_refused(&model, "nothing makes the output \"y\"");
	model = model_base();
	model.nodes[END].output = "z";
	node_insert(&model, END + 1, (struct node){"", "Relu", "z", "y", ""});
	check_refused(&model, "comes after a softmax");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eight_bits),
		cmocka_unit_test(test_two_bits),
		cmocka_unit_test(test_one_bit),
		cmocka_unit_test(test_residual),
		cmocka_unit_test(test_fire),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_pool_before_quant),
		cmocka_unit_test(test_pools_before_quant),
		cmocka_unit_test(test_signed_codes),
		cmocka_unit_test(test_quantised_bias),
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_more_refusals),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
