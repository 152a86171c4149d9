/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

void invocation_finish(struct invocation *invocation)
{
	configuration_finish(&invocation->configuration);
}

int failure_exit_code(enum failure where, int code)
{
	if (error_is_of_machine(code) && code != -EIO)
		return EX_OSERR;
	if (code == -EIO && (where == FAILURE_SOURCE || where == FAILURE_NETWORK || where == FAILURE_OURS))
		return EX_IOERR;
	if (code == -ENOSYS)
		return EX_UNAVAILABLE;
	switch (where) {
	case FAILURE_SOURCE:
		return code == -EBADMSG || code == -ENOMSG || code == -EOVERFLOW || code == -EFBIG
			       ? EX_DATAERR
			       : EX_NOINPUT;
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
