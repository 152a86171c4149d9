/* SPDX-License-Identifier: MIT */
/* Writes PNG by libpng. */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>

/* The cause is in errno, where it is the disk's. */
_Noreturn static void complain(png_structp png, png_const_charp message)
{
	if (!errno)
		error_set(png_get_error_ptr(png), -EIO, "no PNG can be made: %s", message);
	png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

int png_write(FILE *file, const struct picture *picture, struct error *e)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, e, complain, ignore);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile int status = -EIO;

	if (!info) {
		png_destroy_write_struct(&png, NULL);
		return error_set(e, -ENOMEM, "no memory to write a PNG");
	}
	if (setjmp(png_jmpbuf(png)) == 0) { // NOLINT(cert-err52-cpp)
		png_init_io(png, file);
		png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8,
			PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
			PNG_FILTER_TYPE_DEFAULT);
		png_set_compression_level(png, 3); /* a snapshot should not delay the display */
		png_write_info(png, info);
		png_set_bgr(png);
		png_set_filler(png, 0, PNG_FILLER_AFTER);
		for (int y = 0; y < picture->height; y++)
			png_write_row(png, picture->data + (size_t)y * (size_t)picture->width * 4);
		png_write_end(png, NULL);
		status = 0;
	}
	png_destroy_write_struct(&png, &info);
	return status;
}
