/* SPDX-License-Identifier: MIT */
/*
 * The published DoReFa-Net through the driver of the published design, on the model of that design: 9,216
 * codes that this project did not compute.
 */
#include "pl/pl.h"

#include "base/error.h"
#include "nn/import/qnn_mo.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/simulated_qnn_mo.h"

static char folder[500];

/* Two calls a group: conv1, conv3 and conv4 have two groups. */
enum { CODES = 9216, CALLS = 14, SKIPPED = 77, BEHIND_CONV0 = 1 };

/* Codes of a published file, whose channel c of a pixel lies at bit 2c. */
static void read_codes(const char *name, struct shape shape, uint8_t *codes)
{
	char path[600];
	uint8_t pixel[JAM_PIXEL];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *stream = fopen(path, "rb");
	assert_non_null(stream);
	for (int i = 0; i < shape.height * shape.width; i++) {
		assert_int_equal(fread(pixel, 1, sizeof(pixel), stream), sizeof(pixel));
		for (int c = 0; c < shape.channels; c++)
			*codes++ = pixel[c / 4] >> c % 4 * 2 & 3;
	}
	fclose(stream);
}

static void published_network(void **state)
{
	static uint8_t expected[CODES];
	struct network *network;
	struct error e;
	struct pl *pl;

	(void)state;
	jam_begin();
	assert_int_equal(import_qnn_mo(folder, &network, &e), 0);
	assert_int_equal(pl_open("qnn-mo", NULL, &pl, &e), 0);
	assert_int_equal(pl_load(pl, network, BEHIND_CONV0, network->layer_count, &e), 0);
	struct shape out = network->layers[network->layer_count - 1].out;
	assert_int_equal(shape_size(out), CODES);
	read_codes("input.bin", network->layers[BEHIND_CONV0].in, pl_input(pl, 0));
	read_codes("verification.bin", out, expected);
	assert_int_equal(pl_submit(pl, 0), 0);
	assert_int_equal(pl_wait(pl, 0, INT64_MAX), 0);
	assert_memory_equal(pl_output(pl, 0), expected, CODES);
	assert_int_equal(jam_calls(), CALLS);
	pl_close(pl);
	assert_string_equal(jam.broken, "");
	network_destroy(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(published_network)};
	const char *shared = getenv("TWOBIT_SHARED");

	snprintf(folder, sizeof(folder), "%s/golden/qnn-mo-dorefanet", shared ? shared : "../shared");
	if (access(folder, F_OK) != 0) {
		printf("skipped: %s: %s (TWOBIT_SHARED names the folder that holds golden/)\n", folder,
			strerror(errno));
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
