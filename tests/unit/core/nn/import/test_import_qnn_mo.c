/* SPDX-License-Identifier: MIT */
/* The importer on a small network that the test itself writes, with weights and thresholds that a rule gives.
 */
#include "base/error.h"
#include "nn/import/qnn_mo.h"

#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))
#define BITS "\"input_bits\": 2, \"output_bits\": 2"
#define CONV "\"func\": \"conv_layer\", " BITS ", \"weight_bits\": 1, \"threshold_bits\": 16"

/* 210 channels split by three; 70 a group need two words of 64, 40 need two folds of 32 PEs. */
static const char base[] =
	"{\"network\": \"tiny\", \"binparam\": \"parameters\", \"binparam_skip\": 1, \"layer_skip\": 1, "
	"\"layers\": ["
	"{\"name\": \"conv0\", \"func\": \"conv_layer\", \"input_bits\": 8},"
	"{\"name\": \"split1\", \"func\": \"split_layer\", \"split\": 3, \"input_channels\": 210, "
	"\"input_dim\": 6},"
	"{\"name\": \"conv1\", " CONV
	", \"kernel_shape\": 3, \"kernel_stride\": 1,"
	" \"input\": [70, 6, 6], \"output\": [40, 6, 6], \"padding\": 1},"
	"{\"name\": \"pool1\", \"func\": \"maxpool_layer\", " BITS
	", \"kernel_shape\": 3, \"kernel_stride\": 2,"
	" \"input\": [40, 7, 7], \"output\": [40, 3, 3], \"padding\": 0.5},"
	"{\"name\": \"conv2\", " CONV
	", \"kernel_shape\": 1, \"kernel_stride\": 1,"
	" \"input\": [40, 3, 3], \"output\": [2, 3, 3], \"padding\": 0},"
	"{\"name\": \"merge2\", \"func\": \"merge_layer\", \"merge\": 3, \"output_channels\": 6, "
	"\"output_dim\": 3},"
	"{\"name\": \"conv3\", " CONV
	", \"kernel_shape\": 2, \"kernel_stride\": 2,"
	" \"input\": [6, 3, 3], \"output\": [33, 2, 2], \"padding\": 1},"
	"{\"name\": \"pool3\", \"func\": \"maxpool_layer\", " BITS
	", \"kernel_shape\": 2, \"kernel_stride\": 2,"
	" \"input\": [33, 4, 4], \"output\": [33, 2, 2], \"padding\": 1},"
	"{\"name\": \"fc0\", \"func\": \"fc_layer\", \"input\": 132, \"output\": 10}]}";

enum { CONV1 = 2, POOL1 = 3, CONV2 = 4, MERGE2 = 5, CONV3 = 6, POOL3 = 7, FC0 = 8, LIST = -1 };

/* One convolution of one group: the files L-*.bin. */
struct part {
	int file, channels, kernel, depth;
};

/* Group by group between split and merge: conv1 and conv2 of group 0, then of group 1, of group 2. */
static const struct part parts[] = {{1, 40, 3, 70}, {2, 2, 1, 40}, {3, 40, 3, 70}, {4, 2, 1, 40},
	{5, 40, 3, 70}, {6, 2, 1, 40}, {7, 33, 2, 6}};

static char folder[64];

/* The rules. Weights: a hash of where the weight stands; thresholds: 3 around the channel's number. */
static int weight_of(int file, int channel, int place, int i)
{
	uint32_t hash = (uint32_t)file * 2654435761u + (uint32_t)channel * 40503u + (uint32_t)place * 9973u +
			(uint32_t)i * 2246822519u;

	return (hash ^ hash >> 13) >> 7 & 1 ? -1 : 1;
}

static int threshold_of(int file, int channel, int i)
{
	return file * 7 - channel + (i - 1) * (channel % 5);
}

static bool inverted(int channel)
{
	return channel % 3 == 1;
}

/* A path inside the folder, valid until the next call. */
static char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static char *parameters_path(int file, int pe, const char *kind)
{
	char name[48];

	snprintf(name, sizeof(name), "parameters/%d-%d-%s.bin", file, pe, kind);
	return path_of(name);
}

static void file_write(const char *path, const void *bytes, size_t size)
{
	FILE *stream = fopen(path, "wb");

	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, size, stream), size);
	assert_int_equal(fclose(stream), 0);
}

static void word_put(uint8_t *bytes, int index, uint64_t word)
{
	for (int i = 0; i < 8; i++)
		bytes[index * 8 + i] = (uint8_t)(word >> 8 * i);
}

static void weights_write(const struct part *part, int pe)
{
	uint8_t bytes[2 * 9 * 2 * 8];
	int count = 0;

	for (int channel = pe; channel < (part->channels + 31) / 32 * 32; channel += 32)
		for (int place = 0; place < part->kernel * part->kernel; place++)
			for (int first = 0; first < part->depth; first += 64) {
				uint64_t word = UINT64_C(0x5a5a5a5a5a5a5a5a); /* padding holds anything */

				for (int i = first; i < first + 64 && i < part->depth; i++) {
					uint64_t bit = UINT64_C(1) << (i - first);

					word = weight_of(part->file, channel, place, i) < 0 ? word | bit
											    : word & ~bit;
				}
				word_put(bytes, count++, word);
			}
	file_write(parameters_path(part->file, pe, "weights"), bytes, (size_t)count * 8);
}

static void thresholds_write(const struct part *part, int pe)
{
	uint8_t bytes[2 * 8];
	int count = 0;

	for (int channel = pe; channel < (part->channels + 31) / 32 * 32; channel += 32) {
		uint64_t word = inverted(channel) ? UINT64_C(1) << 48 : 0;

		for (int i = 0; i < 3; i++)
			word |= (uint64_t)(uint16_t)threshold_of(part->file, channel, i) << 16 * i;
		word_put(bytes, count++, channel < part->channels ? word : UINT64_C(0x0001ffffffffffff));
	}
	file_write(parameters_path(part->file, pe, "thres"), bytes, (size_t)count * 8);
}

static int setup(void **state)
{
	const char *root = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/qnn-mo-XXXXXX", root ? root : "/tmp");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mkdir(path_of("parameters"), 0700), 0);
	file_write(path_of("tiny-layers.json"), base, strlen(base));
	for (int i = 0; i < COUNT(parts); i++)
		for (int pe = 0; pe < 32; pe++) {
			weights_write(&parts[i], pe);
			thresholds_write(&parts[i], pe);
		}
	return 0;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	return remove(path);
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

	if (import_qnn_mo(path, &network, &e) < 0)
		fail_msg("%s", e.text);
	assert_non_null(network);
	return network;
}

/* Each fragment that is not NULL must stand in the message, which is one line. */
static void refused(const char *path, const char *first, const char *second)
{
	struct network *network = (void *)folder;
	struct error e = {0};
	int result = import_qnn_mo(path, &network, &e);

	if (result >= 0) {
		network_destroy(network);
		fail_msg("%s: imported, but %s %s should be refused", path, first, second ? second : "");
	}
	assert_int_equal(result, e.code);
	assert_null(network);
	if (!strstr(e.text, first) || (second && !strstr(e.text, second)) || strchr(e.text, '\n'))
		fail_msg("\"%s\" should be one line with \"%s\" and \"%s\"", e.text, first,
			second ? second : "");
}

static void layer_is(const struct layer *layer, const char *name, struct shape in, struct shape out)
{
	assert_string_equal(layer->name, name);
	assert_memory_equal(&layer->in, &in, sizeof(in));
	assert_memory_equal(&layer->out, &out, sizeof(out));
	assert_int_equal(layer->input_bits, 2);
	assert_int_equal(layer->output_bits, 2);
}

static void window_is(const struct layer *layer, int kernel, int stride, const int padding[4])
{
	assert_int_equal(layer->kernel_height, kernel);
	assert_int_equal(layer->kernel_width, kernel);
	assert_int_equal(layer->stride_height, stride);
	assert_int_equal(layer->pad_top, padding[0]);
	assert_int_equal(layer->pad_left, padding[1]);
	assert_int_equal(layer->pad_bottom, padding[2]);
	assert_int_equal(layer->pad_right, padding[3]);
}

static void group_is(const struct layer *layer, int group, const struct part *part)
{
	int places = part->kernel * part->kernel;

	assert_int_equal(layer->out.channels / layer->groups, part->channels);
	for (int c = 0; c < part->channels; c++) {
		int channel = group * part->channels + c;

		for (int i = 0; i < places * part->depth; i++)
			assert_int_equal(layer->weights[channel * places * part->depth + i],
				weight_of(part->file, c, i / part->depth, i % part->depth));
		for (int i = 0; i < 3; i++)
			assert_int_equal(layer->thresholds[channel * 3 + i], threshold_of(part->file, c, i));
		assert_int_equal(layer->invert[channel], inverted(c));
	}
}

static void network_is_what_was_written(void **state)
{
	struct network *network = import(path_of("tiny-layers.json"));
	const struct layer *layers = network->layers;

	(void)state;
	assert_string_equal(network->name, "tiny");
	assert_int_equal(network->class_count, 0);
	assert_int_equal(network->layer_count, 5);
	layer_is(&layers[0], "conv1", (struct shape){6, 6, 210}, (struct shape){6, 6, 120});
	window_is(&layers[0], 3, 1, (const int[]){1, 1, 1, 1});
	layer_is(&layers[1], "pool1", (struct shape){6, 6, 120}, (struct shape){3, 3, 120});
	window_is(&layers[1], 3, 2, (const int[]){0, 0, 1, 1});
	layer_is(&layers[2], "conv2", (struct shape){3, 3, 120}, (struct shape){3, 3, 6});
	window_is(&layers[2], 1, 1, (const int[]){0, 0, 0, 0});
	layer_is(&layers[3], "conv3", (struct shape){3, 3, 6}, (struct shape){2, 2, 33});
	window_is(&layers[3], 2, 2, (const int[]){1, 1, 1, 1});
	layer_is(&layers[4], "pool3", (struct shape){2, 2, 33}, (struct shape){2, 2, 33});
	window_is(&layers[4], 2, 2, (const int[]){1, 1, 1, 1});
	for (int i = 0; i < 5; i++) {
		bool pool = i == 1 || i == 4;

		assert_int_equal(layers[i].kind, pool ? LAYER_MAX_POOL : LAYER_CONV);
		assert_int_equal(layers[i].epilogue, pool ? EPILOGUE_NONE : EPILOGUE_THRESHOLDS);
		assert_int_equal(layers[i].groups, i == 0 || i == 2 ? 3 : 1);
	}
	group_is(&layers[0], 0, &parts[0]);
	group_is(&layers[2], 0, &parts[1]);
	group_is(&layers[0], 1, &parts[2]);
	group_is(&layers[2], 1, &parts[3]);
	group_is(&layers[0], 2, &parts[4]);
	group_is(&layers[2], 2, &parts[5]);
	group_is(&layers[3], 0, &parts[6]);
	network_destroy(network);
}

static void folder_with_one_list_will_do(void **state)
{
	(void)state;
	network_destroy(import(folder));
	file_write(path_of("other-layers.json"), base, strlen(base));
	refused(folder, folder, "2 files");
	assert_int_equal(unlink(path_of("other-layers.json")), 0);
	refused(path_of("parameters"), "-layers.json", NULL);
	refused(path_of("nowhere"), "nowhere", strerror(ENOENT));
	refused("/dev/null", "/dev/null", NULL);
}

static void thresholds_may_come_in_any_order(void **state)
{
	(void)state;
	uint8_t bytes[16];
	char *path = path_of("parameters/7-7-thres.bin");

	word_put(bytes, 0, UINT64_C(0x00020001ffff0005)); /* 5, −1, 1; not inverted; bit 49 means nothing */
	word_put(bytes, 1, UINT64_C(0x0001ffffffffffff));
	file_write(path, bytes, sizeof(bytes));
	struct network *network = import(folder);
	assert_memory_equal(network->layers[3].thresholds + 7 * 3, ((const int32_t[]){-1, 1, 5}), 12);
	assert_int_equal(network->layers[3].invert[7], 0);
	network_destroy(network);
	thresholds_write(&parts[6], 7);
}

/* base with a field of a layer (or of the list) replaced, or removed when value is NULL. */
static char *list_with(int layer, const char *field, const char *value)
{
	json_t *list = json_loads(base, 0, NULL);
	json_t *object =
		layer == LIST ? list : json_array_get(json_object_get(list, "layers"), (size_t)layer);

	assert_non_null(object);
	if (value)
		assert_int_equal(
			json_object_set_new(object, field, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
	else
		assert_int_equal(json_object_del(object, field), 0);
	assert_int_equal(json_dump_file(list, path_of("bad.json"), 0), 0);
	json_decref(list);
	return path_of("bad.json");
}

static void fields_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		int layer;
		const char *field, *value; /* NULL: missing */
		const char *first, *second;
	} cases[] = {
		{LIST, "network", "1", "bad.json", "network"},
		{LIST, "binparam", NULL, "bad.json", "binparam"},
		{LIST, "binparam", "\"nowhere\"", "nowhere/1-0-weights.bin", "layer \"conv1\""},
		{LIST, "binparam_skip", "-1", "bad.json", "binparam_skip"},
		{LIST, "binparam_skip", "9223372036854775807", "bad.json", "binparam_skip"},
		{LIST, "binparam_skip", "2", "2-0-weights.bin", "layer \"conv1\""},
		{LIST, "layer_skip", "9", "bad.json", "layer_skip"},
		{LIST, "layer_skip", "1.5", "bad.json", "layer_skip"},
		{LIST, "layer_skip", "0", "layer \"conv0\"", "input_bits"},
		{LIST, "layer_skip", "8", "bad.json", "no convolution"}, /* nothing but fc0 is left */
		{LIST, "layer_skip", "5", "layer \"merge2\"", "0 were split"},
		{LIST, "layers", "{}", "bad.json", "layers"},
		{LIST, "layers", "[]", "bad.json", "layers"},
		{1, "name", NULL, "layers[1]", "name"},
		{1, "name", "\"../conv1\"", "layers[1]", "name"},
		{1, "func", "\"relu_layer\"", "layer \"split1\"", "func"},
		{1, "func", NULL, "layer \"split1\"", "func"},
		{1, "split", "4", "layer \"split1\"", "210"},
		{1, "split", "0", "layer \"split1\"", "split"},
		{1, "split", "17", "layer \"split1\"", "split"},
		{1, "input_dim", "\"6\"", "layer \"split1\"", "input_dim"},
		{1, "input_dim", "7", "layer \"conv1\"", "input"},
		{1, "input_channels", "213", "layer \"conv1\"", "input"},
		{CONV1, "input_bits", "3", "layer \"conv1\"", "input_bits"},
		{CONV1, "output_bits", "3", "layer \"conv1\"", "output_bits"},
		{CONV1, "weight_bits", "2", "layer \"conv1\"", "weight_bits"},
		{CONV1, "threshold_bits", "20", "layer \"conv1\"", "threshold_bits"},
		{CONV1, "weight_bits", NULL, "layer \"conv1\"", "weight_bits"},
		{CONV1, "kernel_shape", "0", "layer \"conv1\"", "kernel_shape"},
		{CONV1, "kernel_shape", "9", "layer \"conv1\"", "kernel_shape"},
		{CONV1, "kernel_shape", "65", "layer \"conv1\"", "kernel_shape"},
		{CONV1, "kernel_stride", "0", "layer \"conv1\"", "kernel_stride"},
		{CONV1, "kernel_stride", "4294967297", "layer \"conv1\"", "kernel_stride"},
		{CONV1, "kernel_stride", "2", "layer \"conv1\"", "output"},
		{CONV1, "padding", "0.5", "layer \"conv1\"", "padding"},
		{CONV1, "padding", "-1", "layer \"conv1\"", "padding"},
		{CONV1, "padding", "1e300", "layer \"conv1\"", "padding"},
		{CONV1, "padding", "\"1\"", "layer \"conv1\"", "padding"},
		{CONV1, "padding", "2", "layer \"conv1\"", "output"},
		{CONV1, "input", "[70, 6]", "layer \"conv1\"", "input"},
		{CONV1, "input", "[70, 6, 0]", "layer \"conv1\"", "input[2]"},
		{CONV1, "input", "[70, 6, 7]", "layer \"conv1\"", "input"},
		{CONV1, "output", "[385, 6, 6]", "layer \"conv1\"", "output[0]"},
		{CONV1, "output", "[40, 6, 5]", "layer \"conv1\"", "output"},
		{CONV1, "output", "[65, 6, 6]", "1-0-weights.bin", "432"},
		{CONV1, "output", "[39, 6, 6]", "layer \"pool1\"", "input"},
		{POOL1, "input", "[40, 6, 6]", "layer \"pool1\"", "input"},
		{POOL1, "padding", "0.25", "layer \"pool1\"", "padding"},
		{POOL1, "output", "[20, 3, 3]", "layer \"pool1\"", "channels"},
		{POOL1, "input_bits", "4", "layer \"pool1\"", "input_bits"},
		{MERGE2, "merge", "1", "layer \"merge2\"", "merges 1"},
		{MERGE2, "output_channels", "2", "layer \"merge2\"", "output_channels"},
		{MERGE2, "output_dim", "4", "layer \"merge2\"", "output_dim"},
		{POOL1, "func", "\"none\"", "layer \"conv2\"", "end"},
		{CONV3, "func", "\"merge_layer\"", "layer \"conv3\"", "merge"},
		{CONV2, "name", "\"conv1\"", "conv1", NULL},
		{POOL3, "output", "[33, 3, 3]", "layer \"pool3\"", "output"},
		{POOL1, "func", "\"fc_layer\"", "layer \"conv2\"", "fully connected"},
	};

	(void)state;
	for (int i = 0; i < COUNT(cases); i++)
		refused(list_with(cases[i].layer, cases[i].field, cases[i].value), cases[i].first,
			cases[i].second);
	network_destroy(import(list_with(FC0, "func", "\"none\"")));
	network_destroy(import(list_with(POOL1, "padding", "0"))); /* its input shows it */
	assert_int_equal(unlink(path_of("bad.json")), 0);
}

static void splits_without_merge_and_large_sums_are_refused(void **state)
{
	static const char one[] =
		"{\"network\": \"n\", \"binparam\": \"parameters\", \"binparam_skip\": 2, \"layer_skip\": 0, "
		"\"layers\": ["
		"{\"name\": \"s\", \"func\": \"split_layer\", \"split\": 1, \"input_channels\": 40, "
		"\"input_dim\": 3},"
		"{\"name\": \"c\", " CONV
		", \"kernel_shape\": 1, \"kernel_stride\": 1,"
		" \"input\": [40, 3, 3], \"output\": [2, 3, 3], \"padding\": 0}]}";
	static const char two[] =
		"{\"network\": \"n\", \"binparam\": \"parameters\", \"binparam_skip\": 2, \"layer_skip\": 0, "
		"\"layers\": ["
		"{\"name\": \"s\", \"func\": \"split_layer\", \"split\": 1, \"input_channels\": 40, "
		"\"input_dim\": 3},"
		"{\"name\": \"c\", " CONV
		", \"kernel_shape\": 1, \"kernel_stride\": 1,"
		" \"input\": [40, 3, 3], \"output\": [2, 3, 3], \"padding\": 0},"
		"{\"name\": \"t\", \"func\": \"split_layer\", \"split\": 1, \"input_channels\": 2, "
		"\"input_dim\": 3}]}";
	static const char large[] =
		"{\"network\": \"n\", \"binparam\": \"parameters\", \"binparam_skip\": 2, \"layer_skip\": 0, "
		"\"layers\": ["
		"{\"name\": \"c\", " CONV
		", \"kernel_shape\": 6, \"kernel_stride\": 1,"
		" \"input\": [384, 6, 6], \"output\": [2, 1, 1], \"padding\": 0}]}";
	static const char *const broken[] = {
		"", "{", "[]", "{\"layers\": [1]}", "{\"network\": \"a\", \"network\": \"b\"}"};

	(void)state;
	file_write(path_of("bad.json"), one, strlen(one));
	refused(path_of("bad.json"), "layer \"c\"", "without the merge");
	file_write(path_of("bad.json"), two, strlen(two));
	refused(path_of("bad.json"), "layer \"t\"", "follows a split");
	file_write(path_of("bad.json"), large, strlen(large));
	refused(path_of("bad.json"), "layer \"c\"", "16-bit");
	for (int i = 0; i < COUNT(broken); i++) {
		file_write(path_of("bad.json"), broken[i], strlen(broken[i]));
		refused(path_of("bad.json"), "bad.json", NULL);
	}
	assert_int_equal(unlink(path_of("bad.json")), 0);
}

static void files_of_another_size_are_refused(void **state)
{
	(void)state;
	static const uint8_t bytes[400];

	assert_int_equal(unlink(path_of("parameters/3-31-thres.bin")), 0);
	refused(folder, "parameters/3-31-thres.bin: layer \"conv1\"", "is missing");
	file_write(path_of("parameters/3-31-thres.bin"), bytes, 15);
	refused(folder, "parameters/3-31-thres.bin: layer \"conv1\"", "15 bytes");
	file_write(path_of("parameters/3-31-thres.bin"), bytes, 17);
	refused(folder, "parameters/3-31-thres.bin: layer \"conv1\"", "at most 16");
	thresholds_write(&parts[2], 31);

	file_write(path_of("parameters/7-2-weights.bin"), bytes, 0);
	refused(folder, "parameters/7-2-weights.bin: layer \"conv3\"", "0 bytes");
	file_write(path_of("parameters/7-2-weights.bin"), bytes, 65);
	refused(folder, "parameters/7-2-weights.bin: layer \"conv3\"", "65 bytes");
	assert_int_equal(unlink(path_of("parameters/7-2-weights.bin")), 0);
	assert_int_equal(mkdir(path_of("parameters/7-2-weights.bin"), 0700), 0);
	refused(folder, "parameters/7-2-weights.bin: layer \"conv3\"", NULL);
	assert_int_equal(rmdir(path_of("parameters/7-2-weights.bin")), 0);
	weights_write(&parts[6], 2);
	network_destroy(import(folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(network_is_what_was_written),
		cmocka_unit_test(folder_with_one_list_will_do),
		cmocka_unit_test(thresholds_may_come_in_any_order),
		cmocka_unit_test(fields_that_do_not_fit_are_refused),
		cmocka_unit_test(splits_without_merge_and_large_sums_are_refused),
		cmocka_unit_test(files_of_another_size_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
