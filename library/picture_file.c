/* SPDX-License-Identifier: MIT */
/* Picture files become pictures in memory of the caller. */
#include "image/decode.h"
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

/* Drops each fourth byte where the pixels lie, and turns BGRX round; takes the picture's memory. */
static struct twobit_picture take_rgb(struct picture *bgrx)
{
	size_t count = (size_t)bgrx->width * (size_t)bgrx->height;
	const uint8_t *from = bgrx->data;
	uint8_t *to = bgrx->data;

	for (size_t i = 0; i < count; i++, from += 4, to += 3) {
		uint8_t blue = from[0], green = from[1], red = from[2];
		to[0] = red;
		to[1] = green;
		to[2] = blue;
	}
	struct twobit_picture out = {.width = bgrx->width,
		.height = bgrx->height,
		.format = TWOBIT_RGB,
		.origin = TWOBIT_FROM_FILE,
		.pixels = bgrx->data};
	bgrx->data = NULL;
	picture_finish(bgrx);
	return out;
}

int twobit_picture_read(const void *file, size_t size, struct twobit_picture *out, struct twobit_error *error)
{
	struct picture picture = {0};
	struct error e = {0};

	*out = (struct twobit_picture){0};
	int status = picture_read(file, size, &picture, &e);
	if (status) {
		picture_finish(&picture);
		return library_refuse(error, status, "the picture: %s", e.text);
	}
	*out = take_rgb(&picture);
	return 0;
}

int twobit_picture_read_file(const char *path, struct twobit_picture *out, struct twobit_error *error)
{
	struct picture picture = {0};
	struct error e = {0};

	*out = (struct twobit_picture){0};
	int status = picture_read_file(path, &picture, &e);
	if (status) {
		picture_finish(&picture);
		return library_error(status, &e, error);
	}
	*out = take_rgb(&picture);
	return 0;
}

void twobit_picture_free(struct twobit_picture *picture)
{
	free((uint8_t *)picture->pixels);
	*picture = (struct twobit_picture){0};
}
