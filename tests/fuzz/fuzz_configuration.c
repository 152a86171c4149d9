/* SPDX-License-Identifier: MIT */
/* A configuration file's text. */
#include "fuzz.h"

#include "base/log.h"
#include "cli/configuration.h"

#include <stdlib.h>
#include <string.h>

static int check(void *context, const struct setting *setting)
{
	(void)context;
	promise(setting->file && setting->line > 0);
	promise(!setting->section || setting->section[0]);
	if (!setting->name) {
		promise(setting->section);
		return 0;
	}
	promise(setting->name[0] && setting->value);
	promise(!strchr(setting->name, '=') && !strchr(setting->value, '\n'));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1); /* exactly as long as the text: a byte read past its end is found */

	promise(text);
	if (size)
		memcpy(text, data, size);
	log_hold();
	configuration_parse("file", text, check, NULL);
	free(text);
	return 0;
}
