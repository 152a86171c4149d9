/* SPDX-License-Identifier: MIT */
/* One byte: the scale; then a picture file of any format, or a camera's JPEG frame. The limits are the
 * program's. */
#include "fuzz.h"

#include "base/error.h"
#include "image/codec.h"
#include "image/decode.h"
#include "image/formats.h"

#include <errno.h>
#include <string.h>

static void promise_picture(int status, const struct picture *picture, const struct error *e)
{
	promise(status == 0 || (e->code == status && e->text[0]));
	promise((status == 0) == (picture->width > 0) && (status == 0) == (picture->height > 0));
	promise((size_t)picture->width * (size_t)picture->height <= PICTURE_PIXELS_MAXIMUM);
}

static bool upright(int orientation)
{
	return orientation >= 1 && orientation <= 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct picture picture = {0};
	struct error e = {0};

	if (size < 1)
		return 0;
	uint8_t *file = malloc(size); /* exactly: a byte read past the end is found */
	promise(file);
	memcpy(file, data + 1, size - 1);
	size_t length = size - 1;
	int status = picture_read(file, length, &picture, &e);
	promise_picture(status, &picture, &e);
	promise(status < 0 || picture_format(file, length));
	if (jpeg_begins(file, length)) {
		status = jpeg_read(file, length, data[0] / 255.0, &picture, &e);
		promise_picture(status, &picture, &e);
		promise(upright(jpeg_orientation(file, length)));
	}
	gif_moves(file, length);
	promise(upright(exif_orientation(file, length)));
	picture_finish(&picture);
	free(file);
	return 0;
}
