/* SPDX-License-Identifier: MIT */
/* The one place that decides what is a picture. */
#include "image/formats.h"

#include "base/build.h"
#include "base/file.h"
#include "image/codec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#if !TWOBIT_HAVE_WEBP
#define webp_read NULL
#endif
#if TWOBIT_HAVE_HEIF
#pragma weak picture_heif
static const struct module_part heif_part = {"heif", "picture_heif", &picture_heif};
#define HEIF_PART &heif_part
#else
#define HEIF_PART NULL
#endif

const struct module_part *const picture_part = HEIF_PART;

static bool webp_begins(const uint8_t *data, size_t size)
{
	return size >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0;
}

/* The brand of an ISO base media file (ISO/IEC 14496-12, 4.3), of those for one picture (23008-12, AVIF 1.1).
 */
static bool brand_is(const uint8_t *data, size_t size, const char *brands)
{
	if (size < 12 || memcmp(data + 4, "ftyp", 4) != 0)
		return false;
	for (; *brands; brands += 4)
		if (memcmp(data + 8, brands, 4) == 0)
			return true;
	return false;
}

static bool avif_begins(const uint8_t *data, size_t size)
{
	return brand_is(data, size, "avifavis");
}

static bool heic_begins(const uint8_t *data, size_t size)
{
	return brand_is(data, size, "heicheixheimheishevchevxmif1msf1");
}

static const struct codec codecs[] = {
	{"JPEG", jpeg_begins, jpeg_read_file},
	{"PNG", png_begins, png_read},
	{"WebP", webp_begins, webp_read},
	{"GIF", gif_begins, gif_read},
	{"BMP", bmp_begins, bmp_read},
	{"AVIF", avif_begins, NULL, HEIF_PART},
	{"HEIC", heic_begins, NULL, HEIF_PART},
};

const struct codec *codec_find(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (codecs[i].begins(data, size))
			return &codecs[i];
	return NULL;
}

const char *picture_format(const uint8_t *data, size_t size)
{
	const struct codec *codec = codec_find(data, size);

	return codec ? codec->name : NULL;
}

static bool ends_with(const char *name, const char *const *endings)
{
	const char *dot = strrchr(name, '.');

	for (; dot && *endings; endings++)
		if (strcasecmp(dot + 1, *endings) == 0)
			return true;
	return false;
}

/* Whether a name ends as a picture's does. */
static bool picture_named(const char *name)
{
	static const char *const endings[] = {
		"jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "avif", "heic", "heif", NULL};

	return ends_with(name, endings);
}

/* MJPEG videos begin like the first of their JPEGs. */
static bool film_named(const char *name)
{
	static const char *const endings[] = {"mjpg", "mjpeg", NULL};

	return ends_with(name, endings);
}

/* O_NONBLOCK: opening a pipe must not block; its first bytes must not be lost. */
static bool content_is_picture(int folder, const char *name)
{
	uint8_t begin[PICTURE_BEGIN];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return false;
	bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	ssize_t got = regular ? pread(fd, begin, sizeof(begin), 0) : -1;
	close(fd);
	return got > 0 && codec_find(begin, (size_t)got);
}

bool picture_file(int folder, const char *name)
{
	struct stat status;

	if (fstatat(folder, name, &status, 0) < 0 || !S_ISREG(status.st_mode) || film_named(name))
		return false;
	return picture_named(name) || content_is_picture(folder, name);
}

bool picture_file_moves(const char *path)
{
	uint8_t *data;
	size_t size;

	if (file_read(AT_FDCWD, path, PICTURE_FILE_MAXIMUM, &data, &size, NULL))
		return false;
	bool moves = gif_moves(data, size);
	free(data);
	return moves;
}
