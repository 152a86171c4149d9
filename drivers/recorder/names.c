/* SPDX-License-Identifier: MIT */
#include "recorder/names.h"

#include "base/error.h"
#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX ".mkv"
#define NUMBER_MAXIMUM 1000000

/* How many digits a conversion prints; 0: one or more. */
static const struct {
	char letter;
	int digits;
} conversions[] = {
	{'Y', 4}, {'m', 2}, {'d', 2}, {'H', 2}, {'M', 2}, {'S', 2}, {'y', 2}, {'j', 3}, {'s', 0}, {'i', 0}};

static int digits_of(char letter)
{
	for (size_t i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++)
		if (conversions[i].letter == letter)
			return conversions[i].digits;
	return -1;
}

static bool expand(const char *pattern, const struct tm *tm, unsigned number, char *out, size_t size)
{
	size_t used = 0;

	for (const char *at = pattern; *at; at++) {
		char part[32] = {*at, '\0'};
		if (*at == '%') {
			char conversion[3] = {'%', *++at, '\0'};
			if (*at == 'i')
				snprintf(part, sizeof(part), "%04u", number);
			else if (!strftime(part, sizeof(part), conversion, tm))
				return false;
		}
		size_t length = strlen(part);
		if (used + length >= size)
			return false;
		memcpy(out + used, part, length + 1);
		used += length;
	}
	return true;
}

int names_check(const char *pattern, struct error *e)
{
	const char *name = path_last(pattern);
	size_t length = strlen(name);
	struct tm year = {.tm_year = 130, .tm_mday = 1};
	char made[NAME_MAX - 30];

	if (length <= strlen(SUFFIX) || strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0)
		return error_set(e, -EINVAL,
			"\"%s\": recordings are Matroska files; their name must end in .mkv", pattern);
	if (memchr(pattern, '%', (size_t)(name - pattern)))
		return error_set(e, -EINVAL,
			"\"%s\": %% may stand in the file's name only, not in its folder's", pattern);
	for (const char *at = name; *at; at++) {
		if (*at != '%')
			continue;
		at++;
		if (*at != '%' && digits_of(*at) < 0)
			return error_set(e, -EINVAL,
				"\"%s\": %%%c is not known; %%Y %%m %%d %%H %%M %%S %%y %%j %%s are parts of "
				"the time, "
				"%%i is a number",
				pattern, *at);
	}
	/* Leave space for longer numbers, and for -2, -3 … */
	if (strlen(pattern) > PATH_MAX - 256 || !expand(name, &year, 1, made, sizeof(made)))
		return error_set(e, -EINVAL, "the name of the recording is too long");
	return 0;
}

void names_folder(const char *pattern, char *out, size_t size)
{
	size_t length = (size_t)(path_last(pattern) - pattern);

	if (!length)
		snprintf(out, size, ".");
	else
		snprintf(out, size, "%.*s", (int)(length > 1 ? length - 1 : 1), pattern);
}

void names_log(const char *path, const char *suffix, char *out, size_t size)
{
	snprintf(out, size, "%.*s%s", (int)(strlen(path) - strlen(SUFFIX)), path, suffix);
}

static bool taken(const char *path)
{
	static const char *const suffixes[] = {SUFFIX, ".jsonl", ".csv"};
	struct stat status;
	char other[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		names_log(path, suffixes[i], other, sizeof(other));
		if (!lstat(other, &status))
			return true;
	}
	return false;
}

int names_next(const char *pattern, time_t time, unsigned *number, char out[PATH_MAX])
{
	bool numbered = false, timed = false;
	char path[PATH_MAX];
	struct tm tm;

	for (const char *at = strchr(pattern, '%'); at; at = strchr(at + 2, '%')) {
		numbered |= at[1] == 'i';
		timed |= at[1] != 'i' && at[1] != '%';
	}
	localtime_r(&time, &tm);
	/* A number goes on from the last one; behind a time it begins at 1 again. */
	unsigned first = numbered || !timed ? *number : 1;
	for (unsigned i = first; i - first < NUMBER_MAXIMUM; i++) {
		if (!expand(pattern, &tm, i, path, sizeof(path) - 16))
			return -ENAMETOOLONG;
		memcpy(out, path, strlen(path) + 1);
		if (!numbered && i > 1)
			snprintf(out, PATH_MAX, "%.*s-%u" SUFFIX, (int)(strlen(path) - strlen(SUFFIX)), path,
				i);
		if (!taken(out)) {
			*number = i;
			return 0;
		}
	}
	return -EEXIST;
}

/* Places in a name where a part of the pattern can end. */
struct name_places {
	bool at[NAME_MAX + 2];
};

/* From each place over `digits` digits; 0: over one or more. */
static struct name_places over_digits(
	const struct name_places *from, const char *name, size_t length, int digits)
{
	struct name_places to = {{false}};

	for (size_t i = 0; i < length; i++) {
		if (!from->at[i])
			continue;
		for (size_t n = 1; i + n <= length && isdigit((unsigned char)name[i + n - 1]); n++)
			if (!digits || n == (size_t)digits)
				to.at[i + n] = true;
	}
	return to;
}

static struct name_places over_letter(
	const struct name_places *from, const char *name, size_t length, char letter)
{
	struct name_places to = {{false}};

	for (size_t i = 0; i < length; i++)
		to.at[i + 1] = from->at[i] && name[i] == letter;
	return to;
}

/* ".mkv", or "-2.mkv" and so on if the pattern has no number of its own. */
static bool is_end(const char *name, bool numbered)
{
	size_t digits = name[0] == '-' ? strspn(name + 1, "0123456789") : 0;

	if (!numbered && digits && name[1] != '0' && (digits > 1 || name[1] != '1'))
		name += 1 + digits;
	return strcmp(name, SUFFIX) == 0;
}

bool names_match(const char *pattern, const char *name)
{
	const char *at = path_last(pattern);
	const char *suffix = at + strlen(at) - strlen(SUFFIX);
	size_t length = strlen(name);
	struct name_places places = {{true}};
	bool numbered = false;

	if (length > NAME_MAX)
		return false;
	for (; at < suffix; at++) {
		if (*at == '%' && *++at != '%') {
			places = over_digits(&places, name, length, digits_of(*at));
			numbered |= *at == 'i';
		} else
			places = over_letter(&places, name, length, *at);
	}
	for (size_t i = 0; i <= length; i++)
		if (places.at[i] && is_end(name + i, numbered))
			return true;
	return false;
}
