/* SPDX-License-Identifier: MIT */
#include "nn/format/json_fields.h"

#include "base/error.h"
#include "nn/network_names.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int field_bad(struct error *e, const char *field, const char *what)
{
	error_set(e, -EBADMSG, "field \"%s\": %s", field, what);
	return -EBADMSG;
}

int field_signed(const json_t *value, const char *field, int *out, struct error *e)
{
	if (!json_is_integer(value))
		return field_bad(e, field, "is not a whole number");
	json_int_t number = json_integer_value(value);
	if (number < INT32_MIN || number > INT32_MAX)
		return error_set(
			e, -EOVERFLOW, "field \"%s\": %lld is out of range", field, (long long)number);
	*out = (int)number;
	return 0;
}

int field_int(const json_t *value, const char *field, int *out, struct error *e)
{
	int number = 0;
	int rc = field_signed(value, field, &number, e);

	if (!rc && number < 0)
		return error_set(e, -EOVERFLOW, "field \"%s\": %d is out of range", field, number);
	if (!rc)
		*out = number;
	return rc;
}

int optional_int(const json_t *entry, const char *field, int *out, struct error *e)
{
	const json_t *value = json_object_get(entry, field);
	return value ? field_int(value, field, out, e) : 0;
}

int required_int(const json_t *entry, const char *field, int *out, struct error *e)
{
	if (!json_object_get(entry, field))
		return field_bad(e, field, "is missing");
	return optional_int(entry, field, out, e);
}

int optional_ints(const json_t *entry, const char *field, int count, int *out, struct error *e)
{
	const json_t *value = json_object_get(entry, field);
	int rc = 0;

	if (!value)
		return 0;
	if (json_is_array(value) && json_array_size(value) != (size_t)count)
		return error_set(e, -EBADMSG, "field \"%s\": has %zu numbers, %d expected", field,
			json_array_size(value), count);
	for (int i = 0; i < count && !rc; i++)
		rc = field_int(
			json_is_array(value) ? json_array_get(value, (size_t)i) : value, field, &out[i], e);
	return rc;
}

int optional_string(const json_t *entry, const char *field, const char **out, struct error *e)
{
	const json_t *value = json_object_get(entry, field);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return field_bad(e, field, "is not a text");
	*out = json_string_value(value);
	return 0;
}

int optional_file(const json_t *entry, const char *field, const char **out, struct error *e)
{
	int rc = optional_string(entry, field, out, e);

	if (rc || !*out)
		return rc;
	if (strchr(*out, '/') || strstr(*out, "..") || (*out)[0] == '.')
		return field_bad(
			e, field, "must name a file in the network's own folder, without \"/\" or \"..\"");
	const char *fault = label_fault(*out, strlen(*out));
	return fault ? field_bad(e, field, fault) : 0;
}
