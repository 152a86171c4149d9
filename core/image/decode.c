/* SPDX-License-Identifier: MIT */
/* Raw pictures and picture files of every format: finds the codec that reads them. */
#include "image/decode.h"

#include "base/error.h"
#include "base/file.h"
#include "image/codec.h"
#include "image/formats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int picture_decode(const struct raw_picture *raw, double scale, struct picture *out, struct error *e)
{
	int status = raw->format == PIXEL_JPEG ? jpeg_read(raw->data, raw->size, scale, out, e)
					       : raw_picture_convert(raw, out, e);
	if (status == 0 && picture_rotate(out, raw->rotation) < 0)
		status = error_set(e, -ENOMEM, "no memory to turn %d×%d pixels", out->width, out->height);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}

static int whole_read(const char *path, uint8_t **data, size_t *size, struct error *e)
{
	struct error cause = {0};
	int stream = stream_open(path);

	if (stream < 0)
		return error_set(e, stream, "%s: %s", path, strerror(-stream));
	int status = stream_read(stream, PICTURE_FILE_MAXIMUM, data, size, &cause);
	close(stream);
	if (status == -EISDIR)
		return error_set(e, status, "%s: is a folder, not a picture", path);
	return status < 0 ? error_set(e, status, "%s: %s", path, cause.text) : 0;
}

int picture_read(const uint8_t *data, size_t size, struct picture *out, struct error *e)
{
	const struct codec *codec = codec_find(data, size);
	int orientation = 1;

	if (size == 0)
		return error_set(e, -EBADMSG, "is empty");
	if (!codec)
		return error_set(e, -EBADMSG, "is not a picture that twobit reads (%s)", PICTURE_FORMATS);
	if (!codec->read && !codec->part)
		return error_set(e, -EBADMSG, "is a picture in %s, and this build reads no %s (only %s)",
			codec->name, codec->name, PICTURE_FORMATS);
	const void *part = codec;
	int status = codec->read ? 0 : module_load(codec->part, &part, e);
	codec = part;
	if (status == 0)
		status = codec->read(data, size, out, &orientation, e);
	if (status == 0 && picture_orient(out, orientation) < 0)
		status = error_set(e, -ENOMEM, "no memory to turn %d×%d pixels", out->width, out->height);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}

int picture_read_file(const char *path, struct picture *out, struct error *e)
{
	struct error cause = {0};
	uint8_t *data = NULL;
	size_t size = 0;

	int status = whole_read(path, &data, &size, e);
	if (status == 0) {
		status = picture_read(data, size, out, &cause);
		if (status < 0)
			error_set(e, status, "%s: %s", path, cause.text);
	}
	free(data);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}
