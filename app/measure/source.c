/* SPDX-License-Identifier: MIT */
#include "measure/measure.h"

#include "base/error.h"
#include "image/decode.h"
#include "image/view.h"
#include "source/address.h"

#include <errno.h>

/* Broken pictures of a source, one after the other. */
#define BROKEN_MOST 1000

/* The pattern's size, pixels. */
static void pattern_size(const struct network *network, struct source_options *out)
{
	struct shape in = network->layers[0].in;
	int scale = network->view.kind == VIEW_CENTRE ? 1 : 2;

	*out = (struct source_options){.width = in.width * scale, .height = in.height * scale};
	if (network->view.kind == VIEW_FACE) /* as large as what is searched of a larger one */
		face_search_size(640, 480, &out->width, &out->height);
	out->width = out->width < 32			 ? 32
		     : out->width > PICTURE_SIDE_MAXIMUM ? PICTURE_SIDE_MAXIMUM
							 : out->width;
	out->height = out->height < 32			   ? 32
		      : out->height > PICTURE_SIDE_MAXIMUM ? PICTURE_SIDE_MAXIMUM
							   : out->height;
}

int measure_source_open(const struct network *network, const struct measure_options *options,
	struct source **out, struct error *e)
{
	struct source_options wanted = {.loop = true};

	if (!options->source) {
		pattern_size(network, &wanted);
		return source_open("test", &wanted, out, e);
	}
	if (source_is_camera(options->source) || address_is_stream(options->source))
		return error_set(e, -EINVAL,
			"%s: delivers at a pace of its own; give a picture, a folder of pictures or a video",
			options->source);
	return source_open(options->source, &wanted, out, e);
}

int measure_frame_open(const struct network *network, const struct measure_options *options,
	struct source **source, struct frame_pool **pool, struct frame **frame, struct error *e)
{
	int classes = network->class_count ? network->class_count : 1;
	int status = measure_source_open(network, options, source, e);

	if (!status && frame_pool_create(1, shape_size(network->layers[0].in), classes, pool))
		status = error_set(e, -ENOMEM, "out of memory for a picture");
	if (!status)
		*frame = frame_acquire(*pool);
	return status;
}

int measure_next(struct source *source, struct frame *frame, struct error *e)
{
	int status = -EBADMSG;

	for (int i = 0; i < BROKEN_MOST && status == -EBADMSG; i++)
		status = source_next(source, frame, e);
	return status;
}

int measure_picture(struct frame *frame, struct error *e)
{
	int status = picture_decode(&frame->raw, 1, &frame->picture, e);

	if (!status && raw_picture_has_pixels(&frame->raw))
		return raw_picture_pixels(&frame->raw, &frame->pixels, e);
	frame->pixels = picture_pixels(&frame->picture);
	return status;
}

void measure_view(const struct network *network, struct frame *frame)
{
	const struct layer *first = &network->layers[0];
	const struct shape in = first->in;

	view_look_at(
		&network->view, VIEW_FROM_CAMERA, &frame->pixels, NULL, 0, in.width, in.height, &frame->area);
	view_input_of(&network->view, VIEW_FROM_CAMERA, &frame->pixels, &frame->area, frame->input, in.width,
		in.height, in.channels, first->input_bits);
}
