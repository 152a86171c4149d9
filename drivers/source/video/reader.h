/* SPDX-License-Identifier: MIT */
/* One video, from its container to raw pictures. Motion JPEG is handed on as it is, unless it is turned. */
#ifndef SOURCE_VIDEO_READER_H
#define SOURCE_VIDEO_READER_H

#include "source/video/convert.h"
#include "source/video/input.h"

#include <libavcodec/avcodec.h>

struct reader {
	struct video_input input;
	AVCodecContext *codec; /* NULL: Motion JPEG, not decoded by libavcodec */
	AVFrame *frame;
	struct converter converter;
	double rate; /* frames a second; 0: the stream does not say */
	bool own_rate;
	bool drained;
	bool failed;	     /* the demuxer failed: nothing follows */
	uint64_t number;     /* of the next picture, broken ones counted */
	int64_t stamp, time; /* of the last picture: the stream's, and ours; ns */
};

/*
 * rate: at which the pictures are due; 0: as the stream says. As input_open, and -EBADMSG where there is no
 * decoder. The interruption must outlive the reader, and the reader must not move. Call reader_close whatever
 * the result.
 */
int reader_open(
	struct reader *r, const char *name, double rate, struct interruption *interruption, struct error *e);

/*
 * The next picture, and when it is due: ns of a clock of the video's own, which advances by the stream's time
 * stamps, or by the rate where they jump, as in cut or damaged files. 0; -EBADMSG: a broken picture, go on;
 * -ENODATA at the end, -EIO where the video breaks off, -ETIMEDOUT, -ECANCELED, -ENOMEM.
 */
int reader_next(struct reader *r, struct raw_picture *raw, int64_t *due, struct error *e);

/* "h264, 1920×1080, 25 frames a second", as it is shown. */
void reader_describe(const struct reader *r, char *text, size_t size);

void reader_close(struct reader *r);

#endif
