/* SPDX-License-Identifier: MIT */
#include "support/json_schema.h"

#include <stdio.h>
#include <string.h>

static bool schema_is(const char *type, const json_t *value)
{
	return (strcmp(type, "object") == 0 && json_is_object(value)) ||
	       (strcmp(type, "array") == 0 && json_is_array(value)) ||
	       (strcmp(type, "string") == 0 && json_is_string(value)) ||
	       (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
	       (strcmp(type, "number") == 0 && json_is_number(value)) ||
	       (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
	       (strcmp(type, "null") == 0 && json_is_null(value));
}

static bool schema_type(const json_t *types, const json_t *value)
{
	size_t i;
	const json_t *type;

	if (json_is_string(types))
		return schema_is(json_string_value(types), value);
	json_array_foreach(types, i, type)
	{
		if (schema_is(json_string_value(type), value))
			return true;
	}
	return false;
}

static bool schema_any_equal(const json_t *list, const json_t *value)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item)
	{
		if (json_equal(item, value))
			return true;
	}
	return false;
}

static int schema_count_allowing(const json_t *root, const json_t *list, const json_t *value)
{
	size_t i;
	const json_t *item;
	int count = 0;

	json_array_foreach(list, i, item) count += schema_allows(root, item, value);
	return count;
}

static const json_t *schema_target(const json_t *root, const char *reference)
{
	const char *defs = "#/$defs/";

	if (strncmp(reference, defs, strlen(defs)) != 0)
		return NULL;
	return json_object_get(json_object_get(root, "$defs"), reference + strlen(defs));
}

static bool schema_all_items(const json_t *root, const json_t *schema, const json_t *value)
{
	size_t i;
	const json_t *item;

	json_array_foreach(value, i, item)
	{
		if (!schema_allows(root, schema, item))
			return false;
	}
	return true;
}

static bool schema_members(const json_t *root, const json_t *schema, const json_t *value)
{
	const json_t *properties = json_object_get(schema, "properties"), *item;
	const char *name;
	size_t i;

	if (!json_is_object(value))
		return true;
	json_array_foreach(json_object_get(schema, "required"), i, item)
	{
		if (!json_object_get(value, json_string_value(item)))
			return false;
	}
	json_object_foreach((json_t *)value, name, item)
	{
		const json_t *known = json_object_get(properties, name);
		if (known ? !schema_allows(root, known, item)
			  : json_is_false(json_object_get(schema, "additionalProperties")))
			return false;
	}
	return true;
}

static bool schema_keyword(const json_t *root, const char *keyword, const json_t *rule, const json_t *value)
{
	double number = json_number_value(rule);

	if (strcmp(keyword, "type") == 0)
		return schema_type(rule, value);
	if (strcmp(keyword, "const") == 0)
		return json_equal(rule, value);
	if (strcmp(keyword, "enum") == 0)
		return schema_any_equal(rule, value);
	if (strcmp(keyword, "minimum") == 0)
		return !json_is_number(value) || json_number_value(value) >= number;
	if (strcmp(keyword, "maximum") == 0)
		return !json_is_number(value) || json_number_value(value) <= number;
	if (strcmp(keyword, "minLength") == 0)
		return !json_is_string(value) || (double)json_string_length(value) >= number;
	if (strcmp(keyword, "maxLength") == 0)
		return !json_is_string(value) || (double)json_string_length(value) <= number;
	if (strcmp(keyword, "minItems") == 0)
		return !json_is_array(value) || (double)json_array_size(value) >= number;
	if (strcmp(keyword, "maxItems") == 0)
		return !json_is_array(value) || (double)json_array_size(value) <= number;
	if (strcmp(keyword, "items") == 0)
		return schema_all_items(root, rule, value);
	if (strcmp(keyword, "oneOf") == 0)
		return schema_count_allowing(root, rule, value) == 1;
	if (strcmp(keyword, "$ref") == 0)
		return schema_allows(root, schema_target(root, json_string_value(rule)), value);
	static const char *const elsewhere[] = {
		"properties", "required", "additionalProperties", "$schema", "$defs", "title"};
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strcmp(keyword, elsewhere[i]) == 0)
			return true;
	fprintf(stderr, "the schema's keyword \"%s\" is not known here\n", keyword);
	return false;
}

bool schema_allows(const json_t *root, const json_t *schema, const json_t *value)
{
	const char *keyword;
	json_t *rule;

	if (!json_is_object(schema))
		return false;
	json_object_foreach((json_t *)schema, keyword, rule)
	{
		if (!schema_keyword(root, keyword, rule, value))
			return false;
	}
	return schema_members(root, schema, value);
}
