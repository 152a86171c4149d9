/* SPDX-License-Identifier: MIT */
/* WebP by libwebp; of an animation the first frame, on white. */
#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

/* Decodes a frame of the canvas to its place. */
static int frame_decode(const WebPIterator *frame, struct picture *canvas, struct error *e)
{
	WebPDecoderConfig config;

	if (!WebPInitDecoderConfig(&config))
		return error_set(e, -EBADMSG, "the installed libwebp is another version");
	size_t stride = (size_t)canvas->width * 4;
	size_t first = (size_t)frame->y_offset * stride + (size_t)frame->x_offset * 4;
	config.output.colorspace = MODE_BGRA;
	config.output.is_external_memory = 1;
	config.output.u.RGBA.rgba = canvas->data + first;
	config.output.u.RGBA.stride = (int)stride;
	config.output.u.RGBA.size = (size_t)canvas->height * stride - first;
	VP8StatusCode status = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
	WebPFreeDecBuffer(&config.output);
	if (status == VP8_STATUS_OUT_OF_MEMORY)
		return error_set(e, -ENOMEM, "no memory to decode a WebP of this size");
	return status == VP8_STATUS_OK ? 0 : error_set(e, -EBADMSG, "broken WebP: it cannot be decoded");
}

static int canvas_decode(const WebPDemuxer *demuxer, size_t size, struct picture *out, struct error *e)
{
	uint32_t width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
	uint32_t height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
	WebPIterator frame;

	int status = picture_claim_whole(out, width, height, size, e);
	if (status < 0)
		return status;
	if (!WebPDemuxGetFrame(demuxer, 1, &frame))
		return error_set(e, -EBADMSG, "broken WebP: it has no picture");
	memset(out->data, 255, (size_t)width * height * 4);
	/* libwebp checks that a frame lies on its canvas, but not that the file's chunk agrees with the
	 * frame's. */
	if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width > out->width - frame.x_offset ||
		frame.height > out->height - frame.y_offset)
		status = error_set(e, -EBADMSG, "broken WebP: its frame is larger than the picture");
	else
		status = frame_decode(&frame, out, e);
	WebPDemuxReleaseIterator(&frame);
	if (status == 0)
		pixels_lay_on_white(out->data, (size_t)width * height);
	return status;
}

int webp_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e)
{
	WebPData file = {data, size};
	WebPChunkIterator exif;

	WebPDemuxer *demuxer = WebPDemux(&file);
	if (!demuxer) {
		out->width = out->height = 0;
		return error_set(e, -EBADMSG, "broken WebP: it ends early, or its parts do not fit");
	}
	int status = canvas_decode(demuxer, size, out, e);
	if (status == 0 && WebPDemuxGetChunk(demuxer, "EXIF", 1, &exif)) {
		*orientation = exif_orientation(exif.chunk.bytes, exif.chunk.size);
		WebPDemuxReleaseChunkIterator(&exif);
	}
	WebPDemuxDelete(demuxer);
	if (status < 0)
		out->width = out->height = 0;
	return status;
}
