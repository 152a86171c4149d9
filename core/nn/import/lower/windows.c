/* SPDX-License-Identifier: MIT */
/* Windows that move over pictures: their attributes, pools, upsampling, padding. */
#include "nn/import/lower/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Two numbers of the attribute, `otherwise` when it is missing. */
int pair_read(struct lowering *l, const char *name, int otherwise, int pair[2], struct error *e)
{
	const struct onnx_attribute *attribute = graph_attribute(l->node, name);

	pair[0] = pair[1] = otherwise;
	if (!attribute)
		return 0;
	if (attribute->count != 2)
		return node_error(l, -EBADMSG, e,
			"%s must have 2 numbers, not %d; only pictures are filtered", name, attribute->count);
	for (int i = 0; i < 2; i++) {
		if (attribute->integers[i] < 1 || attribute->integers[i] > SIDE_LIMIT)
			return node_error(
				l, -EBADMSG, e, "%s holds %lld", name, (long long)attribute->integers[i]);
		pair[i] = (int)attribute->integers[i];
	}
	return 0;
}

/* So much that the output has the input's size, divided by the stride. */
static void same_pads(const struct signal *in, const int kernel[2], const int stride[2],
	const int dilation[2], bool upper, int pads[4])
{
	const int sizes[] = {in->shape.height, in->shape.width};

	for (int i = 0; i < 2; i++) {
		int all = ((sizes[i] + stride[i] - 1) / stride[i] - 1) * stride[i] +
			  (kernel[i] - 1) * dilation[i] + 1 - sizes[i];

		all = all < 0 ? 0 : all;
		pads[i] = upper ? all / 2 : all - all / 2;
		pads[i + 2] = all - pads[i];
	}
}

/* Those of the node and of a Pad before it. */
int pads_read(struct lowering *l, const struct signal *in, const int kernel[2], const int stride[2],
	const int dilation[2], int pads[4], struct error *e)
{
	const struct onnx_attribute *given = graph_attribute(l->node, "pads");
	bool upper = graph_text_is(l->node, "auto_pad", "SAME_UPPER");

	memset(pads, 0, 4 * sizeof(*pads));
	if (upper || graph_text_is(l->node, "auto_pad", "SAME_LOWER")) {
		if (graph_is(l->node, "ConvTranspose"))
			return node_error(
				l, -EBADMSG, e, "its auto_pad cannot be imported; give pads instead");
		same_pads(in, kernel, stride, dilation, upper, pads);
	} else if (given && !graph_text_is(l->node, "auto_pad", "VALID")) {
		if (given->count != 4)
			return node_error(l, -EBADMSG, e, "pads must have 4 numbers, not %d", given->count);
		for (int i = 0; i < 4; i++) {
			if (given->integers[i] < 0 || given->integers[i] > SIDE_LIMIT)
				return node_error(
					l, -EBADMSG, e, "pads holds %lld", (long long)given->integers[i]);
			pads[i] = (int)given->integers[i];
		}
	}
	for (int i = 0; i < 4; i++)
		pads[i] += in->pads[i];
	return 0;
}

/* Kernel, stride and padding of a pool, and what it makes. Windows that ceil_mode adds lie in padding. */
static int pool_read(struct lowering *l, const struct signal *in, struct spatial *pool, struct error *e)
{
	const int ones[2] = {1, 1};
	int dilation[2], rc;

	if ((rc = pair_read(l, "kernel_shape", 0, pool->kernel, e)) ||
		(rc = pair_read(l, "strides", 1, pool->stride, e)) ||
		(rc = pair_read(l, "dilations", 1, dilation, e)))
		return rc;
	if (!pool->kernel[0] || !signal_is_picture(in, l->node->inputs[0]))
		return node_error(
			l, -EBADMSG, e, "needs a kernel_shape and a picture [1, channels, height, width]");
	if (dilation[0] != 1 || dilation[1] != 1)
		return node_error(l, -EBADMSG, e, "its dilations must be 1");
	if ((rc = pads_read(l, in, pool->kernel, pool->stride, ones, pool->pads, e)))
		return rc;
	const int sizes[] = {in->shape.height, in->shape.width};
	int made[2];
	for (int i = 0; i < 2; i++) {
		int span = sizes[i] + pool->pads[i] + pool->pads[i + 2] - pool->kernel[i];

		if (span < 0 || pool->pads[i] >= pool->kernel[i] || pool->pads[i + 2] >= pool->kernel[i])
			return node_error(
				l, -EBADMSG, e, "its kernel and pads do not fit %d pixels", sizes[i]);
		made[i] = span / pool->stride[i] + 1;
		if (graph_integer(l->node, "ceil_mode", 0) && span % pool->stride[i] &&
			made[i] * pool->stride[i] < sizes[i] + pool->pads[i]) {
			pool->pads[i + 2] += pool->stride[i] - span % pool->stride[i];
			made[i]++;
		}
	}
	pool->out = (struct shape){made[0], made[1], in->shape.channels};
	return 0;
}

/* At once where the codes are there, else when they are made. */
static int spatial_lower(struct lowering *l, const struct signal *in, const struct spatial *spatial,
	struct signal *out, struct error *e)
{
	struct spatial *kept;
	bool codes = in->step_count == 0;
	int rc = 0;

	for (int k = 0; k < in->term_count; k++)
		codes = codes && built_tensor(l, in->terms[k].source).bits != TENSOR_SUMS;
	if (spatial->kind == LAYER_MAX_POOL)
		codes = codes && in->term_count == 1;
	*out = *in;
	memset(out->pads, 0, sizeof(out->pads));
	out->shape = spatial->out;
	for (int k = 0; k < in->term_count && codes && rc == 0; k++)
		rc = spatial_build(l, in->terms[k].source, spatial, &out->terms[k].source, e);
	if (rc || codes)
		return rc;
	if ((rc = lowering_take(l, 1, sizeof(*kept), &kept, e)))
		return rc;
	*kept = *spatial;
	return signal_step(l, out, (struct step){.spatial = kept}, e);
}

static int max_check(struct lowering *l, const struct signal *in, struct error *e)
{
	bool padded = in->pads[0] || in->pads[1] || in->pads[2] || in->pads[3];
	bool codes = signal_is_codes(l, in);

	for (int c = 0; codes && c < in->shape.channels; c++)
		if (in->terms[0].scale[c] < 0)
			return node_error(l, -EBADMSG, e, "the largest number there is the least code");
	for (int c = 0; padded && c < in->shape.channels; c++)
		if (!codes || in->terms[0].offset[c] != 0 || in->summand[c] != 0)
			return node_error(
				l, -EBADMSG, e, "a Pad with 0 stands before it; pad inside the pool instead");
	return 0;
}

int max_pool_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct spatial pool = {.kind = LAYER_MAX_POOL};
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = max_check(l, in, e)) || (rc = pool_read(l, in, &pool, e)))
		return rc;
	if (l->node->output_count > 1)
		return node_error(l, -EBADMSG, e, "must have one output");
	return spatial_lower(l, in, &pool, out, e);
}

int global_max_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct spatial pool = {.kind = LAYER_MAX_POOL, .stride = {1, 1}};
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = max_check(l, in, e)))
		return rc;
	if (!signal_is_picture(in, l->node->inputs[0]))
		return node_error(l, -EBADMSG, e, "needs a picture [1, channels, height, width]");
	pool.kernel[0] = in->shape.height;
	pool.kernel[1] = in->shape.width;
	pool.out = (struct shape){1, 1, in->shape.channels};
	return spatial_lower(l, in, &pool, out, e);
}

/* A layer of sums for each term of codes. */
static int average_term(struct lowering *l, const struct term *term, int zero, const struct spatial *pool,
	int pixels, struct term *out, struct error *e)
{
	int channels = pool->out.channels, index, rc;
	double count = pixels ? pixels : (double)pool->kernel[0] * pool->kernel[1], *scale, *offset;

	if (count > (double)(INT32_MAX >> 8))
		return node_error(l, -EOVERFLOW, e, "its sums can leave 32 bits");
	if ((rc = spatial_build(l, term->source, pool, &index, e)) ||
		(rc = numbers_take(l, channels, 0, &scale, e)) ||
		(rc = numbers_take(l, channels, 0, &offset, e)))
		return rc;
	struct layer *layer = &l->built[index].layer;
	layer->pad_code = (uint8_t)(zero > 0 && !pixels ? zero : 0);
	layer->pixels = pixels;
	for (int c = 0; c < channels; c++) {
		scale[c] = term->scale[c] / count;
		offset[c] = term->offset[c] * count;
	}
	*out = (struct term){index, scale, offset};
	return reach_make(l, index, e);
}

/* pixels: as in struct layer */
static int average_lower(struct lowering *l, const struct signal *in, const struct spatial *pool, int pixels,
	struct signal *out, struct error *e)
{
	bool padded = !pixels && (pool->pads[0] || pool->pads[1] || pool->pads[2] || pool->pads[3]);
	struct code_terms codes;
	int rc = signal_codes(l, in, padded, &codes, e);

	*out = *in;
	out->shape = pool->out;
	out->summand = codes.summand;
	out->term_count = 0;
	memset(out->pads, 0, sizeof(out->pads));
	for (int k = 0; k < codes.count && rc == 0; k++) {
		if (out->term_count == TERM_LIMIT)
			return node_error(
				l, -EBADMSG, e, "averages a sum of too many terms; %s", l->options->advice);
		rc = average_term(
			l, &codes.terms[k], codes.zeros[k], pool, pixels, &out->terms[out->term_count++], e);
	}
	return rc;
}

static int64_t common_multiple(int64_t a, int64_t b)
{
	int64_t x = a, y = b;

	while (y) {
		int64_t rest = x % y;
		x = y;
		y = rest;
	}
	return a / x * b;
}

/* A multiple of the pixels within each window, without its padding; 0: there is none in 32 bits. */
static int pixels_find(const struct spatial *pool, struct shape in)
{
	const struct layer layer = {.in = in,
		.kernel_height = pool->kernel[0],
		.kernel_width = pool->kernel[1],
		.stride_height = pool->stride[0],
		.stride_width = pool->stride[1],
		.dilation_height = 1,
		.dilation_width = 1,
		.pad_top = pool->pads[0],
		.pad_left = pool->pads[1]};
	int64_t pixels = 1;

	for (int y = 0; y < pool->out.height; y++)
		for (int x = 0; x < pool->out.width && pixels; x++) {
			int inside = layer_pixels_inside(&layer, y, x);

			pixels = inside ? common_multiple(pixels, inside) : 0;
			pixels = pixels > INT32_MAX >> 8 ? 0 : pixels;
		}
	return (int)pixels;
}

int average_pool_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct spatial pool = {.kind = LAYER_AVERAGE_POOL};
	const struct signal *in;
	bool own = false, before = false;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = pool_read(l, in, &pool, e)))
		return rc;
	for (int i = 0; i < 4; i++) {
		own = own || pool.pads[i] > in->pads[i];
		before = before || in->pads[i];
	}
	if (!own || graph_integer(l->node, "count_include_pad", 0))
		return average_lower(l, in, &pool, 0, out, e);
	int pixels = before ? 0 : pixels_find(&pool, in->shape);
	if (!pixels)
		return node_error(l, -EBADMSG, e,
			"leaves padding out of its averages, %s; train with count_include_pad=True",
			before ? "but not that of the Pad before it" : "in windows of too many sizes");
	return average_lower(l, in, &pool, pixels, out, e);
}

static int whole_average(struct lowering *l, const struct signal *in, struct signal *out, struct error *e)
{
	const struct spatial pool = {LAYER_AVERAGE_POOL, {in->shape.height, in->shape.width}, {1, 1}, {0},
		{1, 1, in->shape.channels}};
	int rc = average_lower(l, in, &pool, 0, out, e);

	memcpy(out->order, "CHW", sizeof(out->order));
	return rc;
}

int global_average_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc)
		return rc;
	if (!signal_is_picture(in, l->node->inputs[0]))
		return node_error(l, -EBADMSG, e, "needs a picture [1, channels, height, width]");
	return whole_average(l, in, out, e);
}

/* Which dimensions a ReduceMean takes together. */
static int axes_read(struct lowering *l, int rank, unsigned *axes, struct error *e)
{
	const struct onnx_attribute *attribute = graph_attribute(l->node, "axes");
	const struct graph_constant *list = NULL;
	int rc = attribute ? 0 : graph_constant(l->graph, l->node, 1, &list, e);
	int count = attribute ? attribute->count : list ? (int)list->count : 0;

	*axes = 0;
	for (int i = 0; i < count && i < ONNX_EDGES && rc == 0; i++) {
		double axis = attribute ? (double)attribute->integers[i] : list->values[i];

		axis = axis < 0 ? axis + rank : axis;
		if (!(axis >= 0 && axis < rank))
			return node_error(l, -EBADMSG, e, "its axis %g is beyond its input", axis);
		*axes |= 1U << (int)axis;
	}
	return rc;
}

/* The mean over rows and columns, wherever they stand. */
int mean_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct graph_tensor *from = graph_input(l->node, 0);
	const struct signal *in;
	unsigned axes;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = axes_read(l, from->rank, &axes, e)))
		return rc;
	bool first = signal_is_picture(in, from), last = in->order[2] == 'C' && from->rank == 4;
	for (int i = 0; i < from->rank; i++) {
		bool spatial = first ? i >= 2 : i == 1 || i == 2;

		if ((!first && !last) || (from->dims[i] != 1 && spatial != (axes >> i & 1)))
			return node_error(l, -EBADMSG, e,
				"only a mean over the rows and columns of pictures can be imported");
	}
	return whole_average(l, in, out, e);
}

/* Whether output pixel o of a nearest Resize by a whole factor takes pixel o / factor. */
static bool takes_nearest(const struct graph_node *node, int o, int factor)
{
	bool asymmetric = graph_is(node, "Upsample") ||
			  graph_text_is(node, "coordinate_transformation_mode", "asymmetric");
	double at = asymmetric ? (double)o / factor : (o + 0.5) / factor - 0.5, nearest = ceil(at - 0.5);

	if (graph_is(node, "Upsample") || graph_text_is(node, "nearest_mode", "floor"))
		nearest = floor(at);
	else if (graph_text_is(node, "nearest_mode", "ceil"))
		nearest = ceil(at);
	else if (graph_text_is(node, "nearest_mode", "round_prefer_ceil"))
		nearest = floor(at + 0.5);
	return (int)fmax(nearest, 0) == o / factor;
}

static int resize_check(struct lowering *l, const struct signal *in, int factor[2], struct error *e)
{
	const struct graph_tensor *from = l->node->inputs[0], *to = l->node->outputs[0];
	bool fits = to->rank == 4 && signal_is_picture(in, from) && to->dims[1] == from->dims[1];

	if (graph_attribute(l->node, "mode") && !graph_text_is(l->node, "mode", "nearest"))
		return node_error(l, -EBADMSG, e, "only the mode nearest can be imported");
	for (int i = 0; i < 2 && fits; i++) {
		factor[i] = to->dims[2 + i] / from->dims[2 + i];
		fits = factor[i] >= 1 && factor[i] * from->dims[2 + i] == to->dims[2 + i];
		for (int o = 0; o < to->dims[2 + i] && fits && factor[i] > 1; o++)
			fits = takes_nearest(l->node, o, factor[i]);
	}
	if (!fits || graph_text_is(l->node, "coordinate_transformation_mode", "align_corners") ||
		graph_text_is(l->node, "coordinate_transformation_mode", "tf_crop_and_resize"))
		return node_error(l, -EBADMSG, e,
			"only whole factors of height and width, each pixel repeated, can be imported");
	return 0;
}

int resize_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct spatial upsample = {.kind = LAYER_UPSAMPLE, .kernel = {1, 1}};
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = resize_check(l, in, upsample.stride, e)))
		return rc;
	upsample.out = (struct shape){in->shape.height * upsample.stride[0],
		in->shape.width * upsample.stride[1], in->shape.channels};
	return spatial_lower(l, in, &upsample, out, e);
}

/* The numbers of the pads: an attribute in older models, an input in newer ones. */
static int pad_widths(struct lowering *l, double widths[8], bool *none, struct error *e)
{
	const struct onnx_attribute *attribute = graph_attribute(l->node, "pads");
	const struct graph_constant *pads = NULL;
	int rc = attribute ? 0 : graph_constant_needed(l->graph, l->node, 1, "the pads", &pads, e);

	if (rc)
		return rc;
	int count = attribute ? attribute->count : pads->count > 8 ? 9 : (int)pads->count;
	*none = true;
	for (int i = 0; i < count && i < 8; i++) {
		widths[i] = attribute ? (double)attribute->integers[i] : pads->values[i];
		*none = *none && widths[i] == 0;
	}
	if (count != 8 && !*none)
		return node_error(l, -EBADMSG, e, "needs a picture [1, channels, height, width] and 8 pads");
	return 0;
}

/* Kept until a convolution or a pool takes it in. Widths of 0 leave nothing to pad with. */
int pad_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct graph_constant *value = NULL;
	const struct signal *in;
	double widths[8];
	bool none;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = pad_widths(l, widths, &none, e)) ||
		(rc = graph_constant(l->graph, l->node, 2, &value, e)))
		return rc;
	*out = *in;
	if (none)
		return 0;
	if (graph_attribute(l->node, "mode") && !graph_text_is(l->node, "mode", "constant"))
		return node_error(l, -EBADMSG, e, "only padding with 0 can be imported");
	if ((value && value->count && graph_value(value, 0) != 0) || graph_number(l->node, "value", 0) != 0)
		return node_error(l, -EBADMSG, e, "only padding with 0 can be imported");
	if (!signal_is_picture(in, l->node->inputs[0]))
		return node_error(l, -EBADMSG, e, "needs a picture [1, channels, height, width] and 8 pads");
	for (int i = 0; i < 8; i++) {
		int at = i % 4 - 2;

		if (!(widths[i] >= 0 && widths[i] <= SIDE_LIMIT) || (at < 0 && widths[i] != 0))
			return node_error(l, -EBADMSG, e, "its pads hold %g", widths[i]);
		if (at >= 0)
			out->pads[at + 2 * (i / 4)] += (int)widths[i];
	}
	return 0;
}
