/* SPDX-License-Identifier: MIT */
/* What `live` prints at its end. */
#include "live/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pipeline_report report; /* large: histograms */

/* The report's line of the PL; NULL: it has none. */
static const char *pl_line(void)
{
	static char line[400];
	char *text = NULL;
	size_t size = 0;
	FILE *kept = stdout;

	stdout = open_memstream(&text, &size);
	assert_non_null(stdout);
	live_report_print(&report, NULL, "none", "", false);
	fclose(stdout);
	stdout = kept;
	char *found = strstr(text, "\nPL: ");
	if (found)
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(found + 1, "\n"), found + 1);
	free(text);
	return found ? line : NULL;
}

static void begin(void)
{
	memset(&report, 0, sizeof(report));
	report.shown = report.received = report.classified = 1;
}

static void a_pl_that_did_well_is_not_reported(void **state)
{
	(void)state;
	begin();
	report.pl.good = 1;
	assert_null(pl_line());
}

static void every_fault_is_reported(void **state)
{
	(void)state;
	for (int i = 0; i < PL_FAULT_COUNT; i++) {
		begin();
		report.pl.faults[i] = 1;
		assert_non_null(pl_line());
	}
	/* It never was calibrated, and no frame was asked of it. */
	begin();
	report.pl.disabled = report.pl.alarm = true;
	report.pl.times_disabled = 1;
	const char *line = pl_line();
	assert_non_null(line);
	assert_non_null(strstr(line, "PL: retired;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pl_that_did_well_is_not_reported),
		cmocka_unit_test(every_fault_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
