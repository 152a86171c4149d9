/* SPDX-License-Identifier: MIT */
/* Parts of file names. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

/* What stands behind the last slash; "" where the path ends in one. */
const char *path_last(const char *path);

#endif
