/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include "base/error.h"
#include "base/log.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/configuration.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Of variables that set options. */
#define PREFIX "TWOBIT_"

/* A misspelled variable of fewer letters could be another program's. */
#define SHORTEST 5

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

static enum log_level log_level_of(const struct invocation *invocation)
{
	for (int i = 0; invocation->level && levels[i]; i++)
		if (strcmp(invocation->level, levels[i]) == 0)
			return (enum log_level)i;
	return invocation->verbose ? LOG_DEBUG : invocation->quiet ? LOG_WARNING : LOG_INFO;
}

bool progress_wanted(const struct invocation *invocation)
{
	const char *term = getenv("TERM");

	return log_level_of(invocation) >= LOG_INFO && isatty(STDERR_FILENO) && term &&
	       strcmp(term, "dumb") != 0;
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
	log_configure(log_level_of(invocation), colour_wanted(invocation, STDERR_FILENO));
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

/* "FILE:LINE", or "environment". */
static void option_place(const struct option_origin *origin, char place[CONFIGURATION_PLACE])
{
	if (origin->line)
		snprintf(place, CONFIGURATION_PLACE, "%s:%d", origin->place, origin->line);
	else
		snprintf(place, CONFIGURATION_PLACE, "%s", origin->place);
}

/* Prints the message about an option of the command, with the place that the option came from. */
static int print_wrong(const struct invocation *invocation, const struct command *command,
	const struct option_origin *origin, const char *message)
{
	char place[CONFIGURATION_PLACE];

	if (!origin->place)
		return usage_error(invocation, "%s", message);
	option_place(origin, place);
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

/* Where a text of the options came from, by its address; NULL: it is none of them. */
static const struct option_origin *origin_of(const struct invocation *invocation, const char *text)
{
	if (!text)
		return NULL;
	for (const struct option *o = invocation->command->options; o && o->name; o++) {
		const char *value = (const char *)invocation->values + o->offset;
		const struct option_text *one = (const struct option_text *)value;
		const struct option_texts *several = (const struct option_texts *)value;
		if (o->kind == OPTION_TEXT && one->text == text)
			return &one->origin;
		for (int i = 0; o->kind == OPTION_TEXTS && several->items[i]; i++)
			if (several->items[i] == text)
				return &several->origins[i];
	}
	return NULL;
}

/* Whether an error says that a value, or the file that it names, is wrong, and not that something else is in
 * its way. */
static bool is_about_value(enum failure where, int code)
{
	static const int codes[] = {
		EINVAL, ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, ENOTSUP, EBADMSG, EOVERFLOW, EFBIG};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code == -codes[i])
			return true;
	return where == FAILURE_NETWORK && failure_exit_code(where, code) == EX_CONFIG;
}

int fail_at(const struct invocation *invocation, enum failure where, const struct error *e)
{
	const struct option_origin *origin = origin_of(invocation, e->wrong);
	char place[CONFIGURATION_PLACE];

	if (!origin || !origin->place)
		return fail(where, e);
	option_place(origin, place);
	log_error("%s: %s: %s", place, origin->spelled, e->text);
	return is_about_value(where, e->code) ? EX_CONFIG : failure_exit_code(where, e->code);
}

bool option_given(const struct option_text *text)
{
	return text->text && !text->origin.place;
}

static int set_value(const struct parse *p)
{
	struct error e;

	if (p->text && !p->text[0] && p->option->kind != OPTION_FLAG)
		return wrong(p, "%s needs a value, %s", p->origin.spelled, p->option->argument);
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
	bool setting = p->origin.place != NULL, dashes = strncmp(p->origin.spelled, "--", 2) == 0;
	const char *word = dashes ? p->origin.spelled + 2 : setting ? p->origin.spelled : "";
	const char *close = closest_word(word, names);
	if (close)
		return wrong(p, "unknown option %s, did you mean %s%s?%s", p->origin.spelled,
			setting ? "" : "--", close, setting && dashes ? " A setting has no dashes" : "");
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

static int unknown_section(const struct parse *p, const char *name)
{
	struct closest closest = {.word = name};

	for (const struct command *const *c = p->invocation->commands; *c; c++)
		closest_offer(&closest, (*c)->name);
	if (closest.best)
		return wrong(p, "there is no command \"%s\" for a section, did you mean [%s]?", name,
			closest.best);
	return wrong(p, "there is no command \"%s\" for a section", name);
}

static bool any_command_has(const struct command *const *commands, const char *name)
{
	for (; *commands; commands++)
		if (find_in((*commands)->options, name, strlen(name), 0))
			return true;
	return false;
}

/* Warns of a variable TWOBIT_NAME=… that sets nothing and is nearly one that does. Others may be somebody
 * else's. */
static void check_variable(const struct parse *p, const char *entry)
{
	char name[80], variable[80];
	size_t length = 0;

	for (entry += strlen(PREFIX); *entry && *entry != '=' && length < sizeof(name) - 1; entry++)
		name[length++] = *entry == '_' ? '-' : (char)tolower((unsigned char)*entry);
	name[length] = '\0';
	struct closest closest = {.word = name};
	if (length < SHORTEST || strcmp(name, "networks") == 0 || strcmp(name, "config") == 0 ||
		any_command_has(p->invocation->commands, name) || find_in(common_options, name, length, 0))
		return;
	for (const struct command *const *c = p->invocation->commands; *c; c++)
		for (const struct option *o = (*c)->options; o && o->name; o++)
			closest_offer(&closest, o->name);
	if (!closest.best)
		return;
	configuration_environment(closest.best, variable, sizeof(variable));
	log_warning("environment: " PREFIX "%.*s sets nothing; did you mean %s?",
		(int)strcspn(entry - length, "="), entry - length, variable);
}

/* Applies a setting of a file, or checks a section. Of a setting for another command, only the name is
 * checked.
 */
static int apply_setting(void *context, const struct setting *setting)
{
	struct parse *p = context;
	const struct command *const *commands = p->invocation->commands;
	const struct command *own = p->command, *section = NULL;
	int code = 0;

	p->origin.place = setting->file;
	p->origin.line = setting->line;
	if (setting->section && !(section = command_named(commands, setting->section)))
		return unknown_section(p, setting->section);
	if (!setting->name)
		return 0;
	p->text = setting->value;
	snprintf(p->origin.spelled, sizeof(p->origin.spelled), "%s", setting->name);
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

/* An empty variable is as good as none. */
static int apply_environment(struct parse *p)
{
	char variable[80];
	const struct option *const tables[] = {p->command->options, common_options};
	int code = 0;

	for (char **entry = environ; *entry; entry++)
		if (strncmp(*entry, PREFIX, strlen(PREFIX)) == 0)
			check_variable(p, *entry);
	p->origin.place = "environment";
	for (int t = 0; t < 2; t++) {
		for (const struct option *o = tables[t]; o && o->name && !code; o++) {
			p->text = configuration_environment(o->name, variable, sizeof(variable));
			if (!p->text || !p->text[0] || o->source == OPTION_FROM_OWN)
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

/* With -v: which files were read, and which texts came from where. */
static void log_settings(const struct invocation *invocation, const void *values)
{
	char place[CONFIGURATION_PLACE];

	for (int i = 0; i < invocation->configuration.count; i++)
		log_debug("settings of %s", invocation->configuration.files[i].path);
	for (const struct option *o = invocation->command->options; o && o->name; o++) {
		const struct option_text *text = (const void *)((const char *)values + o->offset);
		if (o->kind != OPTION_TEXT || !text->text || !text->origin.place)
			continue;
		option_place(&text->origin, place);
		log_debug("%s sets %s", place, o->name); /* not to what: it may hold a password */
	}
}

int options_parse(struct invocation *invocation, void *values, int *count)
{
	struct parse p = {.invocation = invocation, .command = invocation->command, .values = values};
	char **argv = invocation->argv, **next = argv + 1;
	bool ended = false;

	invocation->values = values;
	int defaults = parse_defaults(&p);
	*count = 0;
	while (*next) {
		int code = 0;
		if (!ended && strcmp(*next, "--") == 0) {
			ended = true;
			next++;
		} else if (ended || (*next)[0] != '-' || !(*next)[1]) {
			if (!(*next)[0]) /* mostly a variable of a script that is not set */
				code = usage_error(invocation, "an argument is empty");
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
	log_settings(invocation, values);
	return OPTIONS_GO_ON;
}
