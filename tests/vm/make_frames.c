/* SPDX-License-Identifier: MIT */
/*
 * make_frames FOLDER [PICTURE…]: the JPEG frames of the simulated camera, FOLDER/WIDTHxHEIGHT/NNN.jpg.
 * Without pictures 256 frames of the numbered pattern; else the middle of each picture.
 */
#include "base/error.h"
#include "image/decode.h"
#include "pattern.h"

#include <stdio.h> /* jpeglib.h needs it before it */

#include <errno.h>
#include <jpeglib.h>
#include <libyuv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NUMBERED_FRAMES 256
#define NOISY_FRAMES 8
#define QUALITY 90
#define BAND 16 /* lines of a 4:2:0 JPEG's row of blocks */

static const struct {
	int width, height;
} sizes[] = {{640, 480}, {1280, 720}, {320, 240}};

static void require(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "make_frames: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* As cameras compress: 4:2:0, the samples unchanged. */
static void write_jpeg(FILE *file, const struct canvas *c)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_stdio_dest(&jpeg, file);
	jpeg.image_width = (JDIMENSION)c->width;
	jpeg.image_height = (JDIMENSION)c->height;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_YCbCr;
	jpeg_set_defaults(&jpeg);
	jpeg_set_quality(&jpeg, QUALITY, TRUE);
	jpeg.raw_data_in = TRUE;
	jpeg_start_compress(&jpeg, TRUE);
	for (int y = 0; y < c->height; y += BAND) {
		JSAMPROW luma[BAND], u[BAND / 2], v[BAND / 2];
		JSAMPARRAY planes[] = {luma, u, v};
		for (int i = 0; i < BAND; i++)
			luma[i] = c->y.data + (ptrdiff_t)(y + i) * c->y.stride;
		for (int i = 0; i < BAND / 2; i++) {
			u[i] = c->u.data + (ptrdiff_t)(y / 2 + i) * c->u.stride;
			v[i] = c->v.data + (ptrdiff_t)(y / 2 + i) * c->v.stride;
		}
		jpeg_write_raw_data(&jpeg, planes, BAND);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
}

/* The largest middle part of the picture that has the canvas's shape. */
static void draw_picture(const struct canvas *c, const struct picture *picture)
{
	int width = picture->width, height = picture->width * c->height / c->width;
	struct picture scaled = {0};

	if (height > picture->height) {
		height = picture->height;
		width = picture->height * c->width / c->height;
	}
	const uint8_t *first = picture->data + 4 * ((size_t)(picture->height - height) / 2 * picture->width +
							   (picture->width - width) / 2);
	require(picture_resize(&scaled, c->width, c->height) == 0 &&
			ARGBScale(first, 4 * picture->width, width, height, scaled.data, 4 * c->width,
				c->width, c->height, kFilterBox) == 0 &&
			ARGBToJ420(scaled.data, 4 * c->width, c->y.data, c->y.stride, c->u.data, c->u.stride,
				c->v.data, c->v.stride, c->width, c->height) == 0,
		"picture");
	picture_finish(&scaled);
}

/* Adds noise of at most one level to each sample: no two pictures of a camera are the same. */
static void add_noise(const struct canvas *c)
{
	static uint32_t state = 1;

	for (int i = 0; i < c->width * c->height; i++) {
		state = state * 1664525 + 1013904223;
		if (c->y.data[i] > 0 && c->y.data[i] < 255)
			c->y.data[i] += (uint8_t)((state >> 24) % 3 - 1);
	}
}

static void write_frames(
	const char *folder, const char *suffix, const struct canvas *canvas, bool numbered, int count)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%dx%d.%s", folder, canvas->width, canvas->height, suffix);
	file = fopen(path, "wb");
	require(file != NULL, path);
	for (int i = 0; i < count; i++) {
		if (numbered)
			pattern_draw_number(canvas, (unsigned)i);
		else if (i)
			add_noise(canvas);
		write_jpeg(file, canvas);
	}
	require(fclose(file) == 0, path);
}

static void make_size(const char *folder, int width, int height, const struct picture *picture)
{
	uint8_t *memory = malloc(pattern_size(PIXEL_I420, width, height));
	struct canvas canvas = pattern_canvas(PIXEL_I420, memory, width, height);

	require(memory != NULL, "memory");
	canvas.full_range = true;
	if (picture)
		draw_picture(&canvas, picture);
	else
		pattern_draw(&canvas);
	write_frames(folder, "jpg", &canvas, !picture, 1);
	write_frames(folder, "mjpeg", &canvas, !picture, picture ? NOISY_FRAMES : NUMBERED_FRAMES);
	free(memory);
}

int main(int argc, char **argv)
{
	struct picture picture = {0};
	struct error e;

	require(argc > 1, "a folder is needed");
	require(mkdir(argv[1], 0755) == 0 || errno == EEXIST, argv[1]);
	if (argc > 2)
		require(picture_read_file(argv[2], &picture, &e) == 0, argv[2]);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		make_size(argv[1], sizes[i].width, sizes[i].height, argc > 2 ? &picture : NULL);
	picture_finish(&picture);
	return 0;
}
