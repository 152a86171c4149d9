/* SPDX-License-Identifier: MIT */
#include "image/heif/claims.h"

#include "image/codec.h"
#include "image/heif/coded.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(text)                                                                                           \
	((uint32_t)(text)[0] << 24 | (uint32_t)(text)[1] << 16 | (uint32_t)(text)[2] << 8 |                  \
		(uint32_t)(text)[3])

/* Bytes that are read from the front; past their end there are zeros. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

/* A picture, or what belongs to one. */
struct item {
	uint32_t id, type;
	uint64_t pixels; /* of coded data, all that is decoded */
};

struct claims {
	const uint8_t *data; /* the file */
	size_t size;
	struct bytes idat;
	struct item *items;
	size_t count;
	size_t looked; /* bytes of items */
	struct error *e;
};

static uint64_t take(struct bytes *b, unsigned size)
{
	uint64_t value = 0;

	for (; size > 0; size--) {
		value = value << 8 | (b->left ? *b->at : 0);
		b->at += b->left > 0;
		b->left -= b->left > 0;
	}
	return value;
}

static struct bytes take_bytes(struct bytes *b, uint64_t size)
{
	struct bytes taken = {b->at, size < b->left ? (size_t)size : b->left};

	b->at += taken.left;
	b->left -= taken.left;
	return taken;
}

/* The version of a "full" box. */
static unsigned take_version(struct bytes *b)
{
	return (unsigned)(take(b, 4) >> 24);
}

/* The next box: its type, or 0 at the end. */
static uint32_t take_box(struct bytes *b, struct bytes *content)
{
	if (b->left < 8)
		return 0;
	uint64_t size = take(b, 4), header = 8;
	uint32_t type = (uint32_t)take(b, 4);
	if (size == 1) {
		size = take(b, 8);
		header = 16;
	} else if (size == 0) {
		size = header + b->left;
	}
	*content = take_bytes(b, size < header ? 0 : size - header);
	return size < header ? 0 : type;
}

/* The first box of a type. */
static bool find_box(struct bytes in, const char *type, struct bytes *content)
{
	for (uint32_t found; (found = take_box(&in, content));)
		if (found == TYPE(type))
			return true;
	return false;
}

static bool is_coded(const struct item *item)
{
	return item->type == TYPE("av01") || item->type == TYPE("hvc1");
}

/* Made of other items. */
static bool is_derived(const struct item *item)
{
	return item->type == TYPE("grid") || item->type == TYPE("iovl") || item->type == TYPE("iden");
}

static struct item *item_find(const struct claims *claims, uint32_t id)
{
	for (size_t i = 0; i < claims->count; i++)
		if (claims->items[i].id == id)
			return &claims->items[i];
	return NULL;
}

static int size_check(const struct claims *claims, uint64_t width, uint64_t height)
{
	int reduction = picture_reduction(width > UINT32_MAX ? UINT32_MAX : (uint32_t)width,
		height > UINT32_MAX ? UINT32_MAX : (uint32_t)height, claims->size, claims->e);

	if (reduction > 1)
		return error_set(claims->e, -EBADMSG,
			"a picture in it is %ju×%ju pixels; of this kind at most %zu million are read, save "
			"it "
			"smaller or as JPEG",
			(uintmax_t)width, (uintmax_t)height, PICTURE_PIXELS_MAXIMUM / 1000000);
	return reduction < 0 ? reduction : 0;
}

static int coded_check(const struct claims *claims, const struct coded *coded, uint64_t *pixels)
{
	if (!coded->width && !coded->height)
		return 0;
	uint64_t decoded = (uint64_t)coded->width * coded->height * (coded->frames ? coded->frames : 1);
	int status = size_check(claims, coded->width, coded->height);
	if (*pixels < decoded)
		*pixels = decoded;
	if (status == 0 && decoded > HEIF_DECODED_MAXIMUM)
		status = error_set(claims->e, -EBADMSG,
			"a picture in it is coded in %ju frames of %u×%u pixels", (uintmax_t)coded->frames,
			coded->width, coded->height);
	return status;
}

/* NAL units behind their lengths: libheif takes 4 bytes, whatever hvcC says. */
static void units_look(struct bytes data, struct coded *coded)
{
	while (data.left > 4) {
		struct bytes unit = take_bytes(&data, take(&data, 4));
		coded_hevc(unit.at, unit.left, coded);
	}
}

/* hvcC: 22 bytes, then arrays of NAL units. */
static void hevc_settings_look(struct bytes settings, struct coded *coded)
{
	take_bytes(&settings, 22);
	for (uint64_t arrays = take(&settings, 1); arrays > 0; arrays--) {
		take(&settings, 1);
		for (uint64_t units = take(&settings, 2); units > 0 && settings.left; units--) {
			struct bytes unit = take_bytes(&settings, take(&settings, 2));
			coded_hevc(unit.at, unit.left, coded);
		}
	}
}

/* What items have in common: sizes, and headers of coded data. */
static int properties_check(const struct claims *claims, struct bytes properties)
{
	struct bytes container, content;
	uint64_t pixels = 0;
	int status = 0;

	if (!find_box(properties, "ipco", &container))
		return 0;
	for (uint32_t type; status == 0 && (type = take_box(&container, &content));) {
		struct coded coded = {0};
		if (type == TYPE("ispe")) {
			take_version(&content);
			uint64_t width = take(&content, 4);
			status = size_check(claims, width, take(&content, 4));
		} else if (type == TYPE("av1C")) {
			take_bytes(&content, 4);
			coded_av1(content.at, content.left, &coded);
		} else if (type == TYPE("hvcC")) {
			hevc_settings_look(content, &coded);
		}
		if (status == 0)
			status = coded_check(claims, &coded, &pixels);
	}
	return status;
}

/* iinf: numbers and types. */
static int items_list(struct claims *claims, struct bytes infos)
{
	struct bytes info;

	take_bytes(&infos, take_version(&infos) == 0 ? 2 : 4); /* how many */
	claims->items = calloc(HEIF_ITEMS_MAXIMUM, sizeof(*claims->items));
	if (!claims->items)
		return error_set(claims->e, -ENOMEM, "no memory to read a HEIC or AVIF");
	for (uint32_t type; (type = take_box(&infos, &info));) {
		unsigned version = take_version(&info);
		if (type != TYPE("infe") || version < 2)
			continue;
		if (claims->count == HEIF_ITEMS_MAXIMUM)
			return error_set(
				claims->e, -EBADMSG, "it has more than %d parts", HEIF_ITEMS_MAXIMUM);
		struct item item = {.id = (uint32_t)take(&info, version == 2 ? 2 : 4)};
		take(&info, 2); /* protection */
		item.type = (uint32_t)take(&info, 4);
		if (item_find(claims, item.id))
			return error_set(
				claims->e, -EBADMSG, "broken HEIC or AVIF: two of its parts have one number");
		claims->items[claims->count++] = item;
	}
	return 0;
}

/* The size that a grid or an overlay has. */
static int derived_check(const struct claims *claims, const struct item *item, struct bytes data)
{
	if (item->type == TYPE("iden"))
		return 0;
	take(&data, 1);
	unsigned wide = take(&data, 1) & 1 ? 4 : 2;
	take_bytes(&data, item->type == TYPE("grid") ? 2 : 8); /* rows and columns; a colour */
	uint64_t width = take(&data, wide);
	return size_check(claims, width, take(&data, wide));
}

static int data_check(const struct claims *claims, struct item *item, struct bytes data)
{
	struct coded coded = {0};

	if (is_derived(item))
		return derived_check(claims, item, data);
	if (item->type == TYPE("av01"))
		coded_av1(data.at, data.left, &coded);
	else
		units_look(data, &coded);
	return coded_check(claims, &coded, &item->pixels);
}

/* iloc's fields for an item. */
struct location {
	unsigned offset_size, length_size, base_size, index_size;
	uint64_t method, base, extents;
};

/* The bytes of the next extent, which lie in the file or in idat. */
static int take_extent(
	struct claims *claims, const struct location *l, struct bytes *from, struct bytes *extent)
{
	struct bytes all = l->method == 1 ? claims->idat : (struct bytes){claims->data, claims->size};

	take(from, l->index_size);
	uint64_t offset = l->base + take(from, l->offset_size), length = take(from, l->length_size);
	take_bytes(&all, offset);
	*extent = take_bytes(&all, length ? length : UINT64_MAX);
	claims->looked += extent->left;
	if (claims->looked <= claims->size)
		return 0;
	return error_set(
		claims->e, -EBADMSG, "broken HEIC or AVIF: its pictures have more bytes than the file");
}

/* The item's data, in one piece if it lies in several. */
static int location_check(
	struct claims *claims, struct item *item, const struct location *l, struct bytes *from)
{
	struct bytes data = {NULL, 0}, part;
	int status = 0;

	if (l->method > 1)
		return error_set(
			claims->e, -EBADMSG, "a picture in it lies in parts of others, which is not read");
	if (l->extents == 1) {
		status = take_extent(claims, l, from, &data);
		return status < 0 ? status : data_check(claims, item, data);
	}
	uint8_t *joined = malloc(claims->size);
	if (!joined)
		return error_set(claims->e, -ENOMEM, "no memory to read a HEIC or AVIF");
	for (uint64_t i = 0; status == 0 && i < l->extents && from->left; i++) {
		status = take_extent(claims, l, from, &part);
		if (status == 0 && part.left)
			memcpy(joined + data.left, part.at, part.left);
		data.left += part.left;
	}
	data.at = joined;
	if (status == 0)
		status = data_check(claims, item, data);
	free(joined);
	return status;
}

static int locations_check(struct claims *claims, struct bytes locations)
{
	unsigned version = take_version(&locations);
	unsigned sizes = (unsigned)take(&locations, 2), number = version < 2 ? 2 : 4;
	struct location l = {
		sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, version ? sizes & 15 : 0, 0, 0, 0};
	int status = 0;

	for (uint64_t count = take(&locations, number); status == 0 && count > 0 && locations.left; count--) {
		struct item *item = item_find(claims, (uint32_t)take(&locations, number));
		l.method = version ? take(&locations, 2) & 15 : 0;
		take(&locations, 2); /* the file that it is in */
		l.base = take(&locations, l.base_size);
		l.extents = take(&locations, 2);
		if (item && (is_coded(item) || is_derived(item)))
			status = location_check(claims, item, &l, &locations);
		else
			take_bytes(&locations, l.extents * (l.index_size + l.offset_size + l.length_size));
	}
	return status;
}

/* What is made of other pictures, and how much of them is decoded. */
static int references_check(const struct claims *claims, struct bytes references)
{
	unsigned number = take_version(&references) == 0 ? 2 : 4;
	struct bytes list;
	int looked_up = 0;

	for (uint32_t type; (type = take_box(&references, &list));) {
		uint64_t pixels = 0;
		if (type != TYPE("dimg"))
			continue;
		take(&list, number);
		for (uint64_t count = take(&list, 2); count > 0 && list.left; count--) {
			const struct item *of = item_find(claims, (uint32_t)take(&list, number));
			if (of && is_derived(of))
				return error_set(claims->e, -EBADMSG,
					"it is made of pictures that are made of others, which is not read");
			pixels += of ? of->pixels : 0;
			if (pixels > HEIF_DECODED_MAXIMUM || ++looked_up > HEIF_ITEMS_MAXIMUM)
				return error_set(claims->e, -EBADMSG,
					"it is made of more pictures than its size needs");
		}
	}
	return 0;
}

/* libheif of some versions decodes other kinds, too; nothing here looks at those. */
static int kind_check(const struct claims *claims, struct bytes primary)
{
	unsigned version = take_version(&primary);
	const struct item *item = item_find(claims, (uint32_t)take(&primary, version == 0 ? 2 : 4));

	if (!item || is_coded(item) || is_derived(item))
		return 0;
	return error_set(claims->e, -EBADMSG, "its picture is neither HEVC nor AV1, which is not read");
}

static int meta_check(struct claims *claims, struct bytes meta)
{
	struct bytes box;
	int status = 0;

	take_version(&meta);
	if (find_box(meta, "idat", &box))
		claims->idat = box;
	if (find_box(meta, "iprp", &box))
		status = properties_check(claims, box);
	if (status == 0 && find_box(meta, "iinf", &box))
		status = items_list(claims, box);
	if (status == 0 && find_box(meta, "iloc", &box))
		status = locations_check(claims, box);
	if (status == 0 && find_box(meta, "iref", &box))
		status = references_check(claims, box);
	if (status == 0 && find_box(meta, "pitm", &box))
		status = kind_check(claims, box);
	free(claims->items);
	return status;
}

int heif_claims_check(const uint8_t *data, size_t size, struct error *e)
{
	struct claims claims = {.data = data, .size = size, .e = e};
	struct bytes file = {data, size}, meta = {NULL, 0}, box;
	bool found = false;

	for (uint32_t type; (type = take_box(&file, &box));) {
		if (type == TYPE("meta") && found)
			return error_set(e, -EBADMSG, "broken HEIC or AVIF: it describes itself twice");
		if (type == TYPE("meta")) {
			meta = box;
			found = true;
		}
	}
	return found ? meta_check(&claims, meta) : 0;
}
