/* SPDX-License-Identifier: MIT */
#include "measure/measure.h"

#include "base/error.h"
#include "image/decode.h"
#include "image/view.h"

#include <errno.h>

void measure_source(const struct network *network, struct source_options *out)
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

int measure_open_source(const struct network *network, struct source **source, struct frame_pool **pool,
	struct frame **frame, struct error *e)
{
	struct source_options pattern;
	int classes = network->class_count ? network->class_count : 1;

	measure_source(network, &pattern);
	int status = source_open("test", &pattern, source, e);
	if (!status && frame_pool_create(1, shape_size(network->layers[0].in), classes, pool))
		status = error_set(e, -ENOMEM, "out of memory for a picture");
	if (!status)
		*frame = frame_acquire(*pool);
	return status;
}

int measure_decode(const struct network *network, struct frame *frame, struct error *e)
{
	const struct layer *first = &network->layers[0];
	struct picture_area area;
	int status = picture_decode(&frame->raw, 1, &frame->picture, e);

	if (status)
		return status;
	view_look(&network->view, VIEW_FROM_CAMERA, &frame->picture, NULL, 0, first->in.width,
		first->in.height, &area);
	view_input(&network->view, VIEW_FROM_CAMERA, &frame->picture, &area, frame->input, first->in.width,
		first->in.height, first->in.channels, first->input_bits);
	return 0;
}
