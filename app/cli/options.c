/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include "base/error.h"
#include "base/log.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/configuration.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const colours[] = {"auto", "always", "never", NULL};

const struct option common_options[] = {
	{"quiet", 'q', OPTION_FLAG, NULL, "Only errors and warnings on stderr",
		offsetof(struct invocation, quiet)},
	{"verbose", 'v', OPTION_FLAG, NULL, "Print more on stderr; of evaluate and list, also more on stdout",
		offsetof(struct invocation, verbose)},
	{"log-level", 0, OPTION_CHOICE, "LEVEL", "error, warning, info or debug [info]",
		offsetof(struct invocation, level), .choices = levels},
	{"color", 0, OPTION_CHOICE, "WHEN", "auto, always or never [auto]",
		offsetof(struct invocation, colour), .choices = colours},
	{"help", 'h', OPTION_FLAG, NULL, "Show this help", offsetof(struct invocation, help)},
	{0},
};

bool quiet(const struct invocation *invocation)
{
	return invocation->quiet;
}

bool colour_wanted(const struct invocation *invocation, int fd)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (invocation->colour && strcmp(invocation->colour, "auto") != 0)
		return strcmp(invocation->colour, "always") == 0;
	return isatty(fd) && !(no_colour && no_colour[0]) && term && strcmp(term, "dumb") != 0;
}

static void configure_log(const struct invocation *invocation)
{
	enum log_level level = invocation->verbose ? LOG_DEBUG : invocation->quiet ? LOG_WARNING : LOG_INFO;

	for (int i = 0; invocation->level && levels[i]; i++)
		if (strcmp(invocation->level, levels[i]) == 0)
			level = (enum log_level)i;
	log_configure(level, colour_wanted(invocation, STDERR_FILENO));
}

int usage_error(const struct invocation *invocation, const char *format, ...)
{
	const char *name = invocation->command->name;
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	configure_log(invocation);
	log_error("%s: %s; see `twobit %s --help`", name, message, name);
	return EX_USAGE;
}

/* The option that is being parsed. */
struct parse {
	struct invocation *invocation;
	const struct command
		*command; /* the owner of the options: the invocation's command, or a section's */
	const struct option *option;
	struct option_origin origin;
	const char *text; /* its value */
	void *value, *values;
};

/* Prints the message about an option of the command, with the place that the option came from. */
static int print_wrong(const struct invocation *invocation, const struct command *command,
	const struct option_origin *origin, const char *message)
{
	char place[CONFIGURATION_PLACE];

	if (!origin->place)
		return usage_error(invocation, "%s", message);
	if (origin->line)
		snprintf(place, sizeof(place), "%s:%d", origin->place, origin->line);
	else
		snprintf(place, sizeof(place), "%s", origin->place);
	log_error("%s: %s; see `twobit %s --help`", place, message, command->name);
	return EX_CONFIG;
}

__attribute__((format(printf, 2, 3))) static int wrong(const struct parse *p, const char *format, ...)
{
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return print_wrong(p->invocation, p->command, &p->origin, message);
}

int option_refuse(
	const struct invocation *invocation, const struct option_origin *origin, const char *message)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", origin->spelled, origin->spelled[0] ? ": " : "", message);
	return print_wrong(invocation, invocation->command, origin, text);
}

static int set_value(const struct parse *p)
{
	struct error e;

	if (option_set(p->option, &p->origin, p->text, p->value, &e))
		return wrong(p, "%s %s", p->origin.spelled, e.text);
	return 0;
}

static const struct option *find_in(
	const struct option *options, const char *name, size_t length, char letter)
{
	for (; options && options->name; options++) {
		if (letter && options->letter == letter)
			return options;
		if (!letter && strlen(options->name) == length && strncmp(options->name, name, length) == 0)
			return options;
	}
	return NULL;
}

/* Finds the option by name (letter 0) or by letter, and the address of its value. */
static bool find_option(struct parse *p, const char *name, size_t length, char letter)
{
	void *values = p->values;

	p->option = find_in(p->command->options, name, length, letter);
	if (!p->option) {
		p->option = find_in(common_options, name, length, letter);
		values = p->invocation;
	}
	if (!p->option)
		return false;
	p->value = (char *)values + p->option->offset;
	return true;
}

static int unknown_option(const struct parse *p)
{
	const char *names[64];
	int count = 0;
	const struct option *const tables[] = {p->command->options, common_options};

	for (int t = 0; t < 2; t++)
		for (const struct option *o = tables[t]; o && o->name && count < 63; o++)
			names[count++] = o->name;
	names[count] = NULL;
	const char *word = strncmp(p->origin.spelled, "--", 2) == 0 ? p->origin.spelled + 2
			   : p->origin.place			    ? p->origin.spelled
								    : "";
	const char *close = closest_word(word, names);
	if (close)
		return wrong(p, "unknown option %s, did you mean %.*s%s?", p->origin.spelled,
			(int)(word - p->origin.spelled), "--", close);
	return wrong(p, "unknown option %s", p->origin.spelled);
}

/* --name, --name=value, --name value. */
static int parse_long(struct parse *p, char ***next)
{
	const char *name = **next + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);

	snprintf(p->origin.spelled, sizeof(p->origin.spelled), "--%.*s", (int)(length < 70 ? length : 70),
		name);
	if (!find_option(p, name, length, 0))
		return unknown_option(p);
	++*next;
	p->text = equals ? equals + 1 : NULL;
	if (p->option->kind == OPTION_FLAG)
		return set_value(p);
	p->text = equals ? equals + 1 : **next;
	if (!p->text)
		return usage_error(
			p->invocation, "%s needs a value, %s", p->origin.spelled, p->option->argument);
	if (!equals)
		++*next;
	return set_value(p);
}

/* -n value, -nvalue, and flags together: -qn5. */
static int parse_letters(struct parse *p, char ***next)
{
	const char *letters = *(*next)++;

	for (letters++; *letters; letters++) {
		snprintf(p->origin.spelled, sizeof(p->origin.spelled), "-%c", *letters);
		if (!find_option(p, NULL, 0, *letters))
			return unknown_option(p);
		if (p->option->kind == OPTION_FLAG) {
			p->text = NULL;
			set_value(p);
			continue;
		}
		p->text = letters[1] ? letters + 1 : **next;
		if (!p->text)
			return usage_error(p->invocation, "%s needs a value, %s", p->origin.spelled,
				p->option->argument);
		if (!letters[1])
			++*next;
		return set_value(p);
	}
	return 0;
}

static const struct command *command_named(const struct command *const *commands, const char *name)
{
	for (; *commands; commands++)
		if (strcmp((*commands)->name, name) == 0)
			return *commands;
	return NULL;
}

static bool any_command_has(const struct command *const *commands, const char *name)
{
	for (; *commands; commands++)
		if (find_in((*commands)->options, name, strlen(name), 0))
			return true;
	return false;
}

/* Applies a setting of a file. Of a setting for another command, only the name is checked. */
static int apply_setting(void *context, const struct setting *setting)
{
	struct parse *p = context;
	const struct command *const *commands = p->invocation->commands;
	const struct command *own = p->command, *section = NULL;
	int code = 0;

	p->origin.place = setting->file;
	p->origin.line = setting->line;
	p->text = setting->value;
	snprintf(p->origin.spelled, sizeof(p->origin.spelled), "%s", setting->name);
	if (setting->section && !(section = command_named(commands, setting->section)))
		return wrong(p, "there is no command \"%s\" for a section", setting->section);
	p->command = section ? section : own;
	bool known = find_option(p, setting->name, strlen(setting->name), 0);
	if (!known && (section || !any_command_has(commands, setting->name)))
		code = unknown_option(p);
	else if (known && p->command == own && (section || p->option->source != OPTION_FROM_OWN))
		code = set_value(p);
	p->command = own;
	p->origin = (struct option_origin){0};
	return code;
}

static int apply_environment(struct parse *p)
{
	char variable[80];
	const struct option *const tables[] = {p->command->options, common_options};
	int code = 0;

	p->origin.place = "environment";
	for (int t = 0; t < 2; t++) {
		for (const struct option *o = tables[t]; o && o->name && !code; o++) {
			p->text = configuration_environment(o->name, variable, sizeof(variable));
			if (!p->text || o->source == OPTION_FROM_OWN)
				continue;
			snprintf(p->origin.spelled, sizeof(p->origin.spelled), "%s", variable);
			find_option(p, o->name, strlen(o->name), 0);
			code = set_value(p);
		}
	}
	p->origin = (struct option_origin){0};
	return code;
}

/* Files and environment; a later one overrides. */
static int parse_defaults(struct parse *p)
{
	int code = configuration_read(&p->invocation->configuration, apply_setting, p);

	return code ? code : apply_environment(p);
}

int options_parse(struct invocation *invocation, void *values, int *count)
{
	struct parse p = {.invocation = invocation, .command = invocation->command, .values = values};
	char **argv = invocation->argv, **next = argv + 1;
	bool ended = false;

	int defaults = parse_defaults(&p);
	*count = 0;
	while (*next) {
		int code = 0;
		if (!ended && strcmp(*next, "--") == 0) {
			ended = true;
			next++;
		} else if (ended || (*next)[0] != '-' || !(*next)[1]) {
			argv[(*count)++] = *next++;
		} else if ((*next)[1] == '-') {
			code = parse_long(&p, &next);
		} else {
			code = parse_letters(&p, &next);
		}
		if (invocation->help)
			return OPTIONS_HELP;
		if (code)
			return code;
	}
	if (defaults)
		return defaults;
	configure_log(invocation);
	return OPTIONS_GO_ON;
}
