/* SPDX-License-Identifier: MIT */
#include "teach/target.h"

#include "base/error.h"
#include "base/output_folder.h"
#include "base/path.h"
#include "cli/networks.h"
#include "nn/network_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void strip_slashes(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
}

/* The folder's own name becomes the network's. */
static int check_name(const char *folder, struct error *e)
{
	const char *name = path_last(folder);
	const char *fault = label_fault(name, strlen(name));

	if (!fault && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
		fault = "is no name";
	return fault ? error_set(e, -EINVAL, "\"%s\" cannot be the name of a network: it %s", name, fault)
		     : 0;
}

/* What was taught is replaced where it is, not the link to it. */
static int follow_link(char folder[PATH_MAX], struct error *e)
{
	char *real = realpath(folder, NULL);
	int code = errno;

	if (!real)
		return error_set(e, -code, "%s: cannot be found: %s", folder, strerror(code));
	snprintf(folder, PATH_MAX, "%s", real);
	free(real);
	return 0;
}

int target_find(const char *name, bool add, char folder[PATH_MAX], struct error *e)
{
	int rc = networks_user_folder(name, folder, e);

	if (rc)
		return rc;
	strip_slashes(folder);
	bool there = access(folder, F_OK) == 0;
	if (there && !add)
		return error_set(e, -EEXIST,
			"%s exists already; go on with it by --add, or choose another name", folder);
	if (!there && add)
		return error_set(e, -ENOENT, "%s does not exist yet; leave out --add", folder);
	if (add && (rc = follow_link(folder, e)))
		return rc;
	rc = check_name(folder, e);
	return rc ? rc : output_folder_check(folder, add, e);
}
