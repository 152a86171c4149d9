/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/limits.h"
#include "nn/network_confidence.h"
#include "nn/network_names.h"
#include "nn/network_view.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(const struct network *network, int index)
{
	return index == NETWORK_INPUT ? "input" : network->layers[index].name;
}

static int check_from(const struct network *network, int index, struct error *e)
{
	const struct layer *layer = &network->layers[index];
	bool many = layer->kind == LAYER_ADD || layer->kind == LAYER_CONCAT;

	if (layer->from_count < 0 || layer->from_count > (many ? LAYER_INPUTS : 1))
		return error_set(e, -EBADMSG, "field \"from\": %d layers; at most %d can be read",
			layer->from_count, many ? LAYER_INPUTS : 1);
	for (int i = 0; i < layer->from_count; i++)
		if (layer->from[i] < NETWORK_INPUT || layer->from[i] >= index)
			return error_set(e, -EBADMSG, "field \"from\": layer %d is not before this one, %d",
				layer->from[i], index);
	if (index == 0)
		return 0;
	for (int i = 0; i < layer_reads(layer); i++) {
		int from = network_from(network, index, i);
		if (from != NETWORK_INPUT && network->layers[from].epilogue == EPILOGUE_SCORES)
			return error_set(e, -EBADMSG,
				"field \"input\": \"%s\" before it gives scores, which end a network",
				name_of(network, from));
	}
	return 0;
}

static int check_link(const struct network *network, int index, int input, struct error *e)
{
	const struct layer *layer = &network->layers[index];
	int from = network_from(network, index, input);
	struct tensor read = network_tensor(network, from);
	int channels = layer->kind == LAYER_CONCAT ? read.shape.channels : layer->in.channels;

	if (read.shape.height != layer->in.height || read.shape.width != layer->in.width ||
		read.shape.channels != channels)
		return error_set(e, -EBADMSG,
			"field \"input\": [%d, %d, %d] found, but \"%s\" before it gives [%d, %d, %d]",
			channels, layer->in.height, layer->in.width, name_of(network, from),
			read.shape.channels, read.shape.height, read.shape.width);
	if (read.bits == TENSOR_SUMS && layer->kind != LAYER_ADD)
		return error_set(e, -EBADMSG, "field \"from\": \"%s\" gives sums, which only an add reads",
			name_of(network, from));
	if (read.bits != layer->input_bits && (input == 0 || layer->kind != LAYER_ADD))
		return error_set(e, -EBADMSG, "field \"input_bits\": %d found, but \"%s\" before it gives %d",
			layer->input_bits, name_of(network, from), read.bits);
	return 0;
}

static int check_links(const struct network *network, int index, struct error *e)
{
	const struct layer *layer = &network->layers[index];
	int channels = 0, rc = 0;

	for (int i = 0; i < layer_reads(layer) && !rc; i++) {
		rc = check_link(network, index, i, e);
		channels += network_tensor(network, network_from(network, index, i)).shape.channels;
	}
	if (!rc && layer->kind == LAYER_CONCAT && channels != layer->in.channels)
		return error_set(e, -EBADMSG,
			"field \"input\": %d channels found, but those before it give %d", layer->in.channels,
			channels);
	return rc;
}

/* The largest |number| that an add can read of one input. */
static uint64_t largest_of(const struct network *network, int from)
{
	const struct layer *layer = from == NETWORK_INPUT ? NULL : &network->layers[from];
	struct tensor read = network_tensor(network, from);

	if (!layer || read.bits != TENSOR_SUMS)
		return (UINT64_C(1) << read.bits) - 1;
	if (layer->kind != LAYER_ADD)
		return INT32_MAX;
	if (layer->clamp_low || layer->clamp_high) /* within an int32 */
		return (uint64_t)(-(int64_t)layer->clamp_low > layer->clamp_high ? -(int64_t)layer->clamp_low
										 : layer->clamp_high);
	return UINT64_C(1) << 31;
}

/* No sum can leave 63 bits, nor 32 where it is a score. */
static int check_add(const struct network *network, int index, struct error *e)
{
	const struct layer *layer = &network->layers[index];
	uint64_t limit = layer->epilogue == EPILOGUE_SCORES ? INT32_MAX : (uint64_t)BIAS_LIMIT - 1;

	for (int c = 0; c < layer->out.channels; c++) {
		uint64_t sum = 0; /* of at most 8 numbers below 2^62 + 2^31 */
		for (int i = 0; i < layer_reads(layer); i++) {
			int64_t factor = layer->factors[(size_t)i * (size_t)layer->out.channels + (size_t)c];
			uint64_t most = largest_of(network, network_from(network, index, i));
			sum += (uint64_t)(factor < 0 ? -factor : factor) * most;
			if (sum > limit)
				return error_set(e, -EOVERFLOW,
					"field \"factors\": channel %d: sums can go beyond ±%llu", c,
					(unsigned long long)limit);
		}
	}
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

	if ((rc = check_name(network, index, e)) || (rc = check_from(network, index, e)) ||
		(rc = check_links(network, index, e)) || (rc = layer_check_shape(layer, e)) ||
		(rc = layer_check_arrays(layer, e)))
		return rc;
	return layer->kind == LAYER_ADD ? check_add(network, index, e) : 0;
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

/* A layer that nothing reads is a mistake: its cost would be for nothing. */
static int check_reads(const struct network *network, struct error *e)
{
	bool read[LAYER_LIMIT + 1] = {false};

	for (int i = 0; i < network->layer_count; i++)
		for (int k = 0; k < layer_reads(&network->layers[i]); k++)
			read[network_from(network, i, k) + 1] = true;
	for (int i = 0; i < network->layer_count - 1; i++)
		if (!read[i + 1])
			return error_set(e, -EBADMSG, "layer \"%s\": no layer reads what it makes",
				network->layers[i].name);
	if (network->layers[network->layer_count - 1].epilogue == EPILOGUE_SUMS)
		return error_set(e, -EBADMSG, "layer \"%s\": field \"epilogue\": sums are for an add to read",
			network->layers[network->layer_count - 1].name);
	return 0;
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
	int rc = check_reads(network, e);
	if (rc || (classes && (rc = check_classes(network, e))))
		return rc;
	return check_label_groups(network, e);
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
	if ((rc = confidence_check(network, e)))
		return rc;
	for (int i = 0; i < network->layer_count; i++) {
		struct error cause = {0};
		const char *name = network->layers[i].name;
		if ((rc = check_layer(network, i, &cause)))
			return error_set(e, rc, "layer %s%.64s%s: %s", name ? "\"" : "",
				name ? name : "without a name", name ? "\"" : "", cause.text);
	}
	return check_whole(network, e);
}
