/* SPDX-License-Identifier: MIT */
#include "support/layer.h"

#include "nn/reference.h"

static int outputs(int in, int pads, int kernel, int dilation, int stride)
{
	return (in + pads - ((kernel - 1) * dilation + 1)) / stride + 1;
}

void layer_measure(struct layer *layer)
{
	layer->out.height = outputs(layer->in.height, layer->pad_top + layer->pad_bottom,
		layer->kernel_height, layer->dilation_height, layer->stride_height);
	layer->out.width = outputs(layer->in.width, layer->pad_left + layer->pad_right, layer->kernel_width,
		layer->dilation_width, layer->stride_width);
}

size_t layer_output_size(const struct layer *layer)
{
	return tensor_bytes((struct tensor){layer->out, layer->output_bits});
}

void layer_compute(const struct layer *layer, const uint8_t *in, void *out)
{
	reference_layer(layer, &(struct reference_input){{layer->in, layer->input_bits}, in}, out);
}
