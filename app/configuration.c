/* SPDX-License-Identifier: MIT */
#include "configuration.h"

#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define SYSTEM_FILE "/etc/twobit/config"

/* What is between the spaces of a text, which it cuts. */
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

/* "[record]": the section's name, cut out of the line; NULL when it is not closed or empty. */
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
	struct setting setting = {NULL, NULL, NULL, NULL};
	char place[CONFIGURATION_PLACE];
	char *next;

	setting.place = place;
	for (int number = 1; text; text = next, number++) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
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

/* What the settings point into: the system's file, or the only one; the user's. */
static char texts[2][CONFIGURATION_BYTES];

/* Reads the whole file and ends it with a zero. 0 or a positive errno value. */
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

static int read_file(const char *path, char *text, bool needed,
	int (*apply)(void *context, const struct setting *setting), void *context)
{
	char place[CONFIGURATION_PLACE];
	int code = read_text(path, text);

	if (!code)
		return configuration_parse(path, text, apply, context);
	if (!needed && (code == ENOENT || code == ENOTDIR || code == EACCES))
		return 0;
	snprintf(place, sizeof(place), "configuration %s", path);
	return refuse(place, code == EFBIG ? "it is longer than 64 KB" : strerror(code));
}

int configuration_read(int (*apply)(void *context, const struct setting *setting), void *context)
{
	const char *only = getenv("TWOBIT_CONFIG"), *folder = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME");
	char path[PATH_MAX];

	if (only && only[0])
		return read_file(only, texts[0], true, apply, context);
	int code = read_file(SYSTEM_FILE, texts[0], false, apply, context);
	if (code)
		return code;
	if (folder && folder[0] == '/')
		snprintf(path, sizeof(path), "%s/twobit/config", folder);
	else if (home && home[0])
		snprintf(path, sizeof(path), "%s/.config/twobit/config", home);
	else
		return 0;
	return read_file(path, texts[1], false, apply, context);
}

const char *configuration_environment(const char *option, char *variable, size_t size)
{
	int used = snprintf(variable, size, "TWOBIT_%s", option);

	for (int i = 0; i < used && (size_t)i < size - 1; i++)
		variable[i] = variable[i] == '-' ? '_' : (char)toupper((unsigned char)variable[i]);
	return getenv(variable);
}
