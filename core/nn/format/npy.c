/* SPDX-License-Identifier: MIT */
#include "nn/format/npy.h"

#include "base/error.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The header's text, a Python dictionary: {'descr': '<i4', 'fortran_order': False, 'shape': (3, 4), } */
struct npy_text {
	const char *at, *end;
};

static void skip_spaces(struct npy_text *text)
{
	while (text->at < text->end && *text->at && strchr(" \t\r\n\f", *text->at))
		text->at++;
}

static bool take(struct npy_text *text, const char *word)
{
	size_t length = strlen(word);

	skip_spaces(text);
	if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0)
		return false;
	text->at += length;
	return true;
}

/* A quoted word without escapes, of at most size − 1 bytes; Python 2 wrote some as u'descr'. */
static bool take_string(struct npy_text *text, char *out, size_t size)
{
	if (!take(text, "u"))
		take(text, "U");
	if (text->at == text->end || (*text->at != '\'' && *text->at != '"'))
		return false;
	char quote = *text->at++;
	const char *end = memchr(text->at, quote, (size_t)(text->end - text->at));
	size_t length = end ? (size_t)(end - text->at) : size;
	if (length >= size || memchr(text->at, '\\', length) || memchr(text->at, '\0', length))
		return false;
	memcpy(out, text->at, length);
	out[length] = '\0';
	text->at = end + 1;
	return true;
}

static bool take_number(struct npy_text *text, uint64_t *out)
{
	const char *begin = NULL;

	skip_spaces(text);
	begin = text->at;
	*out = 0;
	for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++)
		if (__builtin_mul_overflow(*out, 10, out) ||
			__builtin_add_overflow(*out, (uint64_t)(*text->at - '0'), out))
			return false;
	bool some = text->at > begin;
	if (some && text->at < text->end && *text->at == 'L') /* a long number of Python 2 */
		text->at++;
	return some;
}

static int not_plain(struct error *e)
{
	return error_set(e, -EBADMSG,
		"has a header that is not a plain one of \"descr\", \"fortran_order\" and \"shape\"; write "
		"it with "
		"numpy.save");
}

static int take_type(struct npy_text *text, struct npy *npy, struct error *e)
{
	char word[16], type[17];

	if (take(text, "["))
		return error_set(
			e, -EBADMSG, "holds records, not numbers; save each field as an array of its own");
	if (!take_string(text, word, sizeof(word)))
		return not_plain(e);
	/* NumPy takes a word without the order of bytes, or with "=", for this machine's. */
	bool ordered = word[0] && strchr("<>|", word[0]);
	snprintf(type, sizeof(type), "%s%s", ordered ? "" : "<", word[0] == '=' ? word + 1 : word);
	if (strchr(type, 'O'))
		return error_set(e, -EBADMSG,
			"is pickled (type \"%s\"), which we do not read; save it as an array of plain "
			"numbers, with "
			"allow_pickle=False",
			type);
	size_t digits = type[0] && type[1] ? strspn(type + 2, "0123456789") : 0;
	if (!strchr("<>|", type[0]) || !strchr("biufc", type[1]) || digits < 1 || digits > 2 ||
		type[2 + digits])
		return error_set(e, -EBADMSG, "is of type \"%s\", which is no plain number", type);
	if (type[0] == '>' && strcmp(type + 2, "1") != 0)
		return error_set(e, -EBADMSG,
			"is big-endian (type \"%s\"); convert it with astype(\"<%s\") before saving", type,
			type + 1);
	memcpy(npy->type, type + 1, digits + 2);
	return 0;
}

static int take_order(struct npy_text *text, bool *fortran, struct error *e)
{
	*fortran = take(text, "True");
	return *fortran || take(text, "False") ? 0 : not_plain(e);
}

/* The order means nothing where one dimension has all the numbers. */
static int check_order(const struct npy *npy, bool fortran, struct error *e)
{
	int longer = 0;

	for (int i = 0; i < npy->dimensions; i++)
		longer += npy->shape[i] > 1;
	if (!fortran || longer <= 1)
		return 0;
	return error_set(
		e, -EBADMSG, "is in Fortran order; convert it with numpy.ascontiguousarray before saving");
}

/* (), (3,), (3, 4) or (3, 4,) */
static int take_shape(struct npy_text *text, struct npy *npy, struct error *e)
{
	bool comma = true;

	if (!take(text, "("))
		return not_plain(e);
	for (npy->dimensions = 0; !take(text, ")"); npy->dimensions++) {
		if (npy->dimensions == NPY_DIMENSIONS)
			return error_set(e, -EBADMSG, "has more than %d dimensions", NPY_DIMENSIONS);
		if (!comma || !take_number(text, &npy->shape[npy->dimensions]))
			return not_plain(e);
		comma = take(text, ",");
	}
	return npy->dimensions == 1 && !comma ? not_plain(e) : 0; /* (3) is a number in Python, no tuple */
}

static int parse_dictionary(struct npy_text text, struct npy *npy, struct error *e)
{
	static const char *const keys[] = {"descr", "fortran_order", "shape"};
	unsigned seen = 0;
	bool fortran = false;
	char key[16];

	if (!take(&text, "{"))
		return not_plain(e);
	for (bool comma = true; !take(&text, "}"); comma = take(&text, ",")) {
		unsigned k = 0;
		if (!comma || !take_string(&text, key, sizeof(key)) || !take(&text, ":"))
			return not_plain(e);
		while (k < 3 && strcmp(key, keys[k]) != 0)
			k++;
		if (k == 3 || (seen & 1U << k))
			return not_plain(e);
		seen |= 1U << k;
		int rc = k == 0	  ? take_type(&text, npy, e)
			 : k == 1 ? take_order(&text, &fortran, e)
				  : take_shape(&text, npy, e);
		if (rc)
			return rc;
	}
	skip_spaces(&text);
	return seen == 7 && text.at == text.end ? check_order(npy, fortran, e) : not_plain(e);
}

uint64_t npy_count(const struct npy *npy)
{
	uint64_t count = 1;

	for (int i = 0; i < npy->dimensions; i++)
		if (npy->shape[i] == 0)
			return 0;
	for (int i = 0; i < npy->dimensions; i++)
		if (__builtin_mul_overflow(count, npy->shape[i], &count))
			return UINT64_MAX;
	return count;
}

size_t npy_width(const struct npy *npy)
{
	return (size_t)strtoull(npy->type + 1, NULL, 10);
}

static int check_size(const struct npy *npy, size_t found, struct error *e)
{
	uint64_t expected = 0;

	if (__builtin_mul_overflow(npy_count(npy), npy_width(npy), &expected))
		return error_set(e, -EOVERFLOW, "announces more numbers than there is memory");
	if (found < expected)
		return error_set(e, -EBADMSG, "is truncated: %llu bytes of numbers expected, %zu found",
			(unsigned long long)expected, found);
	if (found > expected)
		return error_set(e, -EBADMSG, "is too long: %llu bytes of numbers expected, %zu found",
			(unsigned long long)expected, found);
	return 0;
}

int npy_parse(const uint8_t *file, size_t size, struct npy *npy, const uint8_t **values, struct error *e)
{
	if (size < 10 || memcmp(file, "\x93NUMPY", 6) != 0)
		return error_set(e, -EBADMSG, "is no .npy file: it does not begin with \\x93NUMPY");
	if (file[6] < 1 || file[6] > 3 || file[7] != 0)
		return error_set(e, -EBADMSG, "is of .npy version %d.%d; 1.0, 2.0 and 3.0 are known", file[6],
			file[7]);
	size_t begin = file[6] == 1 ? 10 : 12;
	if (size < begin)
		return error_set(e, -EBADMSG, "is truncated within its header");
	uint64_t length = (uint64_t)file[8] | (uint64_t)file[9] << 8;
	if (file[6] > 1)
		length |= (uint64_t)file[10] << 16 | (uint64_t)file[11] << 24;
	if (length > NPY_HEADER_LIMIT - begin)
		return error_set(e, -EBADMSG, "has a header of %llu bytes, over the limit of %d",
			(unsigned long long)length, NPY_HEADER_LIMIT);
	if (length > size - begin)
		return error_set(e, -EBADMSG, "is truncated within its header");

	const char *header = (const char *)file + begin;
	*npy = (struct npy){0};
	int rc = parse_dictionary((struct npy_text){header, header + length}, npy, e);
	if (rc)
		return rc;
	*values = file + begin + length;
	return check_size(npy, size - begin - (size_t)length, e);
}

static void shape_text(const struct npy *npy, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "(");

	for (int i = 0; i < npy->dimensions; i++)
		used += (size_t)snprintf(
			out + used, size - used, "%s%llu", i ? ", " : "", (unsigned long long)npy->shape[i]);
	snprintf(out + used, size - used, npy->dimensions == 1 ? ",)" : ")");
}

int npy_compare(const struct npy *found, const struct npy *expected, struct error *e)
{
	char shapes[2][NPY_DIMENSIONS * 22 + 8];

	if (strcmp(found->type, expected->type) != 0)
		return error_set(
			e, -EBADMSG, "is of type \"%s\", \"%s\" expected", found->type, expected->type);
	if (found->dimensions == expected->dimensions &&
		memcmp(found->shape, expected->shape, sizeof(*found->shape) * (size_t)found->dimensions) == 0)
		return 0;
	shape_text(expected, shapes[0], sizeof(shapes[0]));
	shape_text(found, shapes[1], sizeof(shapes[1]));
	return error_set(e, -EBADMSG, "has the wrong shape: %s expected, %s found", shapes[0], shapes[1]);
}

void npy_copy(void *to, const void *from, uint64_t count, size_t width)
{
	if (count)
		memcpy(to, from, (size_t)count * width);
	if (width == 1 || BYTE_ORDER == LITTLE_ENDIAN)
		return;
	for (uint64_t i = 0; i < count; i++)
		if (width == 4)
			((uint32_t *)to)[i] = le32toh(((uint32_t *)to)[i]);
		else
			((uint64_t *)to)[i] = le64toh(((uint64_t *)to)[i]);
}

int npy_write(FILE *file, const struct npy *npy, const void *values)
{
	char shape[NPY_DIMENSIONS * 22 + 8];
	char text[256];
	size_t width = npy_width(npy);
	uint64_t count = npy_count(npy);

	shape_text(npy, shape, sizeof(shape));
	int length = snprintf(text, sizeof(text), "{'descr': '%s%s', 'fortran_order': False, 'shape': %s, }",
		width == 1 ? "|" : "<", npy->type, shape);
	int padded = (10 + length + 1 + 63) / 64 * 64 - 10; /* NumPy aligns the numbers to 64 bytes */
	const uint8_t begin[10] = {
		0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)padded, (uint8_t)(padded >> 8)};

	errno = 0;
	fwrite(begin, 1, sizeof(begin), file);
	fprintf(file, "%s%*s\n", text, padded - length - 1, "");
	if (width == 1 || BYTE_ORDER == LITTLE_ENDIAN) {
		fwrite(values, width, (size_t)count, file);
	} else {
		for (uint64_t i = 0; i < count; i++) {
			uint32_t number = width == 4 ? htole32(((const uint32_t *)values)[i]) : 0;
			uint64_t wide = width == 8 ? htole64(((const uint64_t *)values)[i]) : 0;
			fwrite(width == 4 ? (void *)&number : (void *)&wide, width, 1, file);
		}
	}
	return ferror(file) ? -(errno ? errno : EIO) : 0;
}
