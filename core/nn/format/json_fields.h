/* SPDX-License-Identifier: MIT */
/* Typed fields of a JSON object. Each error begins with the field; a missing field leaves *out alone. */
#ifndef NN_FORMAT_JSON_FIELDS_H
#define NN_FORMAT_JSON_FIELDS_H

#include <jansson.h>

struct error;

/* -EBADMSG and the message: field "FIELD": WHAT. */
int field_bad(struct error *e, const char *field, const char *what);

/* Whole numbers of 0 … INT32_MAX; field_signed: of an int32_t. */
int field_int(const json_t *value, const char *field, int *out, struct error *e);
int field_signed(const json_t *value, const char *field, int *out, struct error *e);
int optional_int(const json_t *entry, const char *field, int *out, struct error *e);
int required_int(const json_t *entry, const char *field, int *out, struct error *e);

/* A number, which fills all of out, or a list of `count` numbers. */
int optional_ints(const json_t *entry, const char *field, int count, int *out, struct error *e);

int optional_string(const json_t *entry, const char *field, const char **out, struct error *e);

/* The name of a file in the folder itself. */
int optional_file(const json_t *entry, const char *field, const char **out, struct error *e);

#endif
