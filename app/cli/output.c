/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include "base/error.h"
#include "base/log.h"
#include "base/path.h"
#include "base/printable.h"
#include "cli/options.h"
#include "recorder/names.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

/* Whether a part of some JSON could not be made. */
static bool incomplete;

int output_finish(int code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return incomplete ? EX_OSERR : code;
	log_error("cannot write to standard output: %s", errno ? strerror(errno) : "an earlier write failed");
	return EX_IOERR;
}

static void note_failure(bool failed)
{
	if (failed && !incomplete)
		log_error("out of memory for JSON");
	incomplete = incomplete || failed;
}

json_t *output_pack(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_t *value = json_vpack_ex(NULL, 0, format, arguments);
	va_end(arguments);
	note_failure(!value);
	return value;
}

void output_set(json_t *object, const char *key, json_t *value)
{
	note_failure(json_object_set_new(object, key, value) != 0);
}

void output_append(json_t *array, json_t *value)
{
	note_failure(json_array_append_new(array, value) != 0);
}

void output_merge(json_t *object, json_t *other)
{
	note_failure(json_object_update_new(object, other) != 0);
}

/* JSON may hold DEL and the control characters beyond ASCII as they are; a terminal should not get them. */
static void print_escaped(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const unsigned char *c = (const unsigned char *)text + i;
		if (c[0] == 0x7f) {
			fputs("\\u007F", stdout);
		} else if (c[0] == 0xc2 && i + 1 < size && c[1] < 0xa0) {
			printf("\\u%04X", c[1]);
			i++;
		} else {
			putchar(text[i]);
		}
	}
}

/* The text of the object, for the caller to free; NULL: out of memory. json_dumps could leave letters out
 * then. */
static char *dump(const json_t *object, size_t *size)
{
	*size = object ? json_dumpb(object, NULL, 0, OUTPUT_JSON_FLAGS) : 0;
	char *text = *size ? malloc(*size) : NULL;

	if (text && json_dumpb(object, text, *size, OUTPUT_JSON_FLAGS) != *size) {
		free(text);
		return NULL;
	}
	return text;
}

void output_json(json_t *object)
{
	size_t size = 0;
	char *text = incomplete ? NULL : dump(object, &size);

	note_failure(!text);
	/* output_finish reports a write error: stdout's error flag stays set. */
	if (text) {
		print_escaped(text, size);
		putchar('\n');
	}
	free(text);
	json_decref(object);
}

static bool is_utf8(const char *text)
{
	size_t size = 0;

	for (; *text && (size = utf8_length(text)); text += size)
		;
	return !*text;
}

json_t *output_text(const char *text)
{
	return json_string(is_utf8(text) ? text : PRINTABLE(text));
}

json_t *output_share(double share)
{
	return isfinite(share) ? json_real(round(share * 1e6) / 1e6) : json_null();
}

/* Pipes, /dev/null and folders cannot be replaced by a file. */
static bool is_special(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* Whether a file name (without folder) fits the pattern of recordings, or is the log of one that does. */
static bool is_recorded(const char *pattern, const char *name)
{
	static const char *const suffixes[] = {".mkv", ".jsonl", ".csv"};
	const char *dot = strrchr(name, '.');
	char video[NAME_MAX + 8];

	for (size_t i = 0; dot && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(dot, suffixes[i]) != 0)
			continue;
		int length = snprintf(video, sizeof(video), "%.*s.mkv", (int)(dot - name), name);
		return length < (int)sizeof(video) && names_match(pattern, video);
	}
	return false;
}

static bool same_file(const struct output_name *a, const struct output_name *b)
{
	const char *x = path_last(a->path), *y = path_last(b->path);
	char folder_a[PATH_MAX], folder_b[PATH_MAX];
	struct stat in_a, in_b;

	names_folder(a->path, folder_a, sizeof(folder_a));
	names_folder(b->path, folder_b, sizeof(folder_b));
	if (is_special(a->path) || is_special(b->path) || stat(folder_a, &in_a) || stat(folder_b, &in_b) ||
		in_a.st_dev != in_b.st_dev || in_a.st_ino != in_b.st_ino)
		return false;
	return a->recordings   ? is_recorded(a->path, y)
	       : b->recordings ? is_recorded(b->path, x)
			       : strcmp(x, y) == 0;
}

int output_names_check(const struct invocation *invocation, const struct output_name *names, int count)
{
	for (int i = 0; i < count; i++)
		for (int j = i + 1; j < count; j++)
			if (names[i].path && names[j].path && !names[i].read &&
				!(names[i].recordings && names[j].read) && same_file(&names[i], &names[j]))
				return usage_error(invocation,
					names[j].read ? "%s would overwrite what %s reads, \"%s\""
						      : "%s and %s would both write \"%s\"",
					names[i].option, names[j].option, names[j].path);
	return EX_OK;
}
