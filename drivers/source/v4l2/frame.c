/* SPDX-License-Identifier: MIT */
/* What is in a camera's buffer: is it whole, how many are lost before it, when was it taken, does it move. */
#include "base/clock.h"
#include "source/v4l2/v4l2.h"

#include <errno.h>
#include <string.h>

/* A JPEG's end marker is searched for in so many last bytes, besides zeros. */
#define JPEG_JUNK 65536

/* A larger gap in the sequence numbers is no loss: the camera counts anew. */
#define GAP_MAXIMUM 65536

/* The longest time for which a picture waits in the driver's queue, ns. */
#define WAIT_MAXIMUM (10 * NS_PER_S)

/* So many equal, or different, pictures in a row count as frozen, or as moving. */
#define MOTION_FRAMES 10
#define TIMEOUT (2 * NS_PER_S)
#define TIMEOUT_MAXIMUM (60 * NS_PER_S)

/* The quick look reads 64 bytes of each so many. */
#define SAMPLE_STEP 2048

struct plane {
	size_t offset, stride, row, rows;
};

static int planes_of(
	enum pixel_format format, size_t width, size_t height, size_t stride, struct plane planes[3])
{
	size_t half = (width + 1) / 2;
	size_t half_rows = (height + 1) / 2;

	switch (format) {
	case PIXEL_YUYV:
	case PIXEL_UYVY:
		planes[0] = (struct plane){0, stride, half * 4, height};
		return 1;
	case PIXEL_BGRX:
		planes[0] = (struct plane){0, stride, width * 4, height};
		return 1;
	case PIXEL_GREY:
		planes[0] = (struct plane){0, stride, width, height};
		return 1;
	case PIXEL_NV12:
		planes[0] = (struct plane){0, stride, width, height};
		planes[1] = (struct plane){stride * height, stride, half * 2, half_rows};
		return 2;
	case PIXEL_I420:
		planes[0] = (struct plane){0, stride, width, height};
		planes[1] = (struct plane){stride * height, stride / 2, half, half_rows};
		planes[2] =
			(struct plane){stride * height + stride / 2 * half_rows, stride / 2, half, half_rows};
		return 3;
	case PIXEL_JPEG:
		break;
	}
	return 0;
}

size_t v4l2_picture_size(enum pixel_format format, int width, int height)
{
	struct plane planes[3];
	size_t size = 0;
	int count = planes_of(format, (size_t)width, (size_t)height, 0, planes);

	for (int i = 0; i < count; i++)
		size += planes[i].row * planes[i].rows;
	return size;
}

int v4l2_picture_copy(enum pixel_format format, int width, int height, size_t stride, const uint8_t *from,
	size_t size, uint8_t *to)
{
	struct plane planes[3];
	int count = planes_of(format, (size_t)width, (size_t)height, stride, planes);

	for (int i = 0; i < count; i++) {
		const struct plane *p = &planes[i];
		if (p->stride < p->row || p->offset + p->stride * (p->rows - 1) + p->row > size)
			return -EBADMSG;
	}
	for (int i = 0; i < count; i++) {
		const struct plane *p = &planes[i];
		bool whole = p->stride == p->row;
		size_t row = whole ? p->row * p->rows : p->row;
		for (size_t y = 0; y < (whole ? 1 : p->rows); y++, to += row)
			memcpy(to, from + p->offset + y * p->stride, row);
	}
	return 0;
}

size_t v4l2_jpeg_length(const uint8_t *data, size_t size)
{
	size_t end = size;

	if (size < 4 || data[0] != 0xff || data[1] != 0xd8)
		return 0;
	while (end > 4 && data[end - 1] == 0)
		end--;
	for (size_t junk = 0; end >= 4 && junk <= JPEG_JUNK; end--, junk++)
		if (data[end - 2] == 0xff && data[end - 1] == 0xd9)
			return end;
	return 0;
}

uint32_t v4l2_sequence_gap(uint32_t before, uint32_t now)
{
	uint32_t gap = now - before - 1; /* modulo 2³², as the driver counts */

	return gap > GAP_MAXIMUM ? 0 : gap;
}

int64_t v4l2_capture_time(uint32_t flags, int64_t stamp, int64_t now)
{
	if ((flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		return now;
	return stamp > now || now - stamp > WAIT_MAXIMUM ? now : stamp;
}

/* Each step is invertible, so that a difference in one place is never lost. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 32;
}

/* Of 64 bytes in each `step`. */
static uint64_t hash_of(const uint8_t *data, size_t size, size_t step)
{
	uint64_t hash = size;
	size_t i = 0;

	for (; i + 64 <= size; i += step) {
		uint64_t words[8];
		memcpy(words, data + i, 64);
		for (int k = 0; k < 8; k++)
			hash = mix(hash, words[k]);
	}
	for (; i < size; i++)
		hash = mix(hash, data[i]);
	return hash;
}

/* A moving picture differs in the quick look already; only equal ones are hashed as a whole. */
static bool same_again(struct v4l2_frozen *f, const uint8_t *data, size_t size)
{
	uint64_t sample = hash_of(data, size, SAMPLE_STEP);
	bool same = f->begun && sample == f->sample;

	f->begun = true;
	f->sample = sample;
	if (!same) {
		f->full_known = false;
		return false;
	}
	uint64_t full = hash_of(data, size, 64);
	same = !f->full_known || full == f->full;
	f->full = full;
	f->full_known = true;
	return same;
}

enum v4l2_motion v4l2_frozen_look(struct v4l2_frozen *f, const uint8_t *data, size_t size, int64_t now)
{
	if (!f->timeout)
		f->timeout = TIMEOUT;
	if (!same_again(f, data, size)) {
		f->same = 0;
		f->since = now;
		if (f->different < MOTION_FRAMES)
			f->different++;
		if (f->different < MOTION_FRAMES || !f->reported)
			return MOTION_USUAL;
		f->reported = false;
		f->timeout = TIMEOUT;
		return MOTION_BACK;
	}
	f->different = 0;
	if (++f->same < MOTION_FRAMES - 1 || now - f->since < f->timeout)
		return MOTION_USUAL;
	/* A covered lens gives the same picture too: restart ever more rarely, and report it no more. */
	bool first = !f->reported;
	f->reported = true;
	f->same = 0;
	f->since = now;
	f->timeout = f->timeout * 2 < TIMEOUT_MAXIMUM ? f->timeout * 2 : TIMEOUT_MAXIMUM;
	return first ? MOTION_FROZEN : MOTION_STILL;
}
