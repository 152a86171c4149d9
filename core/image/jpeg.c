/* SPDX-License-Identifier: MIT */
/*
 * JPEG by libjpeg-turbo, strictly: a file that other programs show with a grey lower half counts as broken.
 */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>

/* libjpeg's headers need stdio.h before them, and jerror.h counts its messages by the ABI that jpeglib.h
 * names: 6.2 in Debian, 8 in Ubuntu. */
#include <jpeglib.h>

#include <jerror.h>

struct jpeg_reader {
	struct jpeg_decompress_struct decompress;
	struct jpeg_error_mgr manager;
	struct jpeg_progress_mgr progress;
	struct picture_time time;
	jmp_buf escape;
	struct error *e;
	int status;
};

_Noreturn static void escape(j_common_ptr common)
{
	struct jpeg_reader *reader = common->client_data;
	char message[JMSG_LENGTH_MAX];

	common->err->format_message(common, message);
	if (common->err->msg_code == JERR_OUT_OF_MEMORY)
		reader->status = error_set(reader->e, -ENOMEM, "no memory to decode a JPEG of this size");
	else if (common->err->msg_code ==
		 JERR_NO_BACKING_STORE) /* there is no room below max_memory_to_use */
		reader->status = error_set(reader->e, -EBADMSG,
			"it is %u×%u pixels, which as a progressive JPEG take more than %ld MiB to decode",
			reader->decompress.image_width, reader->decompress.image_height,
			JPEG_MEMORY_MAXIMUM >> 20);
	else
		reader->status = error_set(reader->e, -EBADMSG, "broken JPEG: %s", message);
	longjmp(reader->escape, 1);
}

/* libjpeg calls it for each row of blocks or of pixels. */
static void progress_check(j_common_ptr common)
{
	struct jpeg_reader *reader = common->client_data;

	if (reader->decompress.input_scan_number > JPEG_SCANS_MAXIMUM)
		reader->status = error_set(reader->e, -EBADMSG,
			"it has more than %d scans, which no camera and no program makes",
			JPEG_SCANS_MAXIMUM);
	else if (picture_time_is_up(&reader->time))
		reader->status = error_set(reader->e, -EBADMSG, PICTURE_TAKES_LONG);
	else
		return;
	longjmp(reader->escape, 1);
}

/* level < 0 is a warning. Those about bytes between markers or in headers leave the pixels whole. */
static void message_judge(j_common_ptr common, int level)
{
	switch (common->err->msg_code) {
	case JWRN_EXTRANEOUS_DATA:
	case JWRN_JFIF_MAJOR:
	case JWRN_ADOBE_XFORM:
	case JWRN_BOGUS_ICC:
		return;
	default:
		if (level < 0)
			escape(common);
	}
}

/* Ink on white paper to light; Adobe's programs store the inverse of the ink. */
static void cmyk_to_bgrx(uint8_t *row, int width, bool inverted)
{
	uint8_t flip = inverted ? 0 : 255;

	for (int x = 0; x < width; x++, row += 4) {
		int key = row[3] ^ flip;
		int red = row[0] ^ flip;
		int blue = row[2] ^ flip;
		row[0] = (uint8_t)((blue * key + 127) / 255);
		row[1] = (uint8_t)(((row[1] ^ flip) * key + 127) / 255);
		row[2] = (uint8_t)((red * key + 127) / 255);
		row[3] = 255;
	}
}

/* The scales that libjpeg-turbo has vector code for; the others cost more than the full size. */
int picture_jpeg_reduction(double scale)
{
	int reduction = 8;

	while (reduction > 1 && scale * reduction > 1)
		reduction /= 2;
	return reduction;
}

static int decompress(
	struct jpeg_reader *reader, const uint8_t *data, size_t size, double scale, struct picture *out)
{
	struct jpeg_decompress_struct *d = &reader->decompress;

	jpeg_mem_src(d, data, size);
	jpeg_read_header(d, TRUE);
	int reduction = picture_reduction(d->image_width, d->image_height, size, reader->e);
	if (reduction < 0)
		return reduction;
	d->scale_denom = (unsigned int)picture_jpeg_reduction(scale);
	if (d->scale_denom < (unsigned int)reduction)
		d->scale_denom = (unsigned int)reduction;
	jpeg_calc_output_dimensions(d);
	int status = picture_claim(out, d->output_width, d->output_height, reader->e);
	if (status < 0)
		return status;
	bool cmyk = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
	/* BGRA rather than BGRX: it sets the fourth byte, so that equal pictures are equal in memory. */
	d->out_color_space = cmyk ? JCS_CMYK : JCS_EXT_BGRA;
	d->dct_method = JDCT_ISLOW;
	d->do_fancy_upsampling = TRUE;
	jpeg_start_decompress(d);
	while (d->output_scanline < d->output_height) {
		uint8_t *row = out->data + (size_t)d->output_scanline * (size_t)out->width * 4;
		jpeg_read_scanlines(d, &row, 1);
		if (cmyk)
			cmyk_to_bgrx(row, out->width, d->saw_Adobe_marker);
	}
	jpeg_finish_decompress(d);
	return 0;
}

int jpeg_read(const uint8_t *data, size_t size, double scale, struct picture *out, struct error *e)
{
	struct jpeg_reader reader = {.e = e};

	reader.decompress.err = jpeg_std_error(&reader.manager);
	reader.decompress.client_data = &reader;
	reader.manager.error_exit = escape;
	reader.manager.emit_message = message_judge;
	reader.progress.progress_monitor = progress_check;
	if (size == 0)
		return error_set(e, -EBADMSG, "broken JPEG: it is empty");
	/* libjpeg's way to report an error: its error_exit must not return. */
	if (setjmp(reader.escape) == 0) { // NOLINT(cert-err52-cpp)
		jpeg_create_decompress(&reader.decompress);
		reader.decompress.mem->max_memory_to_use = JPEG_MEMORY_MAXIMUM;
		reader.decompress.progress = &reader.progress;
		reader.status = decompress(&reader, data, size, scale, out);
	}
	jpeg_destroy_decompress(&reader.decompress);
	if (reader.status < 0)
		out->width = out->height = 0;
	return reader.status;
}

int jpeg_read_file(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e)
{
	*orientation = jpeg_orientation(data, size);
	return jpeg_read(data, size, 1, out, e);
}

bool jpeg_begins(const uint8_t *data, size_t size)
{
	return size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}
