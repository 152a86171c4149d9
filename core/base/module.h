/* SPDX-License-Identifier: MIT */
/*
 * Parts that need large libraries are shared objects of their own. Each is loaded when it is first needed,
 * and stays, so that a command waits for no library that it does not use. What they need of the folders they
 * find in the program; libtwobit's have it in themselves, as it exports none of that. A sandbox must leave
 * their folder, installation_modules(), and the system's libraries open to read.
 */
#ifndef BASE_MODULE_H
#define BASE_MODULE_H

struct error;

/* An object of such a part, such as a driver's table of functions. */
struct module_part {
	const char *module; /* the file's name without ".so" */
	const char *symbol;
	/* Its address where the linker has put it into the program itself, as into tests: a weak symbol, NULL
	 * where it has not. */
	const void *linked;
};

/* Sets *out to the part. Any thread. -ENOMEM, -EMFILE, -ENFILE: the machine is short of that; -ENOENT: the
 * module is missing, a library of it, or it is another version's; *e says which. */
int module_load(const struct module_part *part, const void **out, struct error *e);

#endif
