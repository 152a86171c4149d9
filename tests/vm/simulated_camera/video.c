/* SPDX-License-Identifier: MIT */
#include "video.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const fault_names[FAULTS] = {
	"corrupt", "truncate", "garbage", "no-end", "empty", "error", "short", "lost-packets"};

static int read_file(const char *path, struct jpeg_frames *out)
{
	FILE *file = fopen(path, "rb");
	struct stat status;

	if (!file)
		return -errno;
	if (fstat(fileno(file), &status) == 0 && status.st_size > 0)
		out->data = malloc((size_t)status.st_size);
	if (out->data)
		out->size = fread(out->data, 1, (size_t)status.st_size, file);
	fclose(file);
	return out->size ? 0 : -EIO;
}

/* A frame ends with its end marker, which nothing else in it looks like. */
static int find_frames(struct jpeg_frames *frames)
{
	static const uint8_t end_marker[] = {0xff, 0xd9};
	size_t position = 0;

	while (position < frames->size) {
		const uint8_t *found = memmem(
			frames->data + position, frames->size - position, end_marker, sizeof(end_marker));
		size_t *ends = realloc(frames->ends, (size_t)(frames->count + 1) * sizeof(*ends));
		if (!ends)
			return -ENOMEM;
		frames->ends = ends;
		if (!found)
			return -EBADMSG;
		position = (size_t)(found - frames->data) + sizeof(end_marker);
		ends[frames->count++] = position;
	}
	return 0;
}

static int load_frames(struct video *video, int size)
{
	struct uvc_size s = uvc_formats[UVC_MJPEG].sizes[size];
	struct jpeg_frames *frames = video->mjpeg + size;
	char *path;
	int failed;

	if (frames->count)
		return 0;
	if (asprintf(&path, "%s/%ux%u.mjpeg", video->folder, s.width, s.height) < 0)
		return -ENOMEM;
	failed = read_file(path, frames);
	if (!failed)
		failed = find_frames(frames);
	if (failed)
		camera_log("%s: %s", path, strerror(-failed));
	free(path);
	return failed;
}

void video_begin(struct video *video, const char *folder)
{
	*video = (struct video){.folder = folder, .chance = 1};
}

void video_finish(struct video *video)
{
	for (int i = 0; i < VIDEO_SIZES; i++) {
		free(video->mjpeg[i].data);
		free(video->mjpeg[i].ends);
	}
	free(video->still);
	free(video->data);
	*video = (struct video){0};
}

static uint32_t random_bits(struct video *video)
{
	video->chance = video->chance * 1664525 + 1013904223;
	return video->chance >> 8;
}

static int reserve(struct video *video, size_t bytes)
{
	uint8_t *larger;

	if (bytes <= video->capacity)
		return 0;
	larger = realloc(video->data, bytes);
	if (!larger)
		return -ENOMEM;
	video->data = larger;
	video->capacity = bytes;
	return 0;
}

static int draw_still(struct video *video, const struct uvc_stream_choice *choice)
{
	static const enum pixel_format formats[UVC_FORMATS] = {
		[UVC_YUYV] = PIXEL_YUYV, [UVC_NV12] = PIXEL_NV12, [UVC_GREY] = PIXEL_GREY};
	struct uvc_size size = uvc_formats[choice->format].sizes[choice->size];

	if (video->still && choice->format == video->choice.format && choice->size == video->choice.size)
		return 0;
	free(video->still);
	video->still = malloc(uvc_frame_size(choice->format, choice->size));
	if (!video->still)
		return -ENOMEM;
	video->canvas = pattern_canvas(formats[choice->format], video->still, size.width, size.height);
	pattern_draw(&video->canvas);
	return 0;
}

static int copy_frame(struct video *video, const uint8_t *data, size_t size)
{
	int failed = reserve(video, size);

	if (!failed) {
		memcpy(video->data, data, size);
		video->size = size;
	}
	return failed;
}

static int make_frame(struct video *video, const struct uvc_stream_choice *choice)
{
	int failed;

	if (choice->format == UVC_MJPEG) {
		const struct jpeg_frames *frames = video->mjpeg + choice->size;
		failed = load_frames(video, choice->size);
		if (failed)
			return failed;
		int i = (int)(video->number % (unsigned)frames->count);
		size_t first = i ? frames->ends[i - 1] : 0;
		return copy_frame(video, frames->data + first, frames->ends[i] - first);
	}
	failed = draw_still(video, choice);
	if (failed)
		return failed;
	video->choice = *choice;
	pattern_draw_number(&video->canvas, video->number % PATTERN_NUMBERS);
	return copy_frame(video, video->still, uvc_frame_size(choice->format, choice->size));
}

/* Leaves the first kilobyte, with a JPEG's headers, as it is. */
static void turn_bits(struct video *video)
{
	if (video->size < 2048)
		return;
	for (int i = 0; i < 64; i++)
		video->data[1024 + random_bits(video) % (video->size - 1024)] ^=
			(uint8_t)(1 << random_bits(video) % 8);
}

static void spoil(struct video *video, enum fault fault)
{
	switch (fault) {
	case FAULT_CORRUPT:
		turn_bits(video);
		break;
	case FAULT_TRUNCATE:
		video->size /= 2;
		break;
	case FAULT_GARBAGE:
		for (size_t i = 0; i < video->size; i++)
			video->data[i] = (uint8_t)random_bits(video);
		break;
	case FAULT_NO_END:
		video->size -= video->size > 2 ? 2 : 0;
		break;
	case FAULT_EMPTY:
		video->size = 0;
		break;
	case FAULT_ERROR:
		video->error = true;
		break;
	case FAULT_SHORT:
		video->size -= video->size / 16;
		break;
	default:
		break;
	}
}

int video_next(struct video *video, const struct uvc_stream_choice *choice, bool again)
{
	int failed;

	if (!again || !video->begun)
		video->number = video->begun++;
	failed = make_frame(video, choice);
	if (failed)
		return failed;
	video->spoiled = video->error = false;
	for (int fault = 0; fault < FAULT_LOST_PACKETS; fault++) {
		if (!video->faults[fault])
			continue;
		video->faults[fault]--;
		video->spoiled = true;
		spoil(video, (enum fault)fault);
		camera_log("frame %u %s", video->number, fault_names[fault]);
	}
	return 0;
}
