/* SPDX-License-Identifier: MIT */
/* One byte: the scale; then a picture file, JPEG or PNG, or a camera's JPEG frame. */
#include "fuzz.h"

#include "base/error.h"
#include "image/codec.h"

#include <errno.h>

/* Larger pictures find no more faults, and take long. */
#define SIDE_MAXIMUM 512U

/* Whether anything in it could be read as a size that is too large: of a JPEG (SOF) or a PNG (IHDR). */
static bool claims_much(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 9 <= size; i++) {
		bool frame = data[i] == 0xff && (data[i + 1] & 0xf0) == 0xc0;
		unsigned height = (unsigned)data[i + 5] << 8 | data[i + 6];
		unsigned width = (unsigned)data[i + 7] << 8 | data[i + 8];
		if (frame && (height > SIDE_MAXIMUM || width > SIDE_MAXIMUM))
			return true;
	}
	return png_begins(data, size) && size >= 24 &&
	       (data[16] || data[17] || data[18] > 1 || data[20] || data[21] || data[22] > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct picture picture = {0};
	struct error e = {0};

	if (size < 1 || claims_much(data + 1, size - 1))
		return 0;
	double scale = data[0] / 255.0;
	int status = png_begins(data + 1, size - 1) ? png_read(data + 1, size - 1, &picture, &e)
						    : jpeg_read(data + 1, size - 1, scale, &picture, &e);
	promise(status == 0 || (e.code == status && e.text[0]));
	promise((status == 0) == (picture.width > 0));
	int orientation = jpeg_orientation(data + 1, size - 1);
	promise(orientation >= 1 && orientation <= 8);
	if (!status) {
		size_t pixels = (size_t)picture.width * (size_t)picture.height;
		promise(picture_orient(&picture, orientation) == 0);
		promise(pixels == (size_t)picture.width * (size_t)picture.height);
	}
	picture_finish(&picture);
	return 0;
}
