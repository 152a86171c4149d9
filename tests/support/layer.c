/* SPDX-License-Identifier: MIT */
#include "support/layer.h"

#include <stdlib.h>

void layer_measure(struct layer *layer)
{
	layer->out.height = (layer->in.height + layer->pad_top + layer->pad_bottom - layer->kernel_height) /
				    layer->stride +
			    1;
	layer->out.width =
		(layer->in.width + layer->pad_left + layer->pad_right - layer->kernel_width) / layer->stride +
		1;
}

size_t layer_output_size(const struct layer *layer)
{
	return shape_size(layer->out) * (layer->epilogue == EPILOGUE_SCORES ? sizeof(int32_t) : 1);
}

void layer_finish(struct layer *layer)
{
	free(layer->weights);
	free(layer->thresholds);
	free(layer->invert);
	free(layer->multiplier);
	free(layer->shift);
	free(layer->bias);
}
