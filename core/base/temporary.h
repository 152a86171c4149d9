/* SPDX-License-Identifier: MIT */
/*
 * Temporary names of what is written, beside the name that it is to have: .twobit-PID-N.tmp. Whoever writes
 * holds a lock on it, so what is not locked was left by a program that was killed.
 */
#ifndef BASE_TEMPORARY_H
#define BASE_TEMPORARY_H

#define TEMPORARY_NAME 48

/* folder: an open one. Each returns a locked descriptor and sets the name, or returns a negative errno value.
 */
int temporary_file(int folder, char name[TEMPORARY_NAME]);
int temporary_folder(int folder, char name[TEMPORARY_NAME]);

/* Gives a file without a name (O_TMPFILE) a temporary one. Returns 0 or a negative errno value. */
int temporary_link(int folder, int fd, char name[TEMPORARY_NAME]);

/* The name of an open file in /proc. */
void descriptor_path(int fd, char path[TEMPORARY_NAME]);

/* Removes a file, or a folder with the files in it. */
void temporary_remove(int folder, const char *name);

/* Removes what this user's programs left in the folder when they were killed. */
void temporary_clean(int folder);

#endif
