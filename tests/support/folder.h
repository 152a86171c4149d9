/* SPDX-License-Identifier: MIT */
/* Temporary folders, and files in them. */
#ifndef TEST_SUPPORT_FOLDER_H
#define TEST_SUPPORT_FOLDER_H

/* Makes an empty folder. Returns its path, for folder_destroy. */
char *folder_create(void);

/* Removes a folder, if it exists, with everything in it. */
void folder_clear(const char *path);

/* Removes it likewise, and frees the path. */
void folder_destroy(char *path);

/* Writes a text file below root, and makes the folders above it; path begins with a slash. */
void folder_put(const char *root, const char *path, const char *text);

#endif
