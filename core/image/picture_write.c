/* SPDX-License-Identifier: MIT */
#include "image/picture_write.h"

#include "base/error.h"
#include "base/file.h"
#include "image/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

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
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	if (dot && !strcasecmp(dot, ".png"))
		return png_write;
	if (dot && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg")))
		return jpeg_write;
	error_set(e, -EINVAL, "a picture is written as .jpg, .jpeg or .png; \"%s\" ends otherwise",
		slash ? slash + 1 : path);
	return NULL;
}

/* Creates the temporary file beside the path, under the name that it sets. Returns a descriptor. */
static int temporary_create(const char *path, char name[PATH_MAX])
{
	struct stat old;

	if (stat(path, &old) == 0 && !S_ISREG(old.st_mode))
		return S_ISDIR(old.st_mode) ? -EISDIR : -ENXIO;
	if (snprintf(name, PATH_MAX, "%s.%ld.tmp", path, (long)getpid()) >= PATH_MAX)
		return -ENAMETOOLONG;
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return fd < 0 ? -errno : fd;
}

static int failed(const char *path, int status, struct error *e)
{
	if (status == -EISDIR || status == -ENXIO)
		return error_set(e, status, "%s: is not a regular file", path);
	return error_set(e, status, "%s: cannot be written: %s", path, strerror(-status));
}

int picture_write_check(const char *path, struct error *e)
{
	char name[PATH_MAX];

	if (!encoder_find(path, e))
		return -EINVAL;
	int fd = temporary_create(path, name);
	if (fd < 0)
		return failed(path, fd, e);
	close(fd);
	unlink(name);
	return 0;
}

/* Writes and closes the file. */
static int temporary_write(
	int fd, picture_encoder *encode, const struct picture *picture, struct error *cause)
{
	FILE *file = fdopen(fd, "wb");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	errno = 0;
	int status = encode(file, picture, cause);
	/* The data must be on the disk before the name is: a power cut keeps the old file or the new one. */
	if (status == 0 && fflush(file) != 0)
		status = -EIO;
	if (status == -EIO && errno)
		status = -errno;
	if (status == 0)
		status = file_sync(fd);
	if (fclose(file) != 0 && status == 0)
		status = -errno;
	return status;
}

int picture_write(const char *path, const struct picture *picture, struct error *e)
{
	char name[PATH_MAX];
	struct error cause = {0};
	picture_encoder *encode = encoder_find(path, e);

	if (!encode)
		return -EINVAL;
	if (picture->width < 1 || picture->height < 1)
		return error_set(e, -EINVAL, "%s: there is no picture to write", path);
	int fd = temporary_create(path, name);
	if (fd < 0)
		return failed(path, fd, e);
	int status = temporary_write(fd, encode, picture, &cause);
	if (status == 0 && rename(name, path) < 0)
		status = -errno;
	if (status == 0)
		return 0;
	unlink(name);
	return cause.text[0] ? error_set(e, status, "%s: %s", path, cause.text) : failed(path, status, e);
}

int picture_write_new(const char *path, const struct picture *picture, struct error *e)
{
	/* The name is taken first: no other program can take it while the picture is written. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return failed(path, -errno, e);
	close(fd);
	int status = picture_write(path, picture, e);
	if (status < 0)
		unlink(path);
	return status;
}
