/* SPDX-License-Identifier: MIT */
/* From what libavcodec decodes, in any pixel format, to raw pictures: upright, with square pixels. */
#ifndef SOURCE_VIDEO_CONVERT_H
#define SOURCE_VIDEO_CONVERT_H

#include "source/video/geometry.h"

#include <libavutil/frame.h>

struct SwsContext;
struct error;

/* Memory that is kept between pictures. Zeroed to begin with. */
struct converter {
	struct SwsContext *scaler;
	AVFrame *bgra;
	struct picture picture, scaled;
};

/* Frees the memory and zeroes the struct. */
void converter_finish(struct converter *c);

/*
 * 4:2:0 in BT.601 studio range that is shown as it is becomes I420 or NV12; all else becomes BGRX, in the
 * colours that the frame declares (BT.601 as in JPEG where it declares none), over black where it is
 * transparent. Messages name no file. -EBADMSG: a size or pixels that cannot be read, -ENOMEM.
 */
int converter_run(struct converter *c, const AVFrame *frame, const struct geometry *g,
	struct raw_picture *raw, struct error *e);

/* A Motion JPEG frame that is not shown as it is, in the place of its bytes. -EBADMSG, -ENOMEM. */
int converter_run_jpeg(
	struct converter *c, const struct geometry *g, struct raw_picture *raw, struct error *e);

#endif
