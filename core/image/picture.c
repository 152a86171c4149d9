/* SPDX-License-Identifier: MIT */
#include "image/picture.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

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

int raw_picture_reserve(struct raw_picture *raw, size_t bytes)
{
	return memory_reserve(&raw->data, &raw->capacity, bytes);
}

void picture_finish(struct picture *picture)
{
	free(picture->data);
	*picture = (struct picture){0};
}

void raw_picture_finish(struct raw_picture *raw)
{
	free(raw->data);
	*raw = (struct raw_picture){0};
}

int picture_claim(struct picture *picture, uint32_t width, uint32_t height, struct error *e)
{
	if (width < 1 || height < 1 || width > PICTURE_SIDE_MAXIMUM || height > PICTURE_SIDE_MAXIMUM)
		return error_set(e, -EBADMSG, "it is %u×%u pixels; 1 to %d a side can be read", width, height,
			PICTURE_SIDE_MAXIMUM);
	if (picture_resize(picture, (int)width, (int)height) < 0)
		return error_set(e, -ENOMEM, "no memory for %u×%u pixels", width, height);
	return 0;
}
