/* SPDX-License-Identifier: MIT */
#include "measure/measure.h"

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
