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
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct png_input {
	const uint8_t *data;
	size_t left;
	struct error *e;
	bool no_memory; /* libpng asked for some, and there was none */
};

_Noreturn static void complain(png_structp png, png_const_charp message)
{
	struct png_input *input = png_get_error_ptr(png);

	if (input->no_memory)
		error_set(input->e, -ENOMEM, "no memory to read a PNG");
	else
		error_set(input->e, -EBADMSG, "broken PNG: %s", message);
	png_longjmp(png, 1);
}

static void *memory_take(png_structp png, png_alloc_size_t size)
{
	struct png_input *input = png_get_mem_ptr(png);
	void *memory = malloc(size);

	if (!memory)
		input->no_memory = true;
	return memory;
}

static void memory_free(png_structp png, void *memory)
{
	(void)png;
	free(memory);
}

static void ignore(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static void bytes_take(png_structp png, png_bytep out, size_t size)
{
	struct png_input *input = png_get_io_ptr(png);

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

struct png_reader {
	struct png_input input;
	png_structp png;
	png_infop info;
	size_t size; /* of the file, bytes */
	int width, height;
	struct picture_time time;

	/* Of a picture that is too large to keep: squares of `side` pixels, of which each becomes one. */
	int side;
	uint8_t *row;
	uint32_t *sums; /* blue, green, red of each square */
};

static void row_read(struct png_reader *r, uint8_t *out)
{
	png_read_row(r->png, out, NULL);
	pixels_lay_on_white(out, (size_t)r->width);
	if (picture_time_is_up(&r->time))
		png_error(r->png, PICTURE_TAKES_LONG);
}

/* Squares at the right and lower edges may be cut. */
static void squares_finish(struct png_reader *r, int rows, int width, uint8_t *out)
{
	for (int x = 0; x < width; x++, out += 4) {
		int columns = r->width - x * r->side < r->side ? r->width - x * r->side : r->side;
		uint32_t count = (uint32_t)(rows * columns);
		for (size_t c = 0; c < 3; c++)
			out[c] = (uint8_t)((r->sums[(size_t)x * 3 + c] + count / 2) / count);
		out[3] = 255;
	}
	memset(r->sums, 0, (size_t)width * 3 * sizeof(*r->sums));
}

/* Reads row by row, so that the memory is that of the smaller picture. */
static int rows_reduce(struct png_reader *r, struct picture *out, struct error *e)
{
	r->row = malloc((size_t)r->width * 4);
	r->sums = calloc((size_t)out->width * 3, sizeof(*r->sums));
	if (!r->row || !r->sums)
		return error_set(e, -ENOMEM, "no memory for rows of %d pixels", r->width);
	for (int y = 0; y < r->height; y++) {
		row_read(r, r->row);
		for (int x = 0; x < r->width; x++)
			for (size_t c = 0; c < 3; c++)
				r->sums[(size_t)(x / r->side) * 3 + c] += r->row[(size_t)x * 4 + c];
		if ((y + 1) % r->side == 0 || y + 1 == r->height)
			squares_finish(r, y % r->side + 1, out->width,
				out->data + (size_t)(y / r->side) * (size_t)out->width * 4);
	}
	return 0;
}

/* Each pass of an interlaced picture adds to the rows; transparency is laid on white at the end. */
static void rows_interlaced(struct png_reader *r, int passes, struct picture *out)
{
	size_t stride = (size_t)out->width * 4;

	while (passes-- > 0)
		for (int y = 0; y < out->height; y++) {
			png_read_row(r->png, out->data + (size_t)y * stride, NULL);
			if (picture_time_is_up(&r->time))
				png_error(r->png, PICTURE_TAKES_LONG);
		}
	pixels_lay_on_white(out->data, (size_t)out->width * (size_t)out->height);
}

/* Makes room for the picture, reduced where it must be. */
static int header_read(struct png_reader *r, struct picture *out, struct error *e)
{
	png_read_info(r->png, r->info);
	uint32_t width = png_get_image_width(r->png, r->info);
	uint32_t height = png_get_image_height(r->png, r->info);
	int side = picture_reduction(width, height, r->size, e);
	if (side < 0)
		return side;
	if (side > 1 && png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE)
		return picture_claim_whole(out, width, height, r->size, e);
	r->side = side;
	r->width = (int)width;
	r->height = (int)height;
	return picture_claim(out, (width + (uint32_t)side - 1) / (uint32_t)side,
		(height + (uint32_t)side - 1) / (uint32_t)side, e);
}

static int rows_read(struct png_reader *r, struct picture *out, struct error *e)
{
	int status = header_read(r, out, e);

	if (status < 0)
		return status;
	transforms_set(r->png);
	int passes = png_set_interlace_handling(r->png);
	png_read_update_info(r->png, r->info);
	size_t stride = (size_t)r->width * 4;
	if (png_get_rowbytes(r->png, r->info) != stride)
		return error_set(e, -EBADMSG, "broken PNG: its rows are not %zu bytes", stride);
	if (r->side > 1)
		status = rows_reduce(r, out, e);
	else if (passes > 1)
		rows_interlaced(r, passes, out);
	else
		for (int y = 0; y < r->height; y++)
			row_read(r, out->data + (size_t)y * stride);
	if (status == 0)
		png_read_end(r->png, NULL);
	return status;
}

int png_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e)
{
	struct png_reader r = {.input = {data, size, e}, .size = size};
	volatile int status = -EBADMSG;

	r.png = png_create_read_struct_2(
		PNG_LIBPNG_VER_STRING, &r.input, complain, ignore, &r.input, memory_take, memory_free);
	r.info = r.png ? png_create_info_struct(r.png) : NULL;
	if (!r.info) {
		png_destroy_read_struct(&r.png, NULL, NULL);
		return error_set(e, -ENOMEM, "no memory to read a PNG");
	}
	/* libpng's way to report an error: its error function must not return. */
	if (setjmp(png_jmpbuf(r.png)) == 0) { // NOLINT(cert-err52-cpp)
		png_set_read_fn(r.png, &r.input, bytes_take);
		png_set_user_limits(
			r.png, INT_MAX, INT_MAX); /* picture_reduction checks it with a better message */
		/* All but pixels, palette and transparency: libpng reserves whatever they claim to hold. */
		png_set_keep_unknown_chunks(r.png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
		status = rows_read(&r, out, e);
	}
	png_destroy_read_struct(&r.png, &r.info, NULL);
	free(r.row);
	free(r.sums);
	if (status < 0 && r.input.no_memory)
		status = -ENOMEM;
	if (status < 0)
		out->width = out->height = 0;
	else
		*orientation = png_orientation(data, size);
	return status;
}

bool png_begins(const uint8_t *data, size_t size)
{
	return size >= 8 && png_sig_cmp(data, 0, 8) == 0;
}
