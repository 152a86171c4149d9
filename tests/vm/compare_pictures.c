/* SPDX-License-Identifier: MIT */
/*
 * Prints what a screen dump shows. A region is X,Y,WIDTHxHEIGHT, or "all" for the whole picture. Exits 1
 * where there is no number, or parts of two frames.
 *
 * compare_pictures difference PICTURE REGION PICTURE REGION: mean absolute difference, 0 … 255, as "3.52".
 * The second region is scaled to the size of the first.
 *
 * compare_pictures number PICTURE REGION: the number of the simulated camera's frame that is shown.
 *
 * compare_pictures brightness PICTURE REGION: mean of all samples.
 */
#include "base/error.h"
#include "image/decode.h"
#include "pattern.h"

#include <errno.h>
#include <libyuv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void complain(const char *text)
{
	fprintf(stderr, "compare_pictures: %s\n", text);
	exit(2);
}

static struct picture read_picture(const char *path)
{
	struct picture picture = {0};
	struct error e;

	if (picture_read_file(path, &picture, &e) < 0)
		complain(e.text);
	return picture;
}

static struct region read_region(const char *text, const struct picture *picture)
{
	struct region r = {0, 0, picture->width, picture->height};

	if (strcmp(text, "all") == 0)
		return r;
	if (sscanf(text, "%d,%d,%dx%d", &r.x, &r.y, &r.width, &r.height) != 4 || r.x < 0 || r.y < 0 ||
		r.width < 1 || r.height < 1 || r.x > picture->width - r.width ||
		r.y > picture->height - r.height)
		complain("a region is X,Y,WIDTHxHEIGHT, inside the picture");
	return r;
}

static const uint8_t *first_pixel(const struct picture *picture, struct region r)
{
	return picture->data + ((size_t)r.y * picture->width + r.x) * 4;
}

/* Over B, G and R; the fourth byte of a pixel means nothing. */
static double mean_difference(
	const uint8_t *a, int a_stride, const uint8_t *b, int b_stride, int width, int height)
{
	double sum = 0;

	for (int y = 0; y < height; y++)
		for (int i = 0; i < 4 * width; i++)
			if (i % 4 != 3)
				sum += abs(a[(ptrdiff_t)y * a_stride + i] - b[(ptrdiff_t)y * b_stride + i]);
	return sum / (3.0 * width * height);
}

static int difference(char **arguments)
{
	struct picture a = read_picture(arguments[0]), b = read_picture(arguments[2]), scaled = {0};
	struct region ra = read_region(arguments[1], &a), rb = read_region(arguments[3], &b);

	if (picture_resize(&scaled, ra.width, ra.height) < 0 ||
		ARGBScale(first_pixel(&b, rb), 4 * b.width, rb.width, rb.height, scaled.data, 4 * ra.width,
			ra.width, ra.height, kFilterBilinear) < 0)
		complain("cannot scale");
	printf("%.2f\n", mean_difference(first_pixel(&a, ra), 4 * a.width, scaled.data, 4 * ra.width,
				 ra.width, ra.height));
	picture_finish(&a);
	picture_finish(&b);
	picture_finish(&scaled);
	return 0;
}

static int number(char **arguments)
{
	struct picture picture = read_picture(arguments[0]);
	unsigned found;
	int failed = pattern_read_number(&picture, read_region(arguments[1], &picture), &found);

	picture_finish(&picture);
	if (failed) {
		fputs(failed == -EILSEQ ? "parts of two frames\n" : "no frame number\n", stderr);
		return 1;
	}
	printf("%u\n", found);
	return 0;
}

static int brightness(char **arguments)
{
	struct picture picture = read_picture(arguments[0]);
	struct region r = read_region(arguments[1], &picture);
	uint8_t *black = calloc((size_t)r.width, 4);

	if (!black)
		complain("no memory");
	printf("%.2f\n",
		mean_difference(first_pixel(&picture, r), 4 * picture.width, black, 0, r.width, r.height));
	free(black);
	picture_finish(&picture);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "difference") == 0)
		return difference(argv + 2);
	if (argc == 4 && strcmp(argv[1], "number") == 0)
		return number(argv + 2);
	if (argc == 4 && strcmp(argv[1], "brightness") == 0)
		return brightness(argv + 2);
	complain(
		"difference PICTURE REGION PICTURE REGION, number PICTURE REGION, or brightness PICTURE "
		"REGION");
}
