/* SPDX-License-Identifier: MIT */
/*
 * HEIC and AVIF by libheif, which turns and mirrors as the file says: these formats' own way, beside which
 * EXIF does not count. Transparent pixels are laid on white.
 */
#include "base/error.h"
#include "image/codec.h"
#include "image/heif/claims.h"

#include <errno.h>
#include <libheif/heif.h>
#include <stdbool.h>

static int fault(struct heif_error cause, struct error *e)
{
	if (cause.code == heif_error_Ok)
		return 0;
	if (cause.code == heif_error_Memory_allocation_error &&
		cause.subcode != heif_suberror_Security_limit_exceeded)
		return error_set(e, -ENOMEM, "no memory to decode a HEIC or AVIF of this size");
	return error_set(e, -EBADMSG, "broken HEIC or AVIF: %s", cause.message);
}

static int pixels_copy(const struct heif_image *image, struct picture *out, struct error *e)
{
	int stride = 0;
	const uint8_t *rows = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);

	if (!rows || heif_image_get_width(image, heif_channel_interleaved) != out->width ||
		heif_image_get_height(image, heif_channel_interleaved) != out->height)
		return error_set(e, -EBADMSG, "broken HEIC or AVIF: its pixels are not as many as it says");
	uint8_t *to = out->data;
	for (int y = 0; y < out->height; y++) {
		const uint8_t *from = rows + (size_t)y * (size_t)stride;
		for (int x = 0; x < out->width; x++, from += 4, to += 4) {
			to[0] = from[2];
			to[1] = from[1];
			to[2] = from[0];
			to[3] = from[3];
		}
	}
	pixels_lay_on_white(out->data, (size_t)out->width * (size_t)out->height);
	return 0;
}

static int image_decode(
	const struct heif_image_handle *handle, size_t size, struct picture *out, struct error *e)
{
	struct heif_decoding_options *options = heif_decoding_options_alloc();
	struct heif_image *image = NULL;

	if (!options)
		return error_set(e, -ENOMEM, "no memory to decode a HEIC or AVIF");
	int status = picture_claim_whole(out, (uint32_t)heif_image_handle_get_width(handle),
		(uint32_t)heif_image_handle_get_height(handle), size, e);
	if (status == 0) {
		options->convert_hdr_to_8bit = true;
		status = fault(heif_decode_image(handle, &image, heif_colorspace_RGB,
				       heif_chroma_interleaved_RGBA, options),
			e);
	}
	if (status == 0)
		status = pixels_copy(image, out, e);
	heif_image_release(image);
	heif_decoding_options_free(options);
	return status;
}

static int context_read(
	struct heif_context *context, const uint8_t *data, size_t size, struct picture *out, struct error *e)
{
	struct heif_image_handle *handle = NULL;

	heif_context_set_maximum_image_size_limit(context, PICTURE_SIDE_MAXIMUM);
	int status = fault(heif_context_read_from_memory_without_copy(context, data, size, NULL), e);
	if (status == 0)
		status = fault(heif_context_get_primary_image_handle(context, &handle), e);
	if (status == 0)
		status = image_decode(handle, size, out, e);
	heif_image_handle_release(handle);
	return status;
}

static int heif_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e)
{
	struct heif_context *context = NULL;

	*orientation = 1;
	int status = heif_claims_check(data, size, e);
	if (status == 0 && !(context = heif_context_alloc()))
		status = error_set(e, -ENOMEM, "no memory to read a HEIC or AVIF");
	if (status == 0)
		status = context_read(context, data, size, out, e);
	heif_context_free(context);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}

const struct codec picture_heif = {"HEIC", NULL, heif_read};
