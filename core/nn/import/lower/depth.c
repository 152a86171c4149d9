/* SPDX-License-Identifier: MIT */
/*
 * DepthToSpace, which lays the channels of a pixel out as block × block pixels. The pixels are set `block`
 * apart, with zeros between them; then a convolution whose windows hold just one of them picks the channel.
 */
#include "nn/import/lower/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <stdlib.h>

struct depth {
	int block, channels; /* of the output */
	bool columns_first;  /* the channels of one output channel lie together: mode CRD */
};

/* The input's channel of an output channel's pixel (y, x) of a block. */
static int channel_of(const struct depth *d, int channel, int y, int x)
{
	int place = y * d->block + x;

	return d->columns_first ? channel * d->block * d->block + place : place * d->channels + channel;
}

static int depth_read(struct lowering *l, const struct signal **in, struct depth *d, struct error *e)
{
	int64_t block = graph_integer(l->node, "blocksize", 0);
	int rc = signal_input(l, 0, in, e);

	if (rc)
		return rc;
	int channels = (*in)->shape.channels;
	if (!signal_is_picture(*in, l->node->inputs[0]))
		return node_error(l, -EBADMSG, e, "needs a picture [1, channels, height, width]");
	if (block < 1 || block > SIDE_LIMIT || channels % (block * block))
		return node_error(l, -EBADMSG, e, "its blocksize %lld does not fit %d channels",
			(long long)block, channels);
	if (!signal_is_codes(l, *in))
		return node_error(l, -EBADMSG, e, "what it reads is not quantised; %s", l->options->advice);
	*d = (struct depth){
		(int)block, channels / (int)(block * block), graph_text_is(l->node, "mode", "CRD")};
	return 0;
}

/* The scale and the offset of each output channel, which all channels of its pixels have. */
static int meaning_make(struct lowering *l, const struct depth *d, const struct term *from,
	const double *summand, struct signal *out, struct error *e)
{
	double *scale, *offset, *rest;
	int rc;

	if ((rc = numbers_take(l, d->channels, 0, &scale, e)) ||
		(rc = numbers_take(l, d->channels, 0, &offset, e)) ||
		(rc = numbers_take(l, d->channels, 0, &rest, e)))
		return rc;
	for (int c = 0; c < d->channels; c++)
		for (int i = 0; i < d->block * d->block; i++) {
			int channel = channel_of(d, c, i / d->block, i % d->block);

			if (i && (from->scale[channel] != scale[c] || from->offset[channel] != offset[c] ||
					 summand[channel] != rest[c]))
				return node_error(l, -EBADMSG, e,
					"the channels of a pixel have several scales; quantise them by one");
			scale[c] = from->scale[channel];
			offset[c] = from->offset[channel];
			rest[c] = summand[channel];
		}
	out->terms[0].scale = scale;
	out->terms[0].offset = offset;
	out->summand = rest;
	return 0;
}

/* Codes pass unchanged: their sums are of one code and zeros. */
static int arrays_make(struct lowering *l, const struct depth *d, struct layer *layer, struct error *e)
{
	size_t taps = (size_t)d->block * (size_t)d->block * (size_t)layer->in.channels;
	size_t channels = (size_t)d->channels;
	int last = d->block - 1, rc;

	if (taps * channels > WEIGHT_LIMIT)
		return node_error(l, -EOVERFLOW, e, "has more channels than a network can move");
	if ((rc = lowering_charge(l, channels, taps + 13, e)))
		return rc;
	layer->weights = calloc(channels, taps);
	layer->multiplier = calloc(channels, sizeof(*layer->multiplier));
	layer->shift = calloc(channels, sizeof(*layer->shift));
	layer->bias = calloc(channels, sizeof(*layer->bias));
	if (!layer->weights || !layer->multiplier || !layer->shift || !layer->bias)
		return node_error(l, -ENOMEM, e, "out of memory");
	for (int c = 0; c < d->channels; c++) {
		layer->multiplier[c] = 1;
		for (int y = 0; y < d->block; y++)
			for (int x = 0; x < d->block; x++) {
				size_t tap = (size_t)(last - y) * (size_t)d->block + (size_t)(last - x);

				layer->weights[(size_t)c * taps + tap * (size_t)layer->in.channels +
					       (size_t)channel_of(d, c, y, x)] = 1;
			}
	}
	return 0;
}

static int picks_build(struct lowering *l, const struct depth *d, int source, int *index, struct error *e)
{
	struct error cause = {0};
	int rc = layer_build(l, LAYER_CONV, source, index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer;
	layer->kernel_height = layer->kernel_width = d->block;
	layer->pad_top = layer->pad_left = layer->pad_bottom = layer->pad_right = d->block - 1;
	layer->out.channels = d->channels;
	layer->weight_bits = 2;
	layer->epilogue = EPILOGUE_REQUANTISE;
	layer->output_bits = layer->input_bits;
	if ((rc = layer_output_shape(layer, &layer->out, &cause)))
		return node_error(l, rc, e, "%s", cause.text);
	if ((rc = arrays_make(l, d, layer, e)) || (rc = reach_make(l, *index, e)))
		return rc;
	for (int c = 0; c < d->channels; c++)
		l->built[*index].high[c] = layer_levels(&l->built[*index].layer);
	return 0;
}

int depth_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct signal *in;
	struct depth d;
	int index, rc = depth_read(l, &in, &d, e);

	if (rc)
		return rc;
	const struct shape shape = in->shape;
	const struct spatial apart = {LAYER_UPSAMPLE, {1, 1}, {d.block, d.block}, {0},
		{(shape.height - 1) * d.block + 1, (shape.width - 1) * d.block + 1, shape.channels}};
	*out = *in;
	if (d.block == 1)
		return 0;
	if ((rc = meaning_make(l, &d, &in->terms[0], in->summand, out, e)) ||
		(rc = spatial_build(l, in->terms[0].source, &apart, &index, e)))
		return rc;
	l->built[index].layer.stuffed = true;
	if ((rc = picks_build(l, &d, index, &out->terms[0].source, e)))
		return rc;
	out->shape = l->built[out->terms[0].source].layer.out;
	return 0;
}
