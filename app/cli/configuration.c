/* SPDX-License-Identifier: MIT */
#include "cli/configuration.h"

#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define SYSTEM_FILE "/etc/twobit/config"

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

/* A comment begins a line or follows a space, since a file's name may hold a #. */
static void cut_comment(char *line)
{
	for (char *hash = strchr(line, '#'); hash; hash = strchr(hash + 1, '#')) {
		if (hash == line || isspace((unsigned char)hash[-1])) {
			*hash = '\0';
			return;
		}
	}
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

int configuration_parse(const char *file, char *text,
	int (*apply)(void *context, const struct setting *setting), void *context)
{
	struct setting setting = {.file = file};
	char place[CONFIGURATION_PLACE];
	char *next;

	for (int number = 1; text; text = next, number++) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		setting.line = number;
		snprintf(place, sizeof(place), "%s:%d", file, number);
		cut_comment(text);
		char *line = trimmed(text), *equals = strchr(line, '=');
		if (!line[0])
			continue;
		if (line[0] == '[') {
			setting.section = section_of(line);
			if (!setting.section)
				return refuse(
					place, "a section is a command's name in brackets, such as [live]");
			continue;
		}
		if (!equals)
			return refuse(place,
				"a line is NAME = VALUE, where NAME is a long option without its dashes");
		*equals = '\0';
		setting.name = trimmed(line);
		setting.value = trimmed(equals + 1);
		int code = apply(context, &setting);
		if (code)
			return code;
	}
	return 0;
}

/* Reads the whole file into text[CONFIGURATION_BYTES] and ends it with a zero. 0 or a positive errno value.
 */
static int read_text(const char *path, char *text)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return errno;
	size_t length = fread(text, 1, CONFIGURATION_BYTES, file);
	int code = ferror(file) ? errno : length == CONFIGURATION_BYTES ? EFBIG : 0;
	fclose(file);
	text[code ? 0 : length] = '\0';
	return code;
}

static void file_finish(struct configuration_file *file)
{
	free(file->path);
	free(file->text);
	*file = (struct configuration_file){NULL, NULL};
}

/* 0 or a positive errno value; after an error there is nothing to finish. */
static int file_init(struct configuration_file *file, const char *path)
{
	file->path = strdup(path);
	file->text = malloc(CONFIGURATION_BYTES);
	int code = file->path && file->text ? read_text(path, file->text) : ENOMEM;
	if (code)
		file_finish(file);
	return code;
}

static int read_file(struct configuration *configuration, const char *path, bool needed,
	int (*apply)(void *context, const struct setting *setting), void *context)
{
	struct configuration_file *file = &configuration->files[configuration->count];
	char place[CONFIGURATION_PLACE];
	int code = file_init(file, path);

	if (!code) {
		configuration->count++;
		return configuration_parse(file->path, file->text, apply, context);
	}
	if (!needed && (code == ENOENT || code == ENOTDIR || code == EACCES))
		return 0;
	snprintf(place, sizeof(place), "configuration %s", path);
	return refuse(place, code == EFBIG ? "it is longer than 64 KB" : strerror(code));
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
