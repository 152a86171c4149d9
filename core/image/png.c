/* SPDX-License-Identifier: MIT */
/*
 * PNG by libpng: palette, grey, 1 to 16 bits, interlaced. Transparent pixels are laid on white, as on a page;
 * gamma and colour profiles are not applied, as with JPEG.
 */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int rows_write(FILE *file, const struct picture *picture, struct error *e)
{
	struct input input = {.e = e};
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &input, complain, ignore);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile int status = -EIO;

	if (!info) {
		png_destroy_write_struct(&png, NULL);
		return -ENOMEM;
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

/* Writes and closes the temporary file. */
static int temporary_write(const char *name, const struct picture *picture)
{
	struct error ignored;
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	FILE *file = fdopen(fd, "wb");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	errno = 0;
	int status = rows_write(file, picture, &ignored);
	/* The data must be on the disk before the name is: a power cut keeps the old file or the new one. */
	if (status == 0 && (fflush(file) != 0 || fsync(fd) < 0))
		status = -EIO;
	if (status == -EIO && errno)
		status = -errno;
	if (fclose(file) != 0 && status == 0)
		status = -errno;
	return status;
}

int picture_write_png(const char *path, const struct picture *picture, struct error *e)
{
	char name[PATH_MAX];
	struct stat old;

	if (stat(path, &old) == 0 && !S_ISREG(old.st_mode))
		return error_set(
			e, S_ISDIR(old.st_mode) ? -EISDIR : -EINVAL, "%s: is not a regular file", path);
	if (picture->width < 1 || picture->height < 1)
		return error_set(e, -EINVAL, "%s: there is no picture to write", path);
	int length = snprintf(name, sizeof(name), "%s.%ld.tmp", path, (long)getpid());
	if (length < 0 || (size_t)length >= sizeof(name))
		return error_set(e, -ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	int status = temporary_write(name, picture);
	if (status == 0 && rename(name, path) < 0)
		status = -errno;
	if (status == 0)
		return 0;
	if (status != -EEXIST)
		unlink(name);
	return error_set(e, status, "%s: cannot be written: %s", path, strerror(-status));
}
