/* SPDX-License-Identifier: MIT */
/* Encodes pictures as JPEG for sources that give none, and reads the size in a JPEG's header. */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>

/* libjpeg's headers need stdio.h before them, and jerror.h counts its messages by the ABI that jpeglib.h
 * names: 6.2 in Debian, 8 in Ubuntu. */
#include <jpeglib.h>

#include <jerror.h>

struct jpeg_writer {
	struct jpeg_compress_struct compress;
	struct jpeg_error_mgr manager;
	struct jpeg_destination_mgr destination;
	jmp_buf escape;
	struct error *e;
	int status;
};

_Noreturn static void escape(j_common_ptr common)
{
	struct jpeg_writer *writer = common->client_data;
	char message[JMSG_LENGTH_MAX];

	common->err->format_message(common, message);
	bool memory = common->err->msg_code == JERR_OUT_OF_MEMORY;
	writer->status = error_set(
		writer->e, memory ? -ENOMEM : -EINVAL, "a picture cannot be made a JPEG: %s", message);
	longjmp(writer->escape, 1);
}

static void begin(j_compress_ptr compress)
{
	(void)compress;
}

static boolean overflow(j_compress_ptr compress)
{
	ERREXIT(compress, JERR_BUFFER_SIZE);
	return FALSE;
}

/* The most that a JPEG of 4:2:2 takes, as libjpeg-turbo's tjBufSize reckons. */
static size_t size_limit(const struct picture *picture)
{
	size_t width = ((size_t)picture->width + 15) / 16 * 16;
	size_t height = ((size_t)picture->height + 7) / 8 * 8;

	return width * height * 4 + 2048;
}

static void compress(struct jpeg_writer *writer, const struct picture *picture, int quality)
{
	struct jpeg_compress_struct *c = &writer->compress;

	c->dest = &writer->destination;
	c->image_width = (JDIMENSION)picture->width;
	c->image_height = (JDIMENSION)picture->height;
	c->input_components = 4;
	c->in_color_space = JCS_EXT_BGRX;
	jpeg_set_defaults(c);
	jpeg_set_quality(c, quality, TRUE);
	c->dct_method = JDCT_ISLOW;
	c->comp_info[0].h_samp_factor = 2; /* 4:2:2, what most cameras give at best */
	c->comp_info[0].v_samp_factor = 1;
	jpeg_start_compress(c, TRUE);
	while (c->next_scanline < c->image_height) {
		uint8_t *row = picture->data + (size_t)c->next_scanline * (size_t)picture->width * 4;
		jpeg_write_scanlines(c, &row, 1);
	}
	jpeg_finish_compress(c);
}

int picture_encode_jpeg(const struct picture *picture, int quality, struct raw_picture *out, struct error *e)
{
	struct jpeg_writer writer = {.e = e};
	size_t limit = size_limit(picture);

	if (raw_picture_reserve(out, limit))
		return error_set(
			e, -ENOMEM, "no memory for a JPEG of %d×%d pixels", picture->width, picture->height);
	writer.compress.err = jpeg_std_error(&writer.manager);
	writer.compress.client_data = &writer;
	writer.manager.error_exit = escape;
	writer.destination = (struct jpeg_destination_mgr){.next_output_byte = out->data,
		.free_in_buffer = limit,
		.init_destination = begin,
		.empty_output_buffer = overflow,
		.term_destination = begin};
	/* libjpeg's way to report an error: its error_exit must not return. */
	if (setjmp(writer.escape) == 0) { // NOLINT(cert-err52-cpp)
		jpeg_create_compress(&writer.compress);
		compress(&writer, picture, quality);
	}
	jpeg_destroy_compress(&writer.compress);
	if (writer.status < 0)
		return writer.status;
	out->format = PIXEL_JPEG;
	out->rotation = 0;
	out->width = picture->width;
	out->height = picture->height;
	out->size = limit - writer.destination.free_in_buffer;
	return 0;
}

/* SOF0 … SOF15, of which 4, 8 and 12 are other markers (ITU-T T.81, table B.1). */
static bool begins_frame(uint8_t marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

int picture_jpeg_size(const uint8_t *data, size_t size, int *width, int *height)
{
	size_t at = 2; /* after SOI */

	if (!jpeg_begins(data, size))
		return -EBADMSG;
	while (at + 9 <= size && data[at] == 0xff) {
		uint8_t marker = data[at + 1];
		size_t length = (size_t)data[at + 2] << 8 | data[at + 3]; /* counts its own two bytes */
		if (marker == 0xff) {					  /* a fill byte */
			at++;
			continue;
		}
		if (begins_frame(marker)) {
			*height = data[at + 5] << 8 | data[at + 6];
			*width = data[at + 7] << 8 | data[at + 8];
			return *width && *height ? 0 : -EBADMSG;
		}
		if (marker == 0xda || length < 2 || length > size - at - 2)
			break;
		at += 2 + length;
	}
	return -EBADMSG;
}
