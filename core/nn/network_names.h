/* SPDX-License-Identifier: MIT */
/* What the names of a network's layers and the labels of its classes may be. */
#ifndef NN_NETWORK_NAMES_H
#define NN_NETWORK_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* A layer's name becomes part of file names: letters, digits, '_', '-' and '.', the first one not '.'. */
bool name_valid(const char *name);

/*
 * NULL when `length` bytes are a label: 1 … 255 bytes of UTF-8 without control characters or outer spaces.
 * Else what is wrong, as the end of a message.
 */
const char *label_fault(const char *text, size_t length);

#endif
