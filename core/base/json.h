/* SPDX-License-Identifier: MIT */
/* JSON that others wrote. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

/*
 * The document in a text's bytes, for the caller to json_decref; *out is NULL after an error. -EBADMSG: it is
 * no JSON, or an object has a key twice, and *fault says where and why. -ENOMEM: memory was missing, which
 * jansson alone does not tell from a fault of the text.
 */
int json_from_text(const char *text, size_t length, json_t **out, json_error_t *fault);

#endif
