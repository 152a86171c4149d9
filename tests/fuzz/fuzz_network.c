/* SPDX-License-Identifier: MIT */
/* A network's folder. */
#include "pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pack_try(data, size, network_parse);
	return 0;
}
