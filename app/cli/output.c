/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include "base/error.h"
#include "base/log.h"
#include "cli/options.h"
#include "recorder/names.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Number of names to try for a temporary file. */
#define TEMPORARIES 100

int output_finish(int code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	log_error("cannot write to standard output: %s", errno ? strerror(errno) : "an earlier write failed");
	return EX_IOERR;
}

void output_json(json_t *object)
{
	/* output_finish reports a write error: stdout's error flag stays set. */
	if (object)
		json_dumpf(object, stdout, OUTPUT_JSON_FLAGS);
	else
		log_error("out of memory while printing JSON");
	putchar('\n');
	json_decref(object);
}

json_t *output_text(const char *text)
{
	json_t *string = json_string(text);
	char ascii[4096];
	size_t length = strnlen(text, sizeof(ascii) - 1);

	if (string)
		return string;
	for (size_t i = 0; i < length; i++)
		ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
	return json_stringn(ascii, length);
}

json_t *output_share(double share)
{
	return json_real(round(share * 1e6) / 1e6);
}

/* Pipes, /dev/null and folders cannot be replaced by a file. */
static bool is_special(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* Creates a new file beside the path. A killed program may have left a file of the same name. */
static FILE *temporary_open(struct output_file *out)
{
	for (int i = 1;; i++) {
		if (snprintf(out->temporary, sizeof(out->temporary), "%s.%ld-%d.tmp", out->path,
			    (long)getpid(), i) >= PATH_MAX) {
			errno = ENAMETOOLONG;
			return NULL;
		}
		FILE *file = fopen(out->temporary, "wbxe");
		if (file || errno != EEXIST || i == TEMPORARIES)
			return file;
	}
}

int output_file_open(struct output_file *out, const char *path, struct error *e)
{
	*out = (struct output_file){0};
	/* For a link, the file behind it is replaced, and the link stays. */
	if (!realpath(path, out->path) && snprintf(out->path, sizeof(out->path), "%s", path) >= PATH_MAX)
		return error_set(e, -ENAMETOOLONG, "cannot write %.200s…: its name is too long", path);
	out->file = is_special(path) ? fopen(path, "wbe") : temporary_open(out);
	if (!out->file)
		return error_set(e, -errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

int output_file_close(struct output_file *out, int status, struct error *e)
{
	if (fclose(out->file) != 0 && !status)
		status = -errno;
	out->file = NULL;
	if (!status && out->temporary[0] && rename(out->temporary, out->path) != 0)
		status = -errno;
	if (!status)
		return 0;
	if (out->temporary[0])
		unlink(out->temporary);
	return error_set(e, status, "cannot write %s: %s", out->path, strerror(-status));
}

void output_file_drop(struct output_file *out)
{
	if (!out->file)
		return;
	fclose(out->file);
	out->file = NULL;
	if (out->temporary[0])
		unlink(out->temporary);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
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
	const char *x = last_part(a->path), *y = last_part(b->path);
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
				same_file(&names[i], &names[j]))
				return usage_error(invocation,
					names[j].read ? "%s would overwrite what %s reads, \"%s\""
						      : "%s and %s would both write \"%s\"",
					names[i].option, names[j].option, names[j].path);
	return EX_OK;
}
