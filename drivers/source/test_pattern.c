/* SPDX-License-Identifier: MIT */
/*
 * `test`: colour bars, a disc that moves across them, and the frame's number in binary along the lower edge,
 * the lowest bit at the right. A frame's picture depends on its number and size only.
 */
#include "base/clock.h"
#include "base/error.h"
#include "source/drivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTER_BITS 16

struct test_pattern {
	struct pacer pacer;
	int width, height;
	double rate;
	uint64_t number;
};

/* 75 % bars: grey, yellow, cyan, green, magenta, red, blue, black; 0xffRRGGBB is B, G, R, X in memory. */
static const uint32_t bars[8] = {
	0xffbfbfbf,
	0xffbfbf00,
	0xff00bfbf,
	0xff00bf00,
	0xffbf00bf,
	0xffbf0000,
	0xff0000bf,
	0xff101010,
};

static void pixel_put(uint8_t *at, uint32_t colour)
{
	for (int c = 0; c < 4; c++)
		at[c] = (uint8_t)(colour >> 8 * c);
}

static void rectangle_fill(
	const struct test_pattern *p, uint8_t *data, int x0, int x1, int y0, int y1, uint32_t colour)
{
	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++)
			pixel_put(data + ((size_t)y * (size_t)p->width + (size_t)x) * 4, colour);
}

/* A position that moves between 0 and range and back, `speed` a frame. */
static int bounce(uint64_t number, int range, int speed)
{
	if (range < 1)
		return 0;
	int at = (int)(number % (2 * (uint64_t)range) * (uint64_t)speed % (2 * (uint64_t)range));
	return at < range ? at : 2 * range - at;
}

static void disc_draw(const struct test_pattern *p, uint8_t *data)
{
	int radius = (p->width < p->height ? p->width : p->height) / 6;
	int speed = 1 + p->width / 200;
	int cx = radius + bounce(p->number, p->width - 1 - 2 * radius, speed);
	int cy = radius + bounce(p->number, p->height - 1 - 2 * radius, 1 + speed / 2);

	for (int y = cy - radius; y <= cy + radius; y++) {
		for (int x = cx - radius; x <= cx + radius; x++) {
			int64_t dx = x - cx;
			int64_t dy = y - cy;
			if (dx * dx + dy * dy > (int64_t)radius * radius)
				continue;
			pixel_put(data + ((size_t)y * (size_t)p->width + (size_t)x) * 4, 0xfff8f8f8);
		}
	}
}

static void counter_draw(const struct test_pattern *p, uint8_t *data)
{
	int top = p->height - p->height / 16;

	for (int i = 0; i < COUNTER_BITS; i++) {
		int begin = (int)((int64_t)p->width * i / COUNTER_BITS);
		int end = (int)((int64_t)p->width * (i + 1) / COUNTER_BITS);
		bool set = p->number >> (COUNTER_BITS - 1 - i) & 1;
		rectangle_fill(p, data, begin, end, top, p->height, set ? 0xffffffff : 0xff000000);
	}
}

static void frame_draw(const struct test_pattern *p, uint8_t *data)
{
	size_t stride = (size_t)p->width * 4;

	for (int i = 0; i < 8; i++)
		rectangle_fill(p, data, (int)((int64_t)p->width * i / 8),
			(int)((int64_t)p->width * (i + 1) / 8), 0, 1, bars[i]);
	for (int y = 1; y < p->height; y++)
		memcpy(data + (size_t)y * stride, data, stride);
	disc_draw(p, data);
	counter_draw(p, data);
}

static bool test_accepts(const char *source)
{
	return strcmp(source, "test") == 0;
}

static int test_open(const char *source, const struct source_options *options, void **state, struct error *e)
{
	(void)source;
	struct test_pattern *p = calloc(1, sizeof(*p));
	if (!p || pacer_init(&p->pacer, options->paced) < 0) {
		free(p);
		return error_set(e, -ENOMEM, "no memory for the test pattern");
	}
	p->width = options->width ? options->width : 1280;
	p->height = options->height ? options->height : 720;
	p->rate = options->rate > 0 ? options->rate : 30;
	*state = p;
	return 0;
}

static int test_next(void *state, struct frame *frame, struct error *e)
{
	struct test_pattern *p = state;
	size_t size = (size_t)p->width * (size_t)p->height * 4;

	if (raw_picture_reserve(&frame->raw, size) < 0)
		return error_set(e, -ENOMEM, "no memory for a frame of %d×%d pixels", p->width, p->height);
	frame_draw(p, frame->raw.data);
	frame->raw.format = PIXEL_BGRX;
	frame->raw.width = p->width;
	frame->raw.height = p->height;
	frame->raw.size = size;
	frame->name = NULL;
	int status = pacer_wait(&p->pacer, (int64_t)((double)p->number * 1e9 / p->rate));
	if (status < 0)
		return status;
	frame->stamps[STAMP_CAPTURED] = clock_now();
	p->number++;
	return 0;
}

static void test_describe(const void *state, char *text, size_t size)
{
	const struct test_pattern *p = state;

	snprintf(text, size, "test pattern, %d×%d, %g frames a second", p->width, p->height, p->rate);
}

static void test_stop(void *state)
{
	struct test_pattern *p = state;

	pacer_stop(&p->pacer);
}

static void test_close(void *state)
{
	struct test_pattern *p = state;

	pacer_finish(&p->pacer);
	free(p);
}

const struct source_driver source_test_pattern = {
	.name = "test",
	.summary = "a generated moving pattern of any size and rate",
	.accepts = test_accepts,
	.open = test_open,
	.describe = test_describe,
	.next = test_next,
	.close = test_close,
	.stop = test_stop,
};
