/* SPDX-License-Identifier: MIT */
/* Videos in files and from pipes, once, at their own times. */
#include "base/clock.h"
#include "base/error.h"
#include "source/drivers.h"
#include "source/video/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct video {
	struct pacer pacer;
	struct interruption interruption;
	struct reader reader;
	bool any; /* a frame was delivered */
};

static void video_close(void *state)
{
	struct video *v = state;

	reader_close(&v->reader);
	if (v->interruption.stop >= 0)
		close(v->interruption.stop);
	pacer_finish(&v->pacer);
	free(v);
}

static int video_open(const char *source, const struct source_options *options, void **state, struct error *e)
{
	struct video *v = calloc(1, sizeof(*v));

	if (!v || pacer_init(&v->pacer, options->paced) < 0) {
		free(v);
		return error_set(e, -ENOMEM, "%s: no memory", source);
	}
	v->interruption = (struct interruption){.stop = eventfd(0, EFD_CLOEXEC),
		.give_up = options->give_up > 0 ? options->give_up : -1,
		.deadline = INT64_MAX};
	int status = reader_open(&v->reader, source, options->rate, &v->interruption, e);
	if (status == 0 && v->interruption.stop < 0)
		status = error_set(e, -EMFILE, "%s: too many files are open", source);
	if (status < 0) {
		video_close(v);
		return status;
	}
	*state = v;
	return 0;
}

static int video_next(void *state, struct frame *frame, struct error *e)
{
	struct video *v = state;
	int64_t due;

	if (pacer_stopped(&v->pacer))
		return -ECANCELED;
	frame->name = NULL;
	int status = reader_next(&v->reader, &frame->raw, &due, e);
	if (status == 0)
		status = pacer_wait(&v->pacer, due);
	if (status == 0)
		frame->stamps[STAMP_CAPTURED] = clock_now();
	v->any |= status == 0;
	if (status == -EIO) /* what came before it can be used */
		return v->any ? -EBADMSG : -ENOMSG;
	if (status != -ENODATA)
		return status;
	return v->any ? error_set(e, status, "%s: the video is over", v->reader.input.shown)
		      : error_set(e, -ENOMSG, "%s: holds no picture that can be decoded",
				v->reader.input.shown);
}

static void video_describe(const void *state, char *text, size_t size)
{
	const struct video *v = state;
	char stream[128];

	reader_describe(&v->reader, stream, sizeof(stream));
	snprintf(text, size, "video, %s", stream);
}

static void video_stop(void *state)
{
	struct video *v = state;

	pacer_stop(&v->pacer);
	eventfd_write(v->interruption.stop, 1);
}

const struct source_driver source_video_file = {
	.open = video_open,
	.describe = video_describe,
	.next = video_next,
	.close = video_close,
	.stop = video_stop,
};
