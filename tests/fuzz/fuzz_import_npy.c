/* SPDX-License-Identifier: MIT */
/* A folder of arrays with its list of layers. */
#include "nn/import/npy_folder.h"
#include "pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pack_try(data, size, import_npy_files);
	return 0;
}
