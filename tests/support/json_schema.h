/* SPDX-License-Identifier: MIT */
/*
 * Checks JSON against a schema, as far as docs/label-log.schema.json goes: type, const, enum, minimum,
 * maximum, minLength, maxLength, minItems, maxItems, items, properties, required, additionalProperties:
 * false, oneOf, $ref within the file. Any other keyword in a schema fails, so that none is passed over.
 */
#ifndef TEST_SUPPORT_JSON_SCHEMA_H
#define TEST_SUPPORT_JSON_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* root: the whole schema, which $ref searches; schema: it or a part of it. */
bool schema_allows(const json_t *root, const json_t *schema, const json_t *value);

#endif
