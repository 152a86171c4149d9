/* SPDX-License-Identifier: MIT */
/* Opening the overlay on a simulated chip: what is there, what is refused, and without memory. */
#include "pl/overlay/overlay.h"

#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/allocation_count.h"
#include "support/network_builder.h"
#include "support/simulated_overlay.h"

#define TIMEOUT INT64_C(20000000) /* ns */

static void opening_reports_what_is_there(void **state)
{
	static const struct {
		uint32_t offset, value;
		bool gone;
		int rc;
		const char *word;
	} cases[] = {
		{OVERLAY_REG_IDENTITY, 0, false, -ENODEV, "another design"},
		{OVERLAY_REG_IDENTITY, 0, true, -ENODEV, "all ones"},
		{OVERLAY_REG_VERSION, (OVERLAY_VERSION_MAJOR - 1) << 16, false, -EPROTO, "version"},
		{OVERLAY_REG_VERSION, (OVERLAY_VERSION_MAJOR + 1) << 16, false, -EPROTO, "version"},
		{OVERLAY_REG_GEOMETRY, 28U << 24 | 64U << 16 | 32U << 8 | 8U, false, -EPROTO, "8 x 32 x 64"},
	};
	void *pl = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error e = {0};

		chip_begin(1);
		chip_set(cases[i].offset, cases[i].value);
		chip.gone = cases[i].gone;
		assert_int_equal(overlay_open(&chip_bus, false, TIMEOUT, &pl, &e), cases[i].rc);
		assert_int_equal(e.code, cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].word));
		assert_int_equal(chip.writes, 0);
		assert_int_equal(overlay_open(&chip_bus, true, TIMEOUT, &pl, &e), 0);
		assert_int_equal(chip.reconfigurations, 1);
		overlay_close(pl);
		chip_end();
	}
}

/* Nothing reaches the chip of a network that it cannot run. */
static void refused_networks_touch_nothing(void **state)
{
	struct network *network = tiny_network(1);
	struct error e = {0};
	void *pl;

	(void)state;
	chip_begin(10);
	assert_int_equal(overlay_open(&chip_bus, false, TIMEOUT, &pl, NULL), 0);
	assert_true(chip.writes > 0); /* a reset */
	chip.writes = 0;
	assert_int_equal(overlay_check(pl, network, 1, 5, &e), 0);
	network->layers[1].stride_height = network->layers[1].stride_width = 3;
	assert_int_equal(overlay_check(pl, network, 1, 5, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "conv1"));
	assert_int_equal(overlay_load(pl, network, 1, 5, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "conv1"));
	assert_int_equal(chip.writes, 0);
	network->layers[1].stride_height = network->layers[1].stride_width = 1;
	chip.short_length = true;
	assert_int_equal(overlay_load(pl, network, 1, 5, &e), -EIO);
	assert_non_null(strstr(e.text, "26 bits"));
	chip.short_length = false;
	chip.refuses = true;
	assert_int_equal(overlay_load(pl, network, 1, 5, &e), -EIO);
	chip.refuses = false;
	assert_int_equal(overlay_load(pl, network, 1, 5, &e), 0);
	overlay_close(pl);
	assert_int_equal(chip.allocations, 0);
	chip_end();
	network_destroy(network);
}

static void failing_allocations(void **state)
{
	struct network *network = tiny_network(1);
	int rc = -ENOMEM;
	long failures = 0;

	(void)state;
	if (!ALLOCATION_COUNT) {
		network_destroy(network);
		skip_uncounted();
	}
	chip_begin(10);
	while (rc && failures < 1000) {
		struct error e = {0};
		void *pl = NULL;

		allocation_fail_after(failures++);
		rc = overlay_open(&chip_bus, false, TIMEOUT, &pl, &e);
		if (!rc)
			rc = overlay_load(pl, network, 1, 5, &e);
		allocation_fail_after(-1);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(e.code, -ENOMEM);
		}
		if (pl)
			overlay_close(pl);
		assert_int_equal(chip.allocations, 0);
	}
	assert_int_equal(rc, 0);
	assert_true(failures > 10);
	chip_end();
	network_destroy(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_reports_what_is_there),
		cmocka_unit_test(refused_networks_touch_nothing),
		cmocka_unit_test(failing_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
