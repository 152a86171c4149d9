/* SPDX-License-Identifier: MIT */
#include "cli/configuration.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/twobit/config"
#define PIPE_PATIENCE 10000 /* ms until the first byte of a pipe */

/* The text without spaces around it. Writes into the text. */
static char *trimmed(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* Whether only spaces stand between the "=" of the line and this character. */
static bool is_value_begin(const char *line, const char *at)
{
	while (at > line && isspace((unsigned char)at[-1]))
		at--;
	return at > line && at[-1] == '=' && !memchr(line, '=', (size_t)(at - 1 - line));
}

/* A comment begins a line or follows a space, since a file's name may hold a #. Between quotes there is none.
 */
static void cut_comment(char *line)
{
	char quote = '\0';

	for (char *c = line; *c; c++) {
		bool first = c == line || isspace((unsigned char)c[-1]);
		if (*c == '#' && !quote && first) {
			*c = '\0';
			return;
		}
		if (*c == quote)
			quote = '\0';
		else if (!quote && (*c == '"' || *c == '\'') && is_value_begin(line, c))
			quote = *c;
	}
}

/* Takes the quotes from around a value, as a shell does. Returns NULL, or what is wrong with them. */
static const char *unquote(char **value)
{
	char quote = **value;

	if (quote != '"' && quote != '\'')
		return NULL;
	char *end = strchr(*value + 1, quote);
	if (!end)
		return "the quote is not closed";
	if (end[1])
		return "there is text behind the quotes; they stand around the whole value or not at all";
	*end = '\0';
	++*value;
	return NULL;
}

static int refuse(const char *place, const char *what)
{
	log_error("%s: %s", place, what);
	return EX_CONFIG;
}

/* The section's name in a line "[record]"; NULL if the line does not end in "]" or the name is empty. */
static char *section_of(char *line)
{
	size_t length = strlen(line);

	if (length < 3 || line[length - 1] != ']')
		return NULL;
	line[length - 1] = '\0';
	line = trimmed(line + 1);
	return line[0] ? line : NULL;
}

/* Takes one line, which is not empty. The name and the value of the setting are in it. */
static int parse_line(char *line, const char *place, struct setting *setting)
{
	char *equals = strchr(line, '=');

	setting->name = setting->value = NULL;
	if (line[0] == '[') {
		setting->section = section_of(line);
		return setting->section
			       ? 0
			       : refuse(place, "a section is a command's name in brackets, such as [live]");
	}
	if (!equals || equals == line)
		return refuse(
			place, "a line is NAME = VALUE, where NAME is a long option without its dashes");
	*equals = '\0';
	char *value = trimmed(equals + 1);
	const char *fault = unquote(&value);
	if (fault)
		return refuse(place, fault);
	setting->name = trimmed(line);
	setting->value = value;
	return 0;
}

int configuration_parse(const char *file, char *text,
	int (*apply)(void *context, const struct setting *setting), void *context)
{
	struct setting setting = {.file = file};
	char place[CONFIGURATION_PLACE];
	struct error e;
	struct text lines;
	const char *at;
	size_t length;
	int code = 0;

	if (text_begin(&lines, text, strlen(text), &e)) {
		log_error("%s: %s", file, e.text);
		return EX_CONFIG;
	}
	while (!code && text_line(&lines, &at, &length)) {
		char *line = text + (at - text);
		line[length] = '\0'; /* in place of its end, or of a space behind it */
		setting.line = lines.line;
		snprintf(place, sizeof(place), "%s:%d", file, lines.line);
		cut_comment(line);
		line = trimmed(line);
		if (!line[0])
			continue;
		code = parse_line(line, place, &setting);
		if (!code)
			code = apply(context, &setting);
	}
	return code;
}

/* Opens a file, or a pipe that somebody writes. 0 or a positive errno value; ETIMEDOUT: nobody does. */
static int open_text(const char *path, FILE **out)
{
	int fd = file_open_within(path, PIPE_PATIENCE);

	*out = fd < 0 ? NULL : fdopen(fd, "r");
	if (*out)
		return 0;
	int code = fd < 0 ? -fd : errno;
	if (fd >= 0)
		close(fd);
	return code;
}

/* Reads the whole file into text[CONFIGURATION_BYTES] and ends it with a zero. 0 or a positive errno value.
 */
static int read_text(const char *path, char *text, size_t *length)
{
	FILE *file = NULL;
	int code = open_text(path, &file);

	if (code)
		return code;
	errno = 0;
	*length = fread(text, 1, CONFIGURATION_BYTES, file);
	code = ferror(file) ? (errno ? errno : EIO) : *length == CONFIGURATION_BYTES ? EFBIG : 0;
	fclose(file);
	text[code ? 0 : *length] = '\0';
	return code;
}

/* A zero would end the text, and all settings behind it would be passed over. */
static int check_zeros(const char *path, const char *text, size_t length)
{
	const char *zero = memchr(text, '\0', length);
	char place[CONFIGURATION_PLACE];
	int line = 1;

	if (!zero)
		return 0;
	for (const char *c = text; c < zero; c++)
		line += *c == '\n';
	snprintf(place, sizeof(place), "%s:%d", path, line);
	return refuse(place, "there is a zero byte, as a power cut leaves them; this is no text");
}

static void file_finish(struct configuration_file *file)
{
	free(file->path);
	free(file->text);
	*file = (struct configuration_file){NULL, NULL};
}

/* 0 or a positive errno value; after an error there is nothing to finish. */
static int file_init(struct configuration_file *file, const char *path, size_t *length)
{
	file->path = strdup(path);
	file->text = malloc(CONFIGURATION_BYTES);
	int code = file->path && file->text ? read_text(path, file->text, length) : ENOMEM;
	if (code)
		file_finish(file);
	return code;
}

static int read_file(struct configuration *configuration, const char *path, bool needed,
	int (*apply)(void *context, const struct setting *setting), void *context)
{
	struct configuration_file *file = &configuration->files[configuration->count];
	char place[CONFIGURATION_PLACE];
	size_t length = 0;
	int code = file_init(file, path, &length);

	if (!code) {
		configuration->count++;
		code = check_zeros(path, file->text, length);
		return code ? code : configuration_parse(file->path, file->text, apply, context);
	}
	if (!needed && (code == ENOENT || code == ENOTDIR || code == EACCES))
		return 0;
	snprintf(place, sizeof(place), "configuration %s", path);
	refuse(place, code == EFBIG	  ? "it is longer than 64 KB"
		      : code == ETIMEDOUT ? "it is a pipe, and nobody writes to it"
					  : strerror(code));
	if (error_is_of_machine(-code))
		return code == EIO ? EX_IOERR : EX_OSERR;
	return EX_CONFIG;
}

int configuration_read(struct configuration *configuration,
	int (*apply)(void *context, const struct setting *setting), void *context)
{
	const char *only = getenv("TWOBIT_CONFIG"), *folder = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME");
	char path[PATH_MAX];

	if (only && only[0])
		return read_file(configuration, only, true, apply, context);
	int code = read_file(configuration, SYSTEM_FILE, false, apply, context);
	if (code)
		return code;
	if (folder && folder[0] == '/')
		snprintf(path, sizeof(path), "%s/twobit/config", folder);
	else if (home && home[0])
		snprintf(path, sizeof(path), "%s/.config/twobit/config", home);
	else
		return 0;
	return read_file(configuration, path, false, apply, context);
}

void configuration_finish(struct configuration *configuration)
{
	for (int i = 0; i < configuration->count; i++)
		file_finish(&configuration->files[i]);
	configuration->count = 0;
}

const char *configuration_environment(const char *option, char *variable, size_t size)
{
	int used = snprintf(variable, size, "TWOBIT_%s", option);

	for (int i = 0; i < used && (size_t)i < size - 1; i++)
		variable[i] = variable[i] == '-' ? '_' : (char)toupper((unsigned char)variable[i]);
	return getenv(variable);
}
