/* SPDX-License-Identifier: MIT */
#include "pl/chain/chain.h"

#include "base/error.h"

#include <errno.h>
#include <stddef.h>

/* A clamp that holds nothing back is none. */
static bool is_clamped(const struct layer *l)
{
	int most = l->output_bits < TENSOR_SUMS ? (1 << l->output_bits) - 1 : 0;

	return (l->clamp_low || l->clamp_high) && (l->clamp_low > 0 || l->clamp_high < most);
}

/* What the layer is or has that no PL can do; NULL: nothing. */
static const char *foreign(const struct network *network, int layer)
{
	const struct layer *l = &network->layers[layer];

	if (!layer_has_weights(l) && l->kind != LAYER_MAX_POOL)
		return "is neither a convolution nor a max pool";
	if (layer_reads(l) != 1 || network_from(network, layer, 0) != layer - 1)
		return "does not read just the layer before it";
	if (l->input_bits == TENSOR_SUMS || l->epilogue == EPILOGUE_SUMS)
		return "reads or gives sums, not codes";
	if (l->stride_height != l->stride_width)
		return "has two different strides";
	if (l->dilation_height > 1 || l->dilation_width > 1)
		return "has a dilated kernel";
	if (l->pad_code && (l->pad_top || l->pad_left || l->pad_bottom || l->pad_right))
		return "is padded with another code than 0";
	if (l->weight_offset)
		return "has an offset on its weights";
	if (is_clamped(l))
		return "clamps its codes";
	return NULL;
}

int chain_check(const struct network *network, int layer, const char *pl, struct error *e)
{
	const struct layer *l = &network->layers[layer];
	const char *what = foreign(network, layer);

	if (!what)
		return 0;
	return error_set(e, -ENOTSUP, "layer \"%s\" (%s) %s; the %s cannot run it", l->name ? l->name : "",
		layer_kind_name(l), what, pl);
}
