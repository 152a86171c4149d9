/* SPDX-License-Identifier: MIT */
/*
 * EXIF orientation: cameras and phones store the sensor's rows and the orientation in which the user held
 * them.
 */
#include "image/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t exif[6] = "Exif\0";

/* A TIFF block in its own byte order; reading past its end gives 0. */
struct tiff {
	const uint8_t *data;
	size_t size;
	bool big;
};

static uint32_t tiff_number(const struct tiff *tiff, size_t at, size_t bytes)
{
	uint32_t value = 0;

	if (at > tiff->size || bytes > tiff->size - at)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint32_t)tiff->data[at + i] << 8 * (tiff->big ? bytes - 1 - i : i);
	return value;
}

/* Tag 0x0112, a SHORT, in the first directory (TIFF 6.0, EXIF 2.3 section 4.6). */
int exif_orientation(const uint8_t *data, size_t size)
{
	if (size >= sizeof(exif) && memcmp(data, exif, sizeof(exif)) == 0) {
		data += sizeof(exif);
		size -= sizeof(exif);
	}
	struct tiff tiff = {data, size, size > 0 && data[0] == 'M'};
	if (size < 8 || tiff_number(&tiff, 2, 2) != 42)
		return 1;
	size_t directory = tiff_number(&tiff, 4, 4);
	uint32_t entries = tiff_number(&tiff, directory, 2);
	for (uint32_t i = 0; i < entries; i++) {
		size_t entry = directory + 2 + (size_t)i * 12;
		if (tiff_number(&tiff, entry, 2) != 0x0112)
			continue;
		uint32_t value = tiff_number(&tiff, entry + 8, 2);
		return tiff_number(&tiff, entry + 2, 2) == 3 && value >= 1 && value <= 8 ? (int)value : 1;
	}
	return 1;
}

/* Markers without a length: TEM, RST0 … RST7, SOI, EOI (ITU-T T.81, table B.1). */
static bool marker_stands_alone(uint8_t marker)
{
	return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd9);
}

int jpeg_orientation(const uint8_t *data, size_t size)
{
	size_t at = 2; /* after SOI */

	while (at + 4 <= size && data[at] == 0xff) {
		uint8_t marker = data[at + 1];
		if (marker == 0xff || marker_stands_alone(marker)) {
			at += marker == 0xff ? 1
					     : 2; /* any number of 0xff may fill the space before a marker */
			continue;
		}
		size_t length = (size_t)data[at + 2] << 8 | data[at + 3]; /* counts its own two bytes */
		if (marker == 0xda || length < 2 || length > size - at - 2)
			return 1; /* the pixels begin, or nonsense */
		if (marker == 0xe1 && length >= 2 + sizeof(exif) &&
			memcmp(data + at + 4, exif, sizeof(exif)) == 0)
			return exif_orientation(data + at + 4, length - 2);
		at += 2 + length;
	}
	return 1;
}

/* The chunk eXIf, which may stand before the pixels or behind them (PNG, third edition, 11.3.4.6). */
int png_orientation(const uint8_t *data, size_t size)
{
	struct tiff png = {data, size, true};
	size_t at = 8; /* after the signature */

	while (at + 12 <= size) {
		size_t length = tiff_number(&png, at, 4);
		if (length > size - at - 12)
			return 1;
		if (memcmp(data + at + 4, "eXIf", 4) == 0)
			return exif_orientation(data + at + 8, length);
		at += length + 12; /* with the length, the type and the check sum */
	}
	return 1;
}

int picture_orient(struct picture *picture, int orientation)
{
	/* From upright coordinates to stored ones: transposed first, then mirrored along stored x and y. */
	static const struct {
		bool transpose, mirror_x, mirror_y;
	} way[9] = {[2] = {0, 1, 0}, {0, 1, 1}, {0, 0, 1}, {1, 0, 0}, {1, 0, 1}, {1, 1, 1}, {1, 1, 0}};
	struct picture upright = {0};

	if (orientation < 2 || orientation > 8)
		return 0;
	bool transpose = way[orientation].transpose;
	int width = picture->width;
	int height = picture->height;
	int status = picture_resize(&upright, transpose ? height : width, transpose ? width : height);
	if (status < 0)
		return status;
	const uint8_t *from = picture->data;
	uint8_t *to = upright.data;
	for (int y = 0; y < upright.height; y++) {
		for (int x = 0; x < upright.width; x++, to += 4) {
			int u = transpose ? y : x;
			int v = transpose ? x : y;
			u = way[orientation].mirror_x ? width - 1 - u : u;
			v = way[orientation].mirror_y ? height - 1 - v : v;
			memcpy(to, from + ((size_t)v * (size_t)width + (size_t)u) * 4, 4);
		}
	}
	picture_finish(picture);
	*picture = upright;
	return 0;
}
