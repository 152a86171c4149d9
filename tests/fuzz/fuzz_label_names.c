/* SPDX-License-Identifier: MIT */
/* Other names for a network of two labels, "a" and "b c", and a group "d". */
#include "fuzz.h"

#include "base/error.h"
#include "nn/format/label_names.h"
#include "nn/network_names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *labels[] = {(char *)"a", (char *)"b c"};
	int members[] = {0};
	struct label_group groups[] = {{(char *)"d", members, 1}};
	const struct network network = {
		.class_count = 2, .labels = labels, .groups = groups, .group_count = 1};
	struct label_names *names;
	struct error e = {0};
	char *text = malloc(size ? size : 1); /* exactly as long: a byte read past its end is found */

	promise(text);
	if (size)
		memcpy(text, data, size);
	int rc = label_names_parse("names.txt", text, size, &network, &names, &e);
	promise(rc == 0 || e.text[0]);
	if (rc == 0) {
		const struct network *shown = label_names_network(names);
		for (int i = 0; i < 2; i++)
			promise(!label_fault(shown->labels[i], strlen(shown->labels[i])));
		promise(!label_fault(shown->groups[0].name, strlen(shown->groups[0].name)));
		label_names_destroy(names);
	}
	free(text);
	return 0;
}
