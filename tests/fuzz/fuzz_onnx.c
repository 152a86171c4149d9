/* SPDX-License-Identifier: MIT */
/*
 * The QONNX importer, and with it the reader of ONNX, on any bytes. An input is two bytes, the size
 * (little-endian) of a file "data" beside the model; that file; and the model.
 */
#include "fuzz.h"

#include "base/error.h"
#include "nn/import/qonnx/qonnx.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

static char folder[64], model[80], data_file[80];

static void folder_remove(void)
{
	unlink(model);
	unlink(data_file);
	rmdir(folder);
}

static void folder_make(void)
{
	const char *root = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%.40s/fuzz-onnx-XXXXXX", root ? root : "/tmp");
	promise(mkdtemp(folder));
	snprintf(model, sizeof(model), "%s/model.onnx", folder);
	snprintf(data_file, sizeof(data_file), "%s/data", folder);
	atexit(folder_remove);
}

static void file_write(const char *path, const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	promise(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct network *network = NULL;
	struct error e = {0};

	if (size < 2)
		return 0;
	if (!folder[0])
		folder_make();
	size_t beside = (size_t)(data[0] | data[1] << 8);
	if (beside > size - 2)
		beside = size - 2;
	file_write(data_file, data + 2, beside);
	file_write(model, data + 2 + beside, size - 2 - beside);
	int rc = import_qonnx(model, &network, &e);
	promise(rc <= 0 && (rc == 0) == (network != NULL) && rc == e.code);
	promise(rc == 0 || e.text[0]);
	if (network)
		promise(network_check(network, &e) == 0);
	network_destroy(network);
	return 0;
}
