/* SPDX-License-Identifier: MIT */
/* A measurement to compare with: what is read is sound enough to be compared with itself and printed. */
#include "fuzz.h"

#include "base/error.h"
#include "base/log.h"
#include "measure/compare.h"

#include <stdbool.h>
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
		/* Of two networks with one name, both are compared with the first. */
		bool alone = json_array_size(json_object_get(document, "networks")) == 1;
		size_t i;
		json_array_foreach(rows, i, row)
		{
			double ratio = json_real_value(json_object_get(row, "ratio"));
			promise(alone ? ratio == 1 : ratio > 0);
			promise(!alone || json_is_false(json_object_get(row, "differs")));
		}
		json_decref(rows);
	}
	json_decref(document);
	return 0;
}
