/* SPDX-License-Identifier: MIT */
/* The program's own files, or libtwobit's: networks, fonts, a bitstream, modules. */
#ifndef BASE_INSTALLATION_H
#define BASE_INSTALLATION_H

#include <stddef.h>

/*
 * The path of a file or folder of the installed data (PREFIX/share/twobit), such as "networks", into `out` of
 * `size` bytes. It is looked for beside the program (or the library) first, so that an installation can be
 * moved, then where the build was to be installed. 0, -ENOENT or -ENAMETOOLONG.
 */
int installation_find(const char *name, char *out, size_t size);

/*
 * The folder of the modules (base/module.h), PREFIX/lib/twobit/modules; of the library `library` in it. It is
 * looked for beside the program only, as another installation's is another build's. In a folder of a build
 * the program has its modules in a folder beside it.
 */
int installation_modules(char *out, size_t size);

#endif
