/* SPDX-License-Identifier: MIT */
/* How a command ends: exit codes for errors, and a standard output that is known to be written. */
#include "output.h"

#include "base/error.h"
#include "base/log.h"
#include "command.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

int failure_exit_code(enum failure where, int code)
{
	if (code == -ENOMEM)
		return EX_OSERR;
	switch (where) {
	case FAILURE_SOURCE:
		return code == -EBADMSG || code == -EOVERFLOW || code == -EFBIG ? EX_DATAERR : EX_NOINPUT;
	case FAILURE_NETWORK:
		return EX_CONFIG;
	case FAILURE_KERNELS:
		return EX_UNAVAILABLE;
	case FAILURE_DISPLAY:
	case FAILURE_PL:
		return code == -EINVAL ? EX_USAGE : EX_UNAVAILABLE;
	case FAILURE_CREATE:
		return code == -ENOSPC || code == -EDQUOT || code == -EFBIG || code == -EIO ? EX_IOERR
											    : EX_CANTCREAT;
	case FAILURE_OUTPUT:
		return EX_IOERR;
	case FAILURE_OURS:
		break;
	}
	return EX_SOFTWARE;
}

int fail(enum failure where, const struct error *e)
{
	log_error("%s", e->text[0] ? e->text : strerror(-e->code));
	return failure_exit_code(where, e->code);
}

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
	/* What fails here is told by output_finish: stdout's error flag stays set. */
	if (object)
		json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
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

int output_file_open(struct output_file *out, const char *path, struct error *e)
{
	struct stat status;
	bool direct = stat(path, &status) == 0 && !S_ISREG(status.st_mode);

	*out = (struct output_file){0};
	if (snprintf(out->path, sizeof(out->path), "%s", path) >= PATH_MAX ||
		snprintf(out->temporary, sizeof(out->temporary), "%s.%ld.tmp", path, (long)getpid()) >=
			PATH_MAX)
		return error_set(e, -ENAMETOOLONG, "cannot write %.200s…: its name is too long", path);
	if (direct)
		out->temporary[0] = '\0';
	out->file = fopen(direct ? path : out->temporary, "wbe");
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
