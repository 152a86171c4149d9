/* SPDX-License-Identifier: MIT */
/* Raw pictures and picture files of every format: finds the codec that reads them. */
#include "image/decode.h"

#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Larger files are refused, bytes. */
#define FILE_SIZE_MAXIMUM ((off_t)1 << 30)

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

/* Reads to the end of an open regular file. */
static int content_read(int fd, struct raw_picture *raw)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_size > FILE_SIZE_MAXIMUM)
		return -EFBIG;
	if (raw_picture_reserve(raw, (size_t)status.st_size + 1) < 0)
		return -ENOMEM;
	while (raw->size < raw->capacity) {
		ssize_t got = read(fd, raw->data + raw->size, raw->capacity - raw->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		raw->size += (size_t)got;
	}
	return -EFBIG; /* it grows while it is read */
}

static int file_read(const char *path, struct raw_picture *raw, struct error *e)
{
	/* O_NONBLOCK: a pipe without a writer must not block before it is refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set(e, -errno, "%s: %s", path, strerror(errno));
	int status = content_read(fd, raw);
	close(fd);
	if (status == -EISDIR)
		return error_set(e, status, "%s: is a folder, not a picture", path);
	if (status == -EINVAL)
		return error_set(e, status, "%s: is not a regular file", path);
	if (status < 0)
		return error_set(e, status, "%s: %s", path, strerror(-status));
	if (raw->size == 0)
		return error_set(e, -EBADMSG, "%s: is empty", path);
	return 0;
}

int picture_read_file(const char *path, struct picture *out, struct error *e)
{
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct error cause = {0};

	int status = file_read(path, &raw, e);
	if (status < 0)
		goto out;
	if (jpeg_begins(raw.data, raw.size)) {
		status = jpeg_read(raw.data, raw.size, 1, out, &cause);
		if (status == 0)
			status = picture_orient(out, jpeg_orientation(raw.data, raw.size));
	} else if (png_begins(raw.data, raw.size)) {
		status = png_read(raw.data, raw.size, out, &cause);
	} else {
		status = error_set(&cause, -EBADMSG, "is not a picture that twobit reads (JPEG, PNG)");
	}
	if (status < 0)
		error_set(e, status, "%s: %s", path, cause.code ? cause.text : strerror(-status));
out:
	raw_picture_finish(&raw);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}
