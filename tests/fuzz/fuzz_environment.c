/* SPDX-License-Identifier: MIT */
/*
 * Settings of the environment: a line a variable, NAME=VALUE, which is set as TWOBIT_NAME. The options are of
 * every kind that there is.
 */
#include "fuzz.h"

#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "recorder/amount.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct environment_values {
	bool flag;
	struct option_text text;
	const char *choice;
	struct option_texts items;
	int number;
	double share, time;
	struct option_size size;
	struct amount amount;
	size_t memory;
};

static const char *const choices[] = {"auto", "sdl", "none", NULL};

#define AT(member) offsetof(struct environment_values, member)
static const struct option options[] = {
	{"flag", 'f', OPTION_FLAG, NULL, "A flag", AT(flag)},
	{"text", 't', OPTION_TEXT, "TEXT", "A text", AT(text)},
	{"item", 'i', OPTION_TEXTS, "TEXT", "Some texts", AT(items)},
	{"choice", 0, OPTION_CHOICE, "NAME", "A choice", AT(choice), .choices = choices},
	{"number", 'n', OPTION_INTEGER, "N", "A number", AT(number), -5, 100},
	{"share", 's', OPTION_NUMBER, "P", "A share", AT(share), 0, 1},
	{"time", 0, OPTION_DURATION, "TIME", "A time", AT(time), 0.001, 7200},
	{"size", 'r', OPTION_SIZE, "WxH", "A size", AT(size), 16, 4096},
	{"amount", 0, OPTION_AMOUNT, "TIME|SIZE", "An amount", AT(amount)},
	{"memory", 0, OPTION_BYTES, "SIZE", "A size", AT(memory), 1000, 2e9},
	{0},
};

static const struct command command = {.name = "try", .summary = "s", .usage = "X", .options = options};
static const struct command *const commands[] = {&command, NULL};

/* What a setting may be at most; 0: it is not set. */
static void check(const struct environment_values *v)
{
	promise(v->number >= -5 && v->number <= 100);
	promise(v->share >= 0 && v->share <= 1);
	promise(v->time == 0 || (v->time >= 0.001 && v->time <= 7200));
	promise(v->size.width == 0 || (v->size.width >= 16 && v->size.width <= 4096));
	promise(v->size.height == 0 || (v->size.height >= 16 && v->size.height <= 4096));
	promise(v->memory == 0 || (v->memory >= 1000 && v->memory <= 2000000000));
	promise(!v->choice || strcmp(v->choice, "auto") == 0 || strcmp(v->choice, "sdl") == 0 ||
		strcmp(v->choice, "none") == 0);
}

/* All variables of the input; no file is read. */
static void set_all(char *text)
{
	promise(clearenv() == 0 && setenv("TWOBIT_CONFIG", "/dev/null", 1) == 0);
	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		char name[100], *equals = strchr(line, '=');
		if (!equals || strncmp(line, "CONFIG=", 7) == 0)
			continue;
		snprintf(name, sizeof(name), "TWOBIT_%.*s", (int)(equals - line), line);
		setenv(name, equals + 1, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), name[] = "try", *argv[] = {name, NULL};
	struct invocation invocation = {.command = &command, .commands = commands, .argc = 1, .argv = argv};
	struct environment_values values = {0};
	int count = 0;

	promise(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	set_all(text);
	log_hold();
	int code = options_parse(&invocation, &values, &count);
	promise(code == OPTIONS_GO_ON || code == EX_CONFIG);
	if (code == OPTIONS_GO_ON)
		check(&values);
	invocation_finish(&invocation);
	free(text);
	return 0;
}
