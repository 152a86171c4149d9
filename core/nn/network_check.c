/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/limits.h"
#include "nn/network_names.h"
#include "nn/network_view.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int within(int value, int64_t low, int64_t high, const char *field, struct error *e)
{
	if (value >= low && value <= high)
		return 0;
	return error_set(e, -EBADMSG, "field \"%s\": %d is not within %lld … %lld", field, value,
		(long long)low, (long long)high);
}

static int check_bits(int bits, const char *field, struct error *e)
{
	if (bits == 1 || bits == 2 || bits == 4 || bits == 8)
		return 0;
	return error_set(e, -EBADMSG, "field \"%s\": %d is not 1, 2, 4 or 8", field, bits);
}

static int check_tensor(struct shape shape, const char *field, struct error *e)
{
	int rc = 0;
	if ((rc = within(shape.height, 1, SIDE_LIMIT, field, e)) ||
		(rc = within(shape.width, 1, SIDE_LIMIT, field, e)) ||
		(rc = within(shape.channels, 1, CHANNEL_LIMIT, field, e)))
		return rc;
	uint64_t size = (uint64_t)shape.height * (uint64_t)shape.width * (uint64_t)shape.channels;
	if (size > TENSOR_LIMIT)
		return error_set(e, -EOVERFLOW, "field \"%s\": %llu numbers; a tensor holds at most %llu",
			field, (unsigned long long)size, (unsigned long long)TENSOR_LIMIT);
	return 0;
}

/* Fewer pixels of padding than the kernel has, so that every window holds a pixel of the input. */
static int check_window(int in, int kernel, int before, int after, struct error *e)
{
	int rc = 0;
	if ((rc = within(kernel, 1, SIDE_LIMIT, "kernel_shape", e)) ||
		(rc = within(before, 0, kernel - 1, "padding", e)) ||
		(rc = within(after, 0, kernel - 1, "padding", e)))
		return rc;
	if (kernel > in + before + after)
		return error_set(e, -EBADMSG,
			"field \"kernel_shape\": a kernel of %d does not fit into %d pixels padded to %d",
			kernel, in, in + before + after);
	return 0;
}

int layer_output_shape(const struct layer *layer, struct shape *out, struct error *e)
{
	const struct shape *in = &layer->in;
	int rc = 0;

	if ((rc = check_tensor(*in, "input", e)) ||
		(rc = within(layer->stride, 1, SIDE_LIMIT, "kernel_stride", e)) ||
		(rc = check_window(in->height, layer->kernel_height, layer->pad_top, layer->pad_bottom, e)) ||
		(rc = check_window(in->width, layer->kernel_width, layer->pad_left, layer->pad_right, e)))
		return rc;
	int height = in->height + layer->pad_top + layer->pad_bottom - layer->kernel_height;
	int width = in->width + layer->pad_left + layer->pad_right - layer->kernel_width;
	*out = (struct shape){height / layer->stride + 1, width / layer->stride + 1, layer->out.channels};
	return check_tensor(*out, "output", e);
}

static int check_pool(const struct layer *layer, struct error *e)
{
	if (layer->in.channels != layer->out.channels)
		return error_set(e, -EBADMSG,
			"field \"output_channels\": a pool keeps its %d channels, %d found",
			layer->in.channels, layer->out.channels);
	if (layer->output_bits != layer->input_bits)
		return error_set(e, -EBADMSG, "field \"output_bits\": a pool keeps its %d bits, %d found",
			layer->input_bits, layer->output_bits);
	if (layer->epilogue != EPILOGUE_NONE)
		return error_set(e, -EBADMSG, "field \"epilogue\": a pool has none");
	return within(layer->groups, 1, 1, "groups", e);
}

static int check_fully_connected(const struct layer *layer, struct error *e)
{
	if (layer->kernel_height != layer->in.height || layer->kernel_width != layer->in.width ||
		layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right)
		return error_set(e, -EBADMSG,
			"field \"kernel_shape\": a fully connected layer spans its whole input of %d×%d, "
			"unpadded",
			layer->in.height, layer->in.width);
	return within(layer->groups, 1, 1, "groups", e);
}

static int check_groups(const struct layer *layer, struct error *e)
{
	int groups = layer->groups;
	int rc = within(groups, 1, CHANNEL_LIMIT, "groups", e);
	if (rc)
		return rc;
	if (layer->in.channels % groups || layer->out.channels % groups)
		return error_set(e, -EBADMSG, "field \"groups\": %d do not divide %d and %d channels", groups,
			layer->in.channels, layer->out.channels);
	return 0;
}

static int check_epilogue(const struct layer *layer, struct error *e)
{
	switch (layer->epilogue) {
	case EPILOGUE_THRESHOLDS:
	case EPILOGUE_REQUANTISE:
		return check_bits(layer->output_bits, "output_bits", e);
	case EPILOGUE_SCORES:
		if (layer->out.height != 1 || layer->out.width != 1)
			return error_set(e, -EBADMSG,
				"field \"output\": scores are of 1×1 pixel, here of %d×%d", layer->out.height,
				layer->out.width);
		return within(layer->output_bits, 32, 32, "output_bits", e);
	default:
		return error_set(e, -EBADMSG, "field \"epilogue\": a layer with weights needs one");
	}
}

/* |accumulator| ≤ taps · largest |weight| · largest code, whatever the weights. */
static int check_accumulator(const struct layer *layer, struct error *e)
{
	uint64_t taps = layer_weight_count(layer) / (uint64_t)layer->out.channels;
	uint64_t largest =
		taps * ((UINT64_C(1) << (layer->weight_bits - 1)) * ((UINT64_C(1) << layer->input_bits) - 1));
	if (largest <= INT32_MAX)
		return 0;
	return error_set(e, -EOVERFLOW,
		"field \"input_bits\": sums of %llu products can reach %llu, an accumulator has 32 bits",
		(unsigned long long)taps, (unsigned long long)largest);
}

int layer_check_shape(const struct layer *layer, struct error *e)
{
	struct shape out;
	int rc = 0;

	if ((rc = check_bits(layer->input_bits, "input_bits", e)) ||
		(rc = layer_output_shape(layer, &out, e)))
		return rc;
	if (out.height != layer->out.height || out.width != layer->out.width)
		return error_set(e, -EBADMSG,
			"field \"output\": kernel, stride and padding make %d×%d pixels, %d×%d found",
			out.height, out.width, layer->out.height, layer->out.width);
	if (layer->kind == LAYER_MAX_POOL)
		return check_pool(layer, e);
	if (layer->kind == LAYER_FULLY_CONNECTED && (rc = check_fully_connected(layer, e)))
		return rc;
	if ((rc = check_bits(layer->weight_bits, "weight_bits", e)) || (rc = check_groups(layer, e)) ||
		(rc = check_epilogue(layer, e)))
		return rc;
	if (layer_weight_count(layer) > WEIGHT_LIMIT)
		return error_set(e, -EOVERFLOW, "field \"weights\": %llu are over the limit of %llu",
			(unsigned long long)layer_weight_count(layer), (unsigned long long)WEIGHT_LIMIT);
	return check_accumulator(layer, e);
}

static int missing(const char *field, struct error *e)
{
	return error_set(e, -EBADMSG, "field \"%s\": is missing", field);
}

static int check_weights(const struct layer *layer, struct error *e)
{
	int low = layer->weight_bits == 1 ? -1 : -(1 << (layer->weight_bits - 1));
	int high = layer->weight_bits == 1 ? 1 : -low - 1;
	size_t count = (size_t)layer_weight_count(layer);
	size_t taps = count / (size_t)layer->out.channels;

	if (!layer->weights)
		return missing("weights", e);
	for (size_t i = 0; i < count; i++) {
		int8_t weight = layer->weights[i];
		if (weight < low || weight > high || (layer->weight_bits == 1 && weight == 0))
			return error_set(e, -EBADMSG,
				"field \"weights\": output channel %zu holds %d, which is no weight of %d "
				"bits",
				i / taps, weight, layer->weight_bits);
	}
	return 0;
}

static int check_thresholds(const struct layer *layer, struct error *e)
{
	int levels = layer_levels(layer);

	if (!layer->thresholds)
		return missing("thresholds", e);
	for (int c = 0; c < layer->out.channels; c++) {
		const int32_t *t = layer->thresholds + (size_t)c * (size_t)levels;
		for (int i = 1; i < levels; i++)
			if (t[i] < t[i - 1])
				return error_set(e, -EBADMSG,
					"field \"thresholds\": channel %d does not ascend: %d comes after %d",
					c, t[i], t[i - 1]);
		if (layer->invert && layer->invert[c] > 1)
			return error_set(e, -EBADMSG, "field \"invert\": channel %d holds %d, not 0 or 1", c,
				layer->invert[c]);
	}
	return 0;
}

static int check_requantise(const struct layer *layer, struct error *e)
{
	if (!layer->multiplier)
		return missing("multiplier", e);
	if (!layer->shift)
		return missing("shift", e);
	if (!layer->bias)
		return missing("bias", e);
	for (int c = 0; c < layer->out.channels; c++) {
		if (layer->shift[c] > SHIFT_LIMIT)
			return error_set(e, -EBADMSG,
				"field \"shift\": channel %d shifts by %d, at most %d can be", c,
				layer->shift[c], SHIFT_LIMIT);
		if (layer->bias[c] > BIAS_LIMIT || layer->bias[c] < -BIAS_LIMIT)
			return error_set(e, -EBADMSG,
				"field \"bias\": channel %d adds %lld, which is beyond ±2^62", c,
				(long long)layer->bias[c]);
	}
	return 0;
}

static int check_arrays(const struct layer *layer, struct error *e)
{
	if (!layer_has_weights(layer))
		return 0;
	int rc = check_weights(layer, e);
	if (rc)
		return rc;
	if (layer->epilogue == EPILOGUE_THRESHOLDS)
		return check_thresholds(layer, e);
	return layer->epilogue == EPILOGUE_REQUANTISE ? check_requantise(layer, e) : 0;
}

static int check_link(const struct layer *before, const struct layer *layer, struct error *e)
{
	if (before->epilogue == EPILOGUE_SCORES)
		return error_set(e, -EBADMSG,
			"field \"input\": \"%s\" before it gives scores, which end a network", before->name);
	if (before->out.height != layer->in.height || before->out.width != layer->in.width ||
		before->out.channels != layer->in.channels)
		return error_set(e, -EBADMSG,
			"field \"input\": [%d, %d, %d] found, but \"%s\" before it gives [%d, %d, %d]",
			layer->in.channels, layer->in.height, layer->in.width, before->name,
			before->out.channels, before->out.height, before->out.width);
	if (before->output_bits != layer->input_bits)
		return error_set(e, -EBADMSG, "field \"input_bits\": %d found, but \"%s\" before it gives %d",
			layer->input_bits, before->name, before->output_bits);
	return 0;
}

static int check_name(const struct network *network, int index, struct error *e)
{
	const char *name = network->layers[index].name;

	if (!name || !name_valid(name))
		return error_set(e, -EBADMSG,
			"field \"name\": is not 1 … %d letters, digits, \"_\", \"-\" and \".\"", NAME_LIMIT);
	for (int i = 0; i < index; i++)
		if (strcmp(network->layers[i].name, name) == 0)
			return error_set(e, -EBADMSG, "field \"name\": is the name of layer %d already", i);
	return 0;
}

static int check_layer(const struct network *network, int index, struct error *e)
{
	const struct layer *layer = &network->layers[index];
	int rc = 0;

	if ((rc = check_name(network, index, e)))
		return rc;
	if (index > 0 && (rc = check_link(layer - 1, layer, e)))
		return rc;
	if ((rc = layer_check_shape(layer, e)))
		return rc;
	return check_arrays(layer, e);
}

static int check_label(const char *text, const char *what, int index, struct error *e)
{
	const char *fault = text ? label_fault(text, strlen(text)) : "is missing";

	return fault ? error_set(e, -EBADMSG, "%s %d %s", what, index, fault) : 0;
}

static int check_classes(const struct network *network, struct error *e)
{
	if (!network->scale || !network->bias || !network->labels)
		return error_set(e, -EBADMSG, "scores need a scale, a bias and labels");
	for (int i = 0; i < network->class_count; i++) {
		if (!isfinite(network->scale[i]) || !isfinite(network->bias[i]))
			return error_set(e, -EBADMSG, "field \"%s\": class %d is not a finite number",
				isfinite(network->scale[i]) ? "bias" : "scale", i);
		int rc = check_label(network->labels[i], "label", i, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_group(const struct network *network, int index, bool *taken, struct error *e)
{
	const struct label_group *group = &network->groups[index];
	int rc = check_label(group->name, "group", index, e);

	if (rc)
		return rc;
	if (group->class_count < 1 || !group->classes)
		return error_set(e, -EBADMSG, "group \"%s\" has no label", group->name);
	for (int i = 0; i < group->class_count; i++) {
		int class = group->classes[i];
		if (class < 0 || class >= network->class_count)
			return error_set(e, -EBADMSG, "group \"%s\": class %d is not within 0 … %d",
				group->name, class, network->class_count - 1);
		if (taken[class])
			return error_set(e, -EBADMSG, "group \"%s\": label \"%s\" is in a group already",
				group->name, network->labels[class]);
		taken[class] = true;
	}
	return 0;
}

static int check_label_groups(const struct network *network, struct error *e)
{
	int rc = 0;
	if (network->group_count == 0)
		return 0;
	if (network->group_count < 0 || !network->groups)
		return error_set(e, -EBADMSG, "%d groups cannot be", network->group_count);
	bool *taken = calloc((size_t)network->class_count + 1, sizeof(*taken));
	if (!taken)
		return error_set(e, -ENOMEM, "no memory for %d classes", network->class_count);
	for (int i = 0; i < network->group_count && !rc; i++)
		rc = check_group(network, i, taken, e);
	free(taken);
	return rc;
}

static int check_whole(const struct network *network, struct error *e)
{
	const struct layer *last = &network->layers[network->layer_count - 1];
	int classes = last->epilogue == EPILOGUE_SCORES ? last->out.channels : 0;
	uint64_t weights = 0;

	for (int i = 0; i < network->layer_count; i++)
		if (layer_has_weights(&network->layers[i]))
			weights += layer_weight_count(&network->layers[i]);
	if (weights > WEIGHT_LIMIT)
		return error_set(e, -EOVERFLOW, "%llu weights are over the limit of %llu",
			(unsigned long long)weights, (unsigned long long)WEIGHT_LIMIT);
	if (network->class_count != classes)
		return error_set(e, -EBADMSG, "%d classes found, but layer \"%s\" gives %d",
			network->class_count, last->name, classes);
	int rc = classes ? check_classes(network, e) : 0;
	return rc ? rc : check_label_groups(network, e);
}

int network_check(const struct network *network, struct error *e)
{
	const char *fault = network->name ? label_fault(network->name, strlen(network->name)) : "is missing";
	int rc = 0;

	if (fault)
		return error_set(e, -EBADMSG, "field \"network\": %s", fault);
	if (network->layer_count < 1 || network->layer_count > LAYER_LIMIT || !network->layers)
		return error_set(e, -EBADMSG, "field \"layers\": %d are not within 1 … %d",
			network->layer_count, LAYER_LIMIT);
	if (!view_valid(&network->view))
		return error_set(e, -EBADMSG, "field \"view\": is out of bounds");
	if (network->view.kind == VIEW_INK && network->layers[0].in.channels != 1)
		return error_set(e, -EBADMSG, "field \"view\": ink is grey, but the input has %d channels",
			network->layers[0].in.channels);
	for (int i = 0; i < network->layer_count; i++) {
		struct error cause = {0};
		const char *name = network->layers[i].name;
		if ((rc = check_layer(network, i, &cause)))
			return error_set(e, rc, "layer %s%.64s%s: %s", name ? "\"" : "",
				name ? name : "without a name", name ? "\"" : "", cause.text);
	}
	return check_whole(network, e);
}
