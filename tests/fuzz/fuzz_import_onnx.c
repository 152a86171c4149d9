/* SPDX-License-Identifier: MIT */
/*
 * The importer of ONNX models of integers and floats, on any bytes. An input is a byte and the model. The
 * byte's bits: there are two pictures to calibrate with; the size of an open input is given; a mean is given,
 * of one number or three.
 */
#include "fuzz.h"

#include "base/error.h"
#include "nn/import/onnx/import_onnx.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

static char model[64];

static void model_remove(void)
{
	unlink(model);
}

static void model_name(void)
{
	const char *root = getenv("TMPDIR");

	snprintf(model, sizeof(model), "%.40s/fuzz-onnx-XXXXXX", root ? root : "/tmp");
	int file = mkstemp(model);
	promise(file >= 0);
	close(file);
	atexit(model_remove);
}

static int picture_read(void *context, int index, struct shape shape, uint8_t *pixels, struct error *e)
{
	(void)context;
	(void)e;
	for (size_t i = 0; i < shape_size(shape); i++)
		pixels[i] = (uint8_t)(i * 37 + (size_t)index * 11);
	return 0;
}

static struct import_onnx_options options_of(uint8_t bits)
{
	struct import_onnx_options options = {
		.pictures = {bits & 1 ? 2 : 0, picture_read, NULL, 1 << 22},
		.height = bits & 2 ? 6 : 0,
		.width = bits & 2 ? 5 : 0,
		.mean = {0.5, 0.25, 127.0 / 255},
		.std = {0.5, 1, 2},
		.mean_count = bits & 4 ? bits & 8 ? 3 : 1 : 0,
		.std_count = bits & 16 ? bits & 8 ? 3 : 1 : 0,
	};

	return options;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_report report;
	struct network *network = NULL;
	struct error e = {0};

	if (size < 1)
		return 0;
	if (!model[0])
		model_name();
	FILE *file = fopen(model, "wb");
	promise(file && fwrite(data + 1, 1, size - 1, file) == size - 1 && fclose(file) == 0);
	const struct import_onnx_options options = options_of(data[0]);
	int rc = import_onnx(model, &options, &network, &report, &e);
	promise(rc <= 0 && (rc == 0) == (network != NULL) && rc == e.code);
	promise(rc == 0 || e.text[0]);
	if (network)
		promise(network_check(network, &e) == 0);
	layer_report_finish(&report);
	network_destroy(network);
	return 0;
}
