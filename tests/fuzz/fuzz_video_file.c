/* SPDX-License-Identifier: MIT */
/*
 * A video file of a stranger, as `replay` and `live` read it: what the container says, its packets, its
 * JPEGs. libavformat and libavcodec have fuzzers of their own; here counts what we make of their answers.
 */
#include "fuzz.h"

#include "base/error.h"
#include "image/decode.h"
#include "image/limits.h"
#include "source/source.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file of 8 KB that says it has more repeats itself. */
#define FRAMES_MOST 20

static void frame_check(const struct raw_picture *raw)
{
	struct picture picture = {0};
	struct error e = {0};

	promise(raw->size <= raw->capacity && raw->width >= 0 && raw->height >= 0);
	/* Larger ones find no more faults, and take long. */
	if (raw->width > 64 || raw->height > 64)
		return;
	int status = picture_decode(raw, 1, &picture, &e);
	promise(status == 0 ? picture.width > 0 && picture.height > 0 : e.code == status && e.text[0]);
	picture_finish(&picture);
}

static void read_some(struct source *source)
{
	struct frame frame = {0};
	struct error e = {0};
	int status = 0;

	promise(source_description(source)[0]);
	for (int i = 0; i < FRAMES_MOST && (status == 0 || status == -EBADMSG); i++) {
		e.text[0] = '\0';
		status = source_next(source, &frame, &e);
		promise(status <= 0);
		if (status == 0)
			frame_check(&frame.raw);
		else if (status != -ENODATA)
			promise(e.text[0]);
	}
	raw_picture_finish(&frame.raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source_options options = {0};
	struct source *source = NULL;
	struct error e = {0};
	char name[40];
	int file = memfd_create("video", MFD_CLOEXEC);

	promise(file >= 0);
	promise(size == 0 || write(file, data, size) == (ssize_t)size);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	int status = source_open(name, &options, &source, &e);
	promise(status <= 0 && !status == !!source);
	if (status)
		promise(e.text[0]);
	else
		read_some(source);
	source_close(source);
	close(file);
	return 0;
}
