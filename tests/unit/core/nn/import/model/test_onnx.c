/* SPDX-License-Identifier: MIT */
/* The container of ONNX models, on files that the test writes byte by byte. */
#include "base/error.h"
#include "nn/import/model/onnx.h"
#include "support/onnx_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test-onnx-XXXXXX";
static char model_path[64], data_path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(model_path, sizeof(model_path), "%s/m.onnx", folder);
	snprintf(data_path, sizeof(data_path), "%s/data", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(model_path);
	unlink(data_path);
	return rmdir(folder);
}

static void file_write(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static struct onnx *load(const struct onnx_buffer *model)
{
	struct onnx *onnx = NULL;
	struct error e = {0};

	file_write(model_path, model->data, model->size);
	if (onnx_load(model_path, &onnx, &e))
		fail_msg("%s", e.text);
	return onnx;
}

static void refuse(const struct onnx_buffer *model, const char *message)
{
	struct onnx *onnx = NULL;
	struct error e = {0};

	file_write(model_path, model->data, model->size);
	assert_int_equal(onnx_load(model_path, &onnx, &e), -EBADMSG);
	assert_null(onnx);
	assert_non_null(strstr(e.text, message));
}

/* A graph of one node, a tensor and what else the test has put into `graph`. */
static void with_node(struct onnx_buffer *model, struct onnx_buffer *graph)
{
	onnx_put_node(graph, "some.domain", "Thing", "x - t", "y",
		"list=3,-1,4 one=7 half=f0.5 mode=ROUND perm=1,0");
	onnx_put_value(graph, 11, "x", (const int[]){-1, 3, 5, 4}, 4);
	onnx_put_value(graph, 12, "y", (const int[]){1, 2}, 2);
	onnx_put_model(model, graph);
}

/* The attribute of this name; one without a name: there is none. */
static struct onnx_attribute attribute_of(const struct onnx_node *node, const char *name)
{
	struct onnx_bytes rest = node->message;
	struct onnx_attribute a;

	while (onnx_attribute_next(&rest, &a) == 1)
		if (onnx_text_is(a.name, name))
			return a;
	return (struct onnx_attribute){0};
}

static void test_graph(void **state)
{
	struct onnx_buffer graph = {.size = 0}, model = {.size = 0};
	struct onnx_attribute a;

	(void)state;
	with_node(&model, &graph);
	struct onnx *onnx = load(&model);
	assert_int_equal(onnx->node_count, 1);
	const struct onnx_node *node = onnx->nodes;
	assert_true(onnx_text_is(node->type, "Thing") && onnx_text_is(node->domain, "some.domain"));
	assert_int_equal(node->input_count, 3);
	assert_true(onnx_text_is(node->inputs[2], "t") && onnx_text_is(node->inputs[1], ""));
	assert_true(onnx_text_is(node->outputs[0], "y") && onnx_text_is(onnx->outputs[0], "y"));
	a = attribute_of(node, "list");
	assert_int_equal(a.count, 3);
	assert_int_equal(a.integers[1], -1);
	assert_int_equal(attribute_of(node, "one").integer, 7);
	assert_true(attribute_of(node, "half").number == 0.5F);
	assert_true(onnx_text_is(attribute_of(node, "mode").text, "ROUND"));
	assert_int_equal(attribute_of(node, "lis").name.size, 0);
	assert_int_equal(onnx->inputs[0].rank, 4);
	assert_int_equal(onnx->inputs[0].dims[0], -1);
	assert_int_equal(onnx->inputs[0].dims[3], 4);
	onnx_destroy(onnx);
}

/* One tensor of two numbers, 3 and −4, as `put` lays them down; or the message that says what is wrong. */
static void check_tensor(const struct onnx_buffer *tensor, const char *message)
{
	struct onnx_buffer graph = {.size = 0}, model = {.size = 0};
	struct error e = {0};
	double *values;
	size_t count;

	onnx_put_message(&graph, 5, tensor);
	with_node(&model, &graph);
	struct onnx *onnx = load(&model);
	assert_int_equal(onnx->tensor_count, 1);
	int rc = onnx_tensor_read(onnx, onnx->tensors, &values, &count, &e);
	if (message) {
		assert_true(rc < 0 && rc == e.code);
		assert_null(values);
		if (!strstr(e.text, message))
			fail_msg("\"%s\" found, \"%s\" expected", e.text, message);
	} else {
		if (rc)
			fail_msg("%s", e.text);
		assert_int_equal(count, 2);
		assert_true(values[0] == 3 && values[1] == -4);
	}
	free(values);
	onnx_destroy(onnx);
}

static struct onnx_buffer tensor_of(int type, int size)
{
	struct onnx_buffer tensor = {.size = 0};

	onnx_put_integer(&tensor, 1, size);
	onnx_put_integer(&tensor, 2, type);
	return tensor;
}

static void test_numbers(void **state)
{
	const float floats[] = {3, -4};
	const double doubles[] = {3, -4};
	const int64_t longs[] = {3, -4};
	const int32_t ints[] = {3, -4};
	struct onnx_buffer t, packed = {.size = 0};

	(void)state;
	t = tensor_of(1, 2);
	onnx_put_bytes(&t, 9, floats, sizeof(floats));
	check_tensor(&t, NULL);
	t = tensor_of(1, 2);
	onnx_put_bytes(&t, 4, floats, sizeof(floats));
	check_tensor(&t, NULL);
	t = tensor_of(1, 2);
	onnx_put_float(&t, 4, 3);
	onnx_put_float(&t, 4, -4);
	check_tensor(&t, NULL);
	t = tensor_of(11, 2);
	onnx_put_bytes(&t, 10, doubles, sizeof(doubles));
	check_tensor(&t, NULL);
	t = tensor_of(11, 2);
	onnx_put_bytes(&t, 9, doubles, sizeof(doubles));
	check_tensor(&t, NULL);
	onnx_put_varint(&packed, 3);
	onnx_put_varint(&packed, (uint64_t)-4);
	for (int type = 6; type <= 7; type++) {
		t = tensor_of(type, 2);
		onnx_put_message(&t, type == 6 ? 5 : 7, &packed);
		check_tensor(&t, NULL);
		t = tensor_of(type, 2);
		onnx_put_integer(&t, type == 6 ? 5 : 7, 3);
		onnx_put_integer(&t, type == 6 ? 5 : 7, -4);
		check_tensor(&t, NULL);
	}
	t = tensor_of(7, 2);
	onnx_put_bytes(&t, 9, longs, sizeof(longs));
	check_tensor(&t, NULL);
	t = tensor_of(6, 2);
	onnx_put_bytes(&t, 9, ints, sizeof(ints));
	check_tensor(&t, NULL);
}

static void test_numbers_refused(void **state)
{
	const float floats[] = {3, -4};
	struct onnx_buffer t;

	(void)state;
	t = tensor_of(1, 3);
	onnx_put_bytes(&t, 9, floats, sizeof(floats));
	check_tensor(&t, "has 8 bytes of data");
	t = tensor_of(1, 2);
	onnx_put_bytes(&t, 9, floats, 7);
	check_tensor(&t, "has 7 bytes of data");
	t = tensor_of(1, 3);
	onnx_put_bytes(&t, 4, floats, sizeof(floats));
	check_tensor(&t, "has 2 numbers where its dimensions need 3");
	t = tensor_of(1, 2);
	onnx_put_bytes(&t, 4, floats, 7);
	check_tensor(&t, "damaged data");
	t = tensor_of(1, 2);
	onnx_put_integer(&t, 4, 3);
	check_tensor(&t, "damaged data");
	t = tensor_of(8, 2);
	onnx_put_bytes(&t, 9, floats, 4);
	check_tensor(&t, "has the data type 8");
	t = tensor_of(1, -1);
	check_tensor(&t, "has a dimension of -1");
	t = tensor_of(1, 1 << 20);
	onnx_put_integer(&t, 1, 1 << 20);
	check_tensor(&t, "has more than 268435456 numbers");
	t = tensor_of(1, 1);
	for (int i = 0; i < 6; i++)
		onnx_put_integer(&t, 1, 1);
	check_tensor(&t, "has 7 dimensions");
}

static struct onnx_buffer external(const char *location, const char *offset, const char *length)
{
	const char *const entries[][2] = {{"location", location}, {"offset", offset}, {"length", length}};
	struct onnx_buffer tensor = tensor_of(1, 2);

	for (int i = 0; i < 3; i++) {
		struct onnx_buffer entry = {.size = 0};
		onnx_put_text(&entry, 1, entries[i][0]);
		onnx_put_text(&entry, 2, entries[i][1]);
		if (entries[i][1][0])
			onnx_put_message(&tensor, 13, &entry);
	}
	onnx_put_integer(&tensor, 14, 1);
	return tensor;
}

static void test_external(void **state)
{
	const float floats[] = {1, 3, -4};
	struct onnx_buffer t;

	(void)state;
	file_write(data_path, floats, sizeof(floats));
	t = external("data", "4", "8");
	check_tensor(&t, NULL);
	t = external("data", "4", "");
	check_tensor(&t, NULL);
	t = external("data", "8", "8");
	check_tensor(&t, "needs 8 bytes from byte 8 on of \"data\"");
	t = external("data", "9223372036854775807", "8");
	check_tensor(&t, "needs 8 bytes");
	t = external("data", "4x", "8");
	check_tensor(&t, "needs 8 bytes of \"data\", but the model states another size");
	t = external("data", "4", "12");
	check_tensor(&t, "needs 8 bytes of \"data\", but the model states another size");
	t = external("gone", "", "");
	check_tensor(&t, "has its data in \"gone\" beside the model: No such file");
	t = external("../data", "", "");
	check_tensor(&t, "only a file beside the model is read");
	t = external(data_path, "", "");
	check_tensor(&t, "only a file beside the model is read");
	t = external("", "", "");
	check_tensor(&t, "only a file beside the model is read");
	t = external("..", "", "");
	check_tensor(&t, "only a file beside the model is read");
	assert_int_equal(truncate(data_path, 4), 0);
	t = external("data", "", "");
	check_tensor(&t, "needs 8 bytes of \"data\"");
}

/* Every shorter file is refused or a smaller model, never read past its end (AddressSanitizer sees to that).
 */
static void test_cut(void **state)
{
	struct onnx_buffer graph = {.size = 0}, model = {.size = 0};

	(void)state;
	with_node(&model, &graph);
	for (size_t size = 0; size < model.size; size++) {
		struct onnx *onnx = NULL;
		struct error e = {0};

		file_write(model_path, model.data, size);
		int rc = onnx_load(model_path, &onnx, &e);
		assert_int_equal(rc, e.code);
		assert_true((rc == 0) == (onnx != NULL));
		onnx_destroy(onnx);
	}
}

static void test_damage(void **state)
{
	struct onnx_buffer model = {.size = 0}, graph = {.size = 0}, node = {.size = 0};

	(void)state;
	refuse(&model, "holds no graph");
	onnx_put_text(&model, 7, "");
	refuse(&model, "holds no graph");
	model.size = 0;
	onnx_put_integer(&model, 7, 1); /* a graph that is a number */
	refuse(&model, "is not an ONNX model");
	model.size = 0;
	onnx_put_varint(&model, 7 << 3 | 3); /* the wire type of a group */
	refuse(&model, "is not an ONNX model");
	model.size = 0;
	onnx_put_varint(&model, 2); /* field 0 */
	refuse(&model, "is not an ONNX model");
	model.size = 0;
	onnx_put_raw(&model, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
	refuse(&model, "is not an ONNX model");
	model.size = 0;
	onnx_put_varint(&model, 7 << 3 | 2); /* longer than the file */
	onnx_put_varint(&model, UINT64_MAX);
	refuse(&model, "is not an ONNX model");
	model.size = 0;
	onnx_put_integer(&node, 4, 1); /* an operator that is a number */
	onnx_put_message(&graph, 1, &node);
	onnx_put_model(&model, &graph);
	refuse(&model, "is damaged inside its graph");
}

static void test_files(void **state)
{
	struct onnx *onnx;
	struct error e = {0};

	(void)state;
	assert_int_equal(onnx_load("/nowhere/m.onnx", &onnx, &e), -ENOENT);
	assert_null(onnx);
	assert_int_equal(onnx_load(folder, &onnx, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "is not a regular file"));
	unlink(model_path);
	assert_int_equal(mkfifo(model_path, 0600), 0); /* must not wait for a writer */
	assert_int_equal(onnx_load(model_path, &onnx, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_graph),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_refused),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
