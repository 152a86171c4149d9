/* SPDX-License-Identifier: MIT */
#include "base/module.h"

#include "base/build.h"
#include "base/error.h"
#include "base/installation.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ADVICE "install twobit again, with the libraries that it needs"

/* The linker's reason: "libheif.so.1: cannot open shared object file: …". */
static int refuse(const char *module, int cause, struct error *e)
{
	const char *reason = dlerror();

	/* The linker does not say so each time, but errno does. */
	if (cause == -ENOMEM || cause == -EMFILE || cause == -ENFILE)
		return error_set(e, cause, "the module %s.so cannot be loaded: %s", module, strerror(-cause));
	return error_set(e, -ENOENT, "the module %s.so cannot be loaded: %s; " ADVICE, module,
		reason ? reason : "no reason is given");
}

int module_load(const struct module_part *part, const void **out, struct error *e)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX];

	*out = part->linked;
	if (part->linked)
		return 0;
	if (installation_modules(folder, sizeof(folder)) < 0)
		return error_set(e, -ENOENT,
			"the module %s.so is missing: there is no folder of modules; " ADVICE, part->module);
	snprintf(path, sizeof(path), "%s/%s.so", folder, part->module);
	errno = 0;
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!module)
		return refuse(part->module, -errno, e);
	const char *version = dlsym(module, "module_version");
	if (!version || strcmp(version, TWOBIT_VERSION) != 0)
		return error_set(e, -ENOENT, "%s is of version %s, and what loads it of %s; " ADVICE, path,
			version ? version : "unknown", TWOBIT_VERSION);
	*out = dlsym(module, part->symbol);
	return *out ? 0 : refuse(part->module, -ENOENT, e);
}
