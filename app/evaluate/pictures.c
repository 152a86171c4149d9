/* SPDX-License-Identifier: MIT */
#include "evaluate/pictures.h"

#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"

#include <errno.h>
#include <sysexits.h>

/* Number of unreadable pictures that are reported one by one. */
#define REPORTED_MAXIMUM 10

static void report(struct pictures *p, const struct error *e)
{
	int reported = atomic_fetch_add(&p->reported, 1);

	if (reported > REPORTED_MAXIMUM)
		return;
	if (reported < REPORTED_MAXIMUM)
		log_error("%s", e->text);
	else
		log_error("more pictures cannot be read; they are counted only");
}

bool pictures_read(struct pictures *p, int index, struct picture *out)
{
	struct error e;
	int status = dataset_read(p->dataset, index, out, &e);

	if (!status)
		return true;
	report(p, &e);
	if (error_is_of_machine(status))
		atomic_compare_exchange_strong(&p->failure, &(int){0}, status);
	bool broken =
		failure_exit_code(FAILURE_SOURCE, status) == failure_exit_code(FAILURE_SOURCE, -EBADMSG);
	atomic_fetch_add(broken ? &p->broken : &p->missing, 1);
	return false;
}

void pictures_refuse(struct pictures *p, int index, const char *why)
{
	const char *name = dataset_name(p->dataset, index);
	struct error e;

	if (name)
		error_set(&e, -EBADMSG, "%s: %s", name, why);
	else
		error_set(&e, -EBADMSG, "picture %d: %s", index, why);
	report(p, &e);
	atomic_fetch_add(&p->broken, 1);
}

int pictures_exit_code(int failure, int missing, int broken)
{
	if (failure)
		return failure_exit_code(FAILURE_SOURCE, failure);
	return missing + broken ? failure_exit_code(FAILURE_SOURCE, broken ? -EBADMSG : -ENOENT) : EX_OK;
}
