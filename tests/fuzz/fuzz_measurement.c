/* SPDX-License-Identifier: MIT */
/* A measurement to compare with: what is read is sound enough to be compared with itself and printed. */
#include "fuzz.h"

#include "base/error.h"
#include "base/log.h"
#include "measure_compare.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = {0};
	json_t *document;

	log_configure(LOG_ERROR, false);
	if (comparison_read(data, size, "fuzz", &document, &e)) {
		promise(e.code < 0 && e.text[0] && !document);
		return 0;
	}
	if (!comparison_check(document, document, "fuzz", &e)) {
		json_t *rows = comparison_make(document, document), *row;
		size_t i;
		json_array_foreach(rows, i, row)
		{
			promise(json_real_value(json_object_get(row, "ratio")) == 1);
			promise(json_is_false(json_object_get(row, "differs")));
		}
		json_decref(rows);
	}
	json_decref(document);
	return 0;
}
