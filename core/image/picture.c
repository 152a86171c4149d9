/* SPDX-License-Identifier: MIT */
#include "image/picture.h"

#include "base/clock.h"
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <libyuv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The old content is not kept, so there is no need to copy it as realloc would. */
static int memory_reserve(uint8_t **data, size_t *capacity, size_t bytes)
{
	if (bytes <= *capacity)
		return 0;
	uint8_t *grown = malloc(bytes);
	if (!grown)
		return -ENOMEM;
	free(*data);
	*data = grown;
	*capacity = bytes;
	return 0;
}

int picture_resize(struct picture *picture, int width, int height)
{
	if (width < 1 || height < 1 || width > PICTURE_SIDE_MAXIMUM || height > PICTURE_SIDE_MAXIMUM)
		return -EOVERFLOW;
	int status = memory_reserve(&picture->data, &picture->capacity, (size_t)width * (size_t)height * 4);
	if (status < 0)
		return status;
	picture->width = width;
	picture->height = height;
	return 0;
}

int picture_reserve(struct picture *picture, size_t bytes, size_t spare)
{
	int status = memory_reserve(&picture->data, &picture->capacity, bytes);

	return status ? status : memory_reserve(&picture->spare, &picture->spare_capacity, spare);
}

int raw_picture_reserve(struct raw_picture *raw, size_t bytes)
{
	return memory_reserve(&raw->data, &raw->capacity, bytes);
}

int picture_rotate(struct picture *picture, int degrees)
{
	bool lies = degrees == 90 || degrees == 270;
	int width = picture->width, height = picture->height;
	uint8_t *from = picture->data;
	size_t capacity = picture->capacity;

	if (degrees == 0)
		return 0;
	int status =
		memory_reserve(&picture->spare, &picture->spare_capacity, (size_t)width * (size_t)height * 4);
	if (status < 0)
		return status;
	picture->width = lies ? height : width;
	picture->height = lies ? width : height;
	ARGBRotate(from, width * 4, picture->spare, picture->width * 4, width, height,
		(enum RotationMode)degrees);
	picture->data = picture->spare;
	picture->capacity = picture->spare_capacity;
	picture->spare = from;
	picture->spare_capacity = capacity;
	return 0;
}

void picture_mirror(struct picture *picture)
{
	for (int y = 0; y < picture->height; y++) {
		uint8_t *left = picture->data + (size_t)y * (size_t)picture->width * 4;
		uint8_t *right = left + ((size_t)picture->width - 1) * 4;
		for (; left < right; left += 4, right -= 4) {
			uint8_t pixel[4];
			memcpy(pixel, left, 4);
			memcpy(left, right, 4);
			memcpy(right, pixel, 4);
		}
	}
}

void picture_finish(struct picture *picture)
{
	free(picture->data);
	free(picture->spare);
	*picture = (struct picture){0};
}

void raw_picture_finish(struct raw_picture *raw)
{
	free(raw->data);
	*raw = (struct raw_picture){0};
}

int picture_check(uint32_t width, uint32_t height, struct error *e)
{
	if (width >= 1 && height >= 1 && width <= PICTURE_SIDE_MAXIMUM && height <= PICTURE_SIDE_MAXIMUM)
		return 0;
	return error_set(e, -EBADMSG, "it is %u×%u pixels; 1 to %d a side can be read", width, height,
		PICTURE_SIDE_MAXIMUM);
}

int picture_claim(struct picture *picture, uint32_t width, uint32_t height, struct error *e)
{
	int status = picture_check(width, height, e);

	if (status < 0)
		return status;
	if (picture_resize(picture, (int)width, (int)height) < 0)
		return error_set(e, -ENOMEM, "no memory for %u×%u pixels", width, height);
	return 0;
}

int picture_reduction(uint32_t width, uint32_t height, size_t bytes, struct error *e)
{
	int status = picture_check(width, height, e);
	int reduction = 1;

	if (status < 0)
		return status;
	size_t pixels = (size_t)width * height;
	if (pixels > PICTURE_RATIO_PIXELS && pixels / PICTURE_RATIO_MAXIMUM > bytes)
		return error_set(e, -EBADMSG,
			"it claims %u×%u pixels in %zu bytes; a picture of that size has at most %d for each "
			"byte",
			width, height, bytes, PICTURE_RATIO_MAXIMUM);
	while (pixels / (size_t)(reduction * reduction) > PICTURE_PIXELS_MAXIMUM)
		reduction *= 2;
	return reduction;
}

int picture_claim_whole(
	struct picture *picture, uint32_t width, uint32_t height, size_t bytes, struct error *e)
{
	int reduction = picture_reduction(width, height, bytes, e);

	if (reduction > 1)
		return error_set(e, -EBADMSG,
			"it is %u×%u pixels; of this kind at most %zu million are read, save it smaller or "
			"as JPEG",
			width, height, PICTURE_PIXELS_MAXIMUM / 1000000);
	return reduction < 0 ? reduction : picture_claim(picture, width, height, e);
}

bool picture_time_is_up(struct picture_time *time)
{
	if (time->calls++ % 64)
		return false;
	int64_t now = clock_processor();
	if (time->calls == 1)
		time->begun = now;
	return now - time->begun > PICTURE_SECONDS_MAXIMUM * NS_PER_S;
}

void pixels_lay_on_white(uint8_t *pixels, size_t count)
{
	for (uint8_t *p = pixels; count > 0; count--, p += 4) {
		for (int c = 0; c < 3; c++)
			p[c] = (uint8_t)((p[c] * p[3] + 255 * (255 - p[3]) + 127) / 255);
		p[3] = 255;
	}
}
