/* SPDX-License-Identifier: MIT */
/*
 * Times how a camera's frame of random codes becomes a network's input: bench_view [ROUNDS [WIDTH HEIGHT]].
 * The three ways take turns, and the least time of each is told, µs: libyuv's conversion of the middle and
 * its bilinear scaler; the whole picture and then the view; the view of the frame as it is.
 */
#include "base/clock.h"
#include "image/decode.h"
#include "image/view.h"

#include <libyuv.h>
#include <stdio.h>
#include <stdlib.h>

#define WAYS 3
#define INPUT_MOST (224 * 224 * 3)

static const struct camera {
	const char *name;
	enum pixel_format format;
} cameras[] = {{"YUYV", PIXEL_YUYV}, {"NV12", PIXEL_NV12}, {"BGRX", PIXEL_BGRX}};

static const struct looker {
	const char *name;
	struct view view;
	int side, channels, bits;
} lookers[] = {
	{"40x40", {0}, 40, 3, 8},
	{"224x224", {0}, 224, 3, 8},
	{"ink", {.kind = VIEW_INK, .size = 0.6, .fill = 20.0 / 28}, 28, 1, 8},
	{"face", {.kind = VIEW_FACE, .fill = 0.9}, 48, 1, 8},
};

struct bench {
	struct raw_picture raw;
	struct picture picture, middle, small;
	uint8_t input[INPUT_MOST];
};

static void bilinear(struct bench *b, const struct looker *looker)
{
	const struct raw_picture *raw = &b->raw;
	int side = raw->width < raw->height ? raw->width : raw->height;
	int left = (raw->width - side) / 2 & ~1, top = (raw->height - side) / 2 & ~1;
	const uint8_t *luma = raw->data + (ptrdiff_t)top * raw->width;
	const uint8_t *chroma =
		raw->data + (ptrdiff_t)raw->width * raw->height + (ptrdiff_t)top / 2 * raw->width;

	if (picture_resize(&b->middle, side, side) || picture_resize(&b->small, looker->side, looker->side))
		abort();
	if (raw->format == PIXEL_YUYV)
		YUY2ToARGB(raw->data + ((ptrdiff_t)top * raw->width + left) * 2, raw->width * 2,
			b->middle.data, side * 4, side, side);
	else if (raw->format == PIXEL_NV12)
		NV12ToARGB(luma + left, raw->width, chroma + left, raw->width, b->middle.data, side * 4, side,
			side);
	else
		ARGBCopy(raw->data + ((ptrdiff_t)top * raw->width + left) * 4, raw->width * 4, b->middle.data,
			side * 4, side, side);
	ARGBScale(b->middle.data, side * 4, side, side, b->small.data, looker->side * 4, looker->side,
		looker->side, kFilterBilinear);
}

static void look(struct bench *b, const struct looker *looker, const struct pixels *pixels)
{
	struct picture_area area;

	view_look_at(&looker->view, VIEW_FROM_CAMERA, pixels, NULL, 0, looker->side, looker->side, &area);
	view_input_of(&looker->view, VIEW_FROM_CAMERA, pixels, &area, b->input, looker->side, looker->side,
		looker->channels, looker->bits);
}

static void run(struct bench *b, const struct looker *looker, int way)
{
	struct pixels pixels;

	if (way == 0) {
		bilinear(b, looker);
		return;
	}
	if (way == 2 ? raw_picture_pixels(&b->raw, &pixels, NULL)
		     : picture_decode(&b->raw, 1, &b->picture, NULL))
		abort();
	if (way == 1)
		pixels = picture_pixels(&b->picture);
	look(b, looker, &pixels);
}

int main(int argc, char **argv)
{
	static struct bench b;
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	int width = argc > 3 ? atoi(argv[2]) : 1280, height = argc > 3 ? atoi(argv[3]) : 720;

	if (width < 2 || height < 2 || raw_picture_reserve(&b.raw, (size_t)width * (size_t)height * 4))
		return 1;
	b.raw.width = width;
	b.raw.height = height;
	b.raw.size = b.raw.capacity;
	for (size_t i = 0; i < b.raw.size; i++)
		b.raw.data[i] = (uint8_t)(i * i >> 7);
	printf("%-5s %-8s %9s %9s %9s\n", "", "", "bilinear", "picture", "as it is");
	for (size_t c = 0; c < sizeof(cameras) / sizeof(cameras[0]); c++)
		for (size_t l = 0; l < sizeof(lookers) / sizeof(lookers[0]); l++) {
			int64_t least[WAYS] = {INT64_MAX, INT64_MAX, INT64_MAX};
			b.raw.format = cameras[c].format;
			for (int i = 0; i < rounds * WAYS; i++) {
				int64_t begun = clock_now();
				run(&b, &lookers[l], i % WAYS);
				int64_t took = clock_now() - begun;
				least[i % WAYS] = took < least[i % WAYS] ? took : least[i % WAYS];
			}
			printf("%-5s %-8s", cameras[c].name, lookers[l].name);
			for (int i = 0; i < WAYS; i++)
				printf(" %9.1f", (double)least[i] / NS_PER_US);
			putchar('\n');
		}
	picture_finish(&b.picture);
	picture_finish(&b.middle);
	picture_finish(&b.small);
	raw_picture_finish(&b.raw);
	return 0;
}
