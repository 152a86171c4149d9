/* SPDX-License-Identifier: MIT */
#include "image/picture_write.h"

#include "base/error.h"
#include "base/output_file.h"
#include "base/path.h"
#include "image/codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define JPEG_QUALITY 95 /* a snapshot is looked at, and small enough */

typedef int picture_encoder(FILE *file, const struct picture *picture, struct error *e);

static int jpeg_write(FILE *file, const struct picture *picture, struct error *e)
{
	struct raw_picture jpeg = {0};
	int status = picture_encode_jpeg(picture, JPEG_QUALITY, &jpeg, e);

	if (!status && fwrite(jpeg.data, 1, jpeg.size, file) != jpeg.size)
		status = -EIO;
	raw_picture_finish(&jpeg);
	return status;
}

/* The encoder for the name's ending; NULL: there is none, and *e says which there are. */
static picture_encoder *encoder_find(const char *path, struct error *e)
{
	const char *name = path_last(path), *dot = strrchr(name, '.');

	if (dot && !strcasecmp(dot, ".png"))
		return png_write;
	if (dot && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg")))
		return jpeg_write;
	if (name[0])
		error_set(e, -EINVAL, "a picture is written as .jpg, .jpeg or .png; \"%s\" ends otherwise",
			name);
	else
		error_set(e, -EINVAL, "a picture is written as .jpg, .jpeg or .png; \"%s\" %s", path,
			path[0] ? "is a folder, by the slash at its end" : "is no name");
	return NULL;
}

static int open_output(struct output_file *out, const char *path, unsigned flags, struct error *e)
{
	return encoder_find(path, e) ? output_file_open(out, path, OUTPUT_REGULAR | flags, e) : -EINVAL;
}

int picture_write_check(const char *path, struct error *e)
{
	struct output_file out;
	int status = open_output(&out, path, 0, e);

	if (!status)
		output_file_drop(&out);
	return status;
}

static int write_with(const char *path, unsigned flags, const struct picture *picture, struct error *e)
{
	struct output_file out;
	struct error cause = {0};

	if (picture->width < 1 || picture->height < 1)
		return error_set(e, -EINVAL, "%s: there is no picture to write", path);
	int status = open_output(&out, path, flags, e);
	if (status)
		return status;
	status = encoder_find(path, e)(out.file, picture, &cause);
	if (!cause.text[0])
		return output_file_close(&out, status, e);
	output_file_drop(&out);
	return error_set(e, status, "%s: %s", path, cause.text);
}

int picture_write(const char *path, const struct picture *picture, struct error *e)
{
	return write_with(path, 0, picture, e);
}

int picture_write_new(const char *path, const struct picture *picture, struct error *e)
{
	return write_with(path, OUTPUT_NEW, picture, e);
}
