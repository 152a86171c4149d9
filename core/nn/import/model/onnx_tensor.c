/* SPDX-License-Identifier: MIT */
/*
 * The numbers of a tensor: in raw_data (little-endian), in a repeated field of their type, or in a file
 * beside the model.
 */
#include "base/error.h"
#include "nn/import/model/onnx.h"
#include "nn/import/model/onnx_fields.h"
#include "nn/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIELD_RAW = 9, FIELD_EXTERNAL = 13, FIELD_LOCATION = 14 };

/* A type that we read. */
struct type {
	int64_t type;
	size_t width;	/* bytes of a number in raw_data and in external data */
	uint32_t field; /* where numbers lie else, */
	enum wire wire; /* and how */
	double (*number)(uint64_t bits);
};

static double number_float(uint64_t bits)
{
	float number;

	memcpy(&number, &(uint32_t){(uint32_t)bits}, sizeof(number));
	return (double)number;
}

static double number_double(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

static double number_half(uint64_t bits)
{
	int exponent = (int)(bits >> 10 & 31), digits = (int)(bits & 1023);
	double number = exponent ? ldexp(1024 + digits, exponent - 25) : ldexp(digits, -24);

	if (exponent == 31)
		number = digits ? NAN : INFINITY;
	return bits >> 15 & 1 ? -number : number;
}

static double number_uint8(uint64_t bits)
{
	return (uint8_t)bits;
}

static double number_int8(uint64_t bits)
{
	return (int8_t)(uint8_t)bits;
}

static double number_uint16(uint64_t bits)
{
	return (uint16_t)bits;
}

static double number_int16(uint64_t bits)
{
	return (int16_t)(uint16_t)bits;
}

static double number_int32(uint64_t bits)
{
	return (int32_t)(uint32_t)bits;
}

static double number_int64(uint64_t bits)
{
	return (double)(int64_t)bits;
}

static const struct type types[] = {
	{1, 4, 4, WIRE_32, number_float},
	{2, 1, 5, WIRE_VARINT, number_uint8},
	{3, 1, 5, WIRE_VARINT, number_int8},
	{4, 2, 5, WIRE_VARINT, number_uint16},
	{5, 2, 5, WIRE_VARINT, number_int16},
	{6, 4, 5, WIRE_VARINT, number_int32},
	{7, 8, 7, WIRE_VARINT, number_int64},
	{9, 1, 5, WIRE_VARINT, number_uint8},
	{10, 2, 5, WIRE_VARINT, number_half},
	{11, 8, 10, WIRE_64, number_double},
};

static const struct type *type_find(int64_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

static int count_get(const struct onnx_tensor *tensor, size_t *count, struct error *e)
{
	uint64_t product = 1;

	if (tensor->rank > ONNX_RANK)
		return error_set(e, -EBADMSG, "has %d dimensions, more than %d", tensor->rank, ONNX_RANK);
	for (int i = 0; i < tensor->rank; i++) {
		if (tensor->dims[i] < 0 || (uint64_t)tensor->dims[i] > WEIGHT_LIMIT)
			return error_set(e, -EBADMSG, "has a dimension of %lld", (long long)tensor->dims[i]);
		product *= (uint64_t)tensor->dims[i];
		if (product > WEIGHT_LIMIT)
			return error_set(e, -EOVERFLOW, "has more than %llu numbers",
				(unsigned long long)WEIGHT_LIMIT);
	}
	*count = (size_t)product;
	return 0;
}

/* Where a tensor's numbers are: raw or external data, else the repeated field. */
struct tensor_place {
	struct onnx_bytes raw;
	bool has_raw, external;
	struct onnx_bytes location, offset, length; /* texts */
};

static void entry_read(struct onnx_bytes entry, struct tensor_place *place)
{
	struct onnx_bytes key = {0}, value = {0};
	struct onnx_field field;

	while (onnx_field_next(&entry, &field) == 1)
		if (field.wire == WIRE_BYTES && field.number <= 2)
			*(field.number == 1 ? &key : &value) = field.bytes;
	if (onnx_text_is(key, "location"))
		place->location = value;
	else if (onnx_text_is(key, "offset"))
		place->offset = value;
	else if (onnx_text_is(key, "length"))
		place->length = value;
}

static struct tensor_place place_find(const struct onnx_tensor *tensor)
{
	struct onnx_bytes rest = tensor->message;
	struct tensor_place place = {0};
	struct onnx_field field;

	while (onnx_field_next(&rest, &field) == 1)
		if (field.number == FIELD_RAW && field.wire == WIRE_BYTES) {
			place.raw = field.bytes;
			place.has_raw = true;
		} else if (field.number == FIELD_EXTERNAL && field.wire == WIRE_BYTES) {
			entry_read(field.bytes, &place);
		} else if (field.number == FIELD_LOCATION && field.wire == WIRE_VARINT) {
			place.external = field.value == 1;
		}
	return place;
}

static int raw_convert(
	const struct type *type, struct onnx_bytes raw, double *values, size_t count, struct error *e)
{
	if (!raw.data || raw.size != count * type->width)
		return error_set(e, -EBADMSG, "has %zu bytes of data where its dimensions need %zu", raw.size,
			count * type->width);
	for (size_t i = 0; i < count; i++) {
		uint64_t bits = 0;

		for (size_t k = 0; k < type->width; k++)
			bits |= (uint64_t)raw.data[i * type->width + k] << 8 * k;
		values[i] = type->number(bits);
	}
	return 0;
}

/* The numbers of the repeated field, packed or single; *found counts them all, `values` takes up to `room`.
 */
static int field_convert(
	const struct type *type, const struct onnx_tensor *tensor, double *values, size_t room, size_t *found)
{
	struct onnx_bytes rest = tensor->message;
	struct onnx_field field;

	*found = 0;
	while (onnx_field_next(&rest, &field) == 1) {
		uint64_t bits = field.value;
		int got = field.wire == type->wire;

		if (field.number != type->field)
			continue;
		if (!got && field.wire != WIRE_BYTES)
			return -1;
		if (!got)
			got = onnx_number_next(&field.bytes, type->wire, &bits);
		for (; got == 1; got = onnx_number_next(&field.bytes, type->wire, &bits)) {
			if (*found < room)
				values[*found] = type->number(bits);
			++*found;
		}
		if (got < 0)
			return -1;
	}
	return 0;
}

/* A whole number in decimal, not above INT64_MAX; −1: it is none. */
static int64_t decimal(struct onnx_bytes text)
{
	int64_t number = 0;

	for (size_t i = 0; i < text.size; i++) {
		int digit = text.data[i] - '0';

		if (digit < 0 || digit > 9 || number > (INT64_MAX - digit) / 10)
			return -1;
		number = number * 10 + digit;
	}
	return number;
}

/* A name that stays in the folder. */
static bool location_safe(struct onnx_bytes name)
{
	return name.size > 0 && name.size <= 255 && name.data[0] != '.' &&
	       !memchr(name.data, '/', name.size) && !memchr(name.data, '\0', name.size);
}

static int file_convert(const char *path, const char *name, const struct type *type, int64_t offset,
	double *values, size_t count, struct error *e)
{
	size_t size = count * type->width, done = 0;
	struct stat status;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t *data = NULL;
	int rc = 0;

	if (file < 0)
		return error_set(
			e, -errno, "has its data in \"%s\" beside the model: %s", name, strerror(errno));
	if (fstat(file, &status) || !S_ISREG(status.st_mode) || status.st_size < 0 ||
		offset > status.st_size || size > (uint64_t)(status.st_size - offset))
		rc = error_set(e, -EBADMSG,
			"needs %zu bytes from byte %lld on of \"%s\", which has not as many", size,
			(long long)offset, name);
	else if (!(data = calloc(size + 1, 1)))
		rc = error_set(e, -ENOMEM, "does not fit into memory");
	while (rc == 0 && done < size) {
		ssize_t got = pread(file, data + done, size - done, offset + (off_t)done);

		if (got > 0)
			done += (size_t)got;
		else if (got == 0 || errno != EINTR)
			rc = error_set(e, -EIO, "has its data in \"%s\", which cannot be read", name);
	}
	close(file);
	if (rc == 0)
		rc = raw_convert(type, (struct onnx_bytes){data, size}, values, count, e);
	free(data);
	return rc;
}

/* Before memory is taken for values: their size is then that of a file that exists. */
static int external_check(const struct tensor_place *place, const char *path, size_t size, struct error *e)
{
	char name[ONNX_TEXT];
	struct stat status;

	onnx_text(place->location, name);
	if (stat(path, &status))
		return error_set(
			e, -errno, "has its data in \"%s\" beside the model: %s", name, strerror(errno));
	if (decimal(place->offset) < 0 || decimal(place->length) < 0 ||
		(place->length.size && (uint64_t)decimal(place->length) != size))
		return error_set(e, -EBADMSG, "needs %zu bytes of \"%s\", but the model states another size",
			size, name);
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < size)
		return error_set(e, -EBADMSG, "needs %zu bytes of \"%s\", which has not as many", size, name);
	return 0;
}

static int external_read(const struct onnx *model, const struct tensor_place *place, const struct type *type,
	double **values, size_t count, struct error *e)
{
	char name[ONNX_TEXT], *path = NULL;
	int rc;

	if (!location_safe(place->location))
		return error_set(e, -EBADMSG,
			"has its data in the file \"%s\"; only a file beside the model is read",
			onnx_text(place->location, name));
	if (asprintf(&path, "%s%.*s", model->folder, (int)place->location.size,
		    (const char *)place->location.data) < 0)
		return error_set(e, -ENOMEM, "does not fit into memory");
	rc = external_check(place, path, count * type->width, e);
	if (rc == 0 && !(*values = malloc((count + 1) * sizeof(**values))))
		rc = error_set(e, -ENOMEM, "does not fit into memory");
	if (rc == 0)
		rc = file_convert(path, onnx_text(place->location, name), type, decimal(place->offset),
			*values, count, e);
	free(path);
	return rc;
}

static int inner_read(const struct tensor_place *place, const struct onnx_tensor *tensor,
	const struct type *type, double **values, size_t count, struct error *e)
{
	size_t found = count;

	if (!place->has_raw && field_convert(type, tensor, NULL, 0, &found) < 0)
		return error_set(e, -EBADMSG, "has damaged data");
	if (found != count)
		return error_set(e, -EBADMSG, "has %zu numbers where its dimensions need %zu", found, count);
	if (place->has_raw && place->raw.size / type->width < count)
		return error_set(
			e, -EBADMSG, "has %zu bytes of data, too few for its dimensions", place->raw.size);
	*values = malloc((count + 1) * sizeof(**values));
	if (!*values)
		return error_set(e, -ENOMEM, "does not fit into memory");
	if (place->has_raw)
		return raw_convert(type, place->raw, *values, count, e);
	field_convert(type, tensor, *values, count, &found);
	return 0;
}

int onnx_tensor_read(const struct onnx *model, const struct onnx_tensor *tensor, double **values,
	size_t *count, struct error *e)
{
	const struct type *type = type_find(tensor->type);
	struct tensor_place place = place_find(tensor);

	*values = NULL;
	if (!type)
		return error_set(e, -EBADMSG,
			"has the data type %lld, which is not read; floats, integers and booleans are",
			(long long)tensor->type);
	int rc = count_get(tensor, count, e);
	if (rc == 0)
		rc = place.external ? external_read(model, &place, type, values, *count, e)
				    : inner_read(&place, tensor, type, values, *count, e);
	if (rc < 0) {
		free(*values);
		*values = NULL;
	}
	return rc;
}
