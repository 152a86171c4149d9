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
#include <sysexits.h>

int failure_exit_code(enum failure where, int code)
{
	if (code == -ENOMEM)
		return EX_OSERR;
	switch (where) {
	case FAILURE_SOURCE:
		return code == -EBADMSG || code == -EOVERFLOW ? EX_DATAERR : EX_NOINPUT;
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
