/* SPDX-License-Identifier: MIT */
/*
 * PNG by libpng: palette, grey, 1 to 16 bits, interlaced. Transparent pixels are laid on white, as on a page;
 * gamma and colour profiles are not applied, as with JPEG.
 */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <limits.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

struct input {
	const uint8_t *data;
	size_t left;
	struct error *e;
};

_Noreturn static void complain(png_structp png, png_const_charp message)
{
	struct input *input = png_get_error_ptr(png);

	error_set(input->e, -EBADMSG, "broken PNG: %s", message);
	png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static void bytes_take(png_structp png, png_bytep out, size_t size)
{
	struct input *input = png_get_io_ptr(png);

	if (size > input->left)
		png_error(png, "it ends early");
	memcpy(out, input->data, size);
	input->data += size;
	input->left -= size;
}

static void transforms_set(png_structp png)
{
	png_set_expand(png);
	png_set_scale_16(png);
	png_set_gray_to_rgb(png);
	png_set_bgr(png);
	png_set_filler(png, 0xff, PNG_FILLER_AFTER); /* not done where there is alpha */
}

static void lay_on_white(struct picture *picture)
{
	size_t pixels = (size_t)picture->width * (size_t)picture->height;

	for (uint8_t *p = picture->data; pixels > 0; pixels--, p += 4) {
		for (int c = 0; c < 3; c++)
			p[c] = (uint8_t)((p[c] * p[3] + 255 * (255 - p[3]) + 127) / 255);
		p[3] = 255;
	}
}

static int rows_read(png_structp png, png_infop info, struct picture *out, struct error *e)
{
	png_read_info(png, info);
	int status = picture_claim(out, png_get_image_width(png, info), png_get_image_height(png, info), e);
	if (status < 0)
		return status;
	transforms_set(png);
	int passes = png_set_interlace_handling(png);
	png_read_update_info(png, info);
	size_t stride = (size_t)out->width * 4;
	if (png_get_rowbytes(png, info) != stride)
		return error_set(e, -EBADMSG, "broken PNG: its rows are not %zu bytes", stride);
	while (passes-- > 0)
		for (int y = 0; y < out->height; y++)
			png_read_row(png, out->data + (size_t)y * stride, NULL);
	png_read_end(png, NULL);
	lay_on_white(out);
	return 0;
}

int png_read(const uint8_t *data, size_t size, struct picture *out, struct error *e)
{
	struct input input = {data, size, e};
	png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &input, complain, ignore);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile int status = -EBADMSG;

	if (!info) {
		png_destroy_read_struct(&png, NULL, NULL);
		return error_set(e, -ENOMEM, "no memory to read a PNG");
	}
	/* libpng's way to report an error: its error function must not return. */
	if (setjmp(png_jmpbuf(png)) == 0) { // NOLINT(cert-err52-cpp)
		png_set_read_fn(png, &input, bytes_take);
		png_set_user_limits(
			png, INT_MAX, INT_MAX); /* picture_claim checks it with a better message */
		/* All but pixels, palette and transparency: libpng reserves whatever they claim to hold. */
		png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
		status = rows_read(png, info, out, e);
	}
	png_destroy_read_struct(&png, &info, NULL);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}

bool png_begins(const uint8_t *data, size_t size)
{
	return size >= 8 && png_sig_cmp(data, 0, 8) == 0;
}
