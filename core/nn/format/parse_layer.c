/* SPDX-License-Identifier: MIT */
#include "nn/format/parse_layer.h"

#include "base/error.h"
#include "nn/format/json_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Changes *field to the name that it had before, where an entry uses that. Both at once are refused. */
static int older_name(const json_t *entry, const char **field, const char *older, struct error *e)
{
	if (!json_object_get(entry, older))
		return 0;
	if (json_object_get(entry, *field))
		return error_set(e, -EBADMSG,
			"field \"%s\": is the older name of \"%s\", which stands beside it; keep one of the "
			"two",
			older, *field);
	*field = older;
	return 0;
}

static int compare(const char *field, long long expected, long long found, struct error *e)
{
	if (expected == found)
		return 0;
	return error_set(e, -EBADMSG, "field \"%s\": %lld found, computed is %lld", field, found, expected);
}

/* Compares a redundant "input" or "output" with what was computed; channels are those of one split. */
static int compare_shape(
	const struct parser *p, const json_t *entry, const char *field, struct shape is, struct error *e)
{
	const json_t *value = json_object_get(entry, field);
	int found[3] = {0};
	int depth = is.channels / p->split;

	if (json_is_integer(value)) {
		int rc = field_int(value, field, &found[0], e);
		return rc ? rc : compare(field, (long long)depth * is.height * is.width, found[0], e);
	}
	int rc = optional_ints(entry, field, 3, found, e);
	if (rc || !value || (found[0] == depth && found[1] == is.height && found[2] == is.width))
		return rc;
	return error_set(e, -EBADMSG, "field \"%s\": [%d, %d, %d] found, computed is [%d, %d, %d]", field,
		found[0], found[1], found[2], depth, is.height, is.width);
}

int compare_int(const json_t *entry, const char *field, int computed, struct error *e)
{
	int found = computed;
	int rc = optional_int(entry, field, &found, e);

	return rc ? rc : compare(field, computed, found, e);
}

const char *entry_name(const struct parser *p, size_t index)
{
	const char *name = json_string_value(json_object_get(json_array_get(p->entries, index), "name"));
	return name ? name : "";
}

/* The layer that a name in "from" means for this entry. "input" is the network's, if no layer has that name.
 */
static int find_layer(const struct parser *p, const json_t *value, size_t index, int *out, struct error *e)
{
	const char *name = json_string_value(value);

	if (!name)
		return field_bad(e, "from", "is not the name of a layer, or a list of names");
	for (size_t i = 0; i < json_array_size(p->entries); i++) {
		if (strcmp(name, entry_name(p, i)) != 0)
			continue;
		if (i >= index)
			return error_set(e, -EBADMSG,
				"field \"from\": \"%.64s\" is the layer itself or comes later: a cycle",
				name);
		*out = p->made[i];
		return 0;
	}
	*out = NETWORK_INPUT;
	return strcmp(name, "input") == 0
		       ? 0
		       : error_set(e, -EBADMSG, "field \"from\": there is no layer \"%.64s\"", name);
}

static int parse_from(
	const struct parser *p, const json_t *entry, size_t index, struct layer *l, struct error *e)
{
	const json_t *from = json_object_get(entry, "from");
	size_t count = json_is_array(from) ? json_array_size(from) : 1;
	size_t most = l->kind == LAYER_ADD || l->kind == LAYER_CONCAT ? LAYER_INPUTS : 1;
	int before = p->network->layer_count - 1;

	if (!from)
		return 0;
	if (count < 1 || count > most)
		return error_set(
			e, -EBADMSG, "field \"from\": %zu layers; this kind reads 1 … %zu", count, most);
	for (size_t i = 0; i < count; i++) {
		int rc = find_layer(
			p, json_is_array(from) ? json_array_get(from, i) : from, index, &l->from[i], e);
		if (rc)
			return rc;
		if (p->splitting && l->from[i] != before)
			return field_bad(
				e, "from", "between a split and its merge each layer reads the one before");
	}
	if (count > 1 || l->from[0] != before)
		l->from_count = (int)count;
	return 0;
}

/* The first layer states the network's input. */
static int parse_network_input(struct parser *p, const json_t *entry, struct layer *l, struct error *e)
{
	int chw[3] = {0, 1, 1};
	int rc = 0;

	if (!json_object_get(entry, "input"))
		return field_bad(e, "input", "is missing");
	rc = json_is_array(json_object_get(entry, "input")) ? optional_ints(entry, "input", 3, chw, e)
							    : required_int(entry, "input", &chw[0], e);
	if (rc || (rc = required_int(entry, "input_bits", &l->input_bits, e)))
		return rc;
	if (chw[0] > CHANNEL_LIMIT / p->split)
		return error_set(e, -EOVERFLOW, "field \"input\": over %d channels", CHANNEL_LIMIT);
	l->in = (struct shape){chw[1], chw[2], chw[0] * p->split};
	return 0;
}

/* Any other layer reads what others make. */
static int compute_input(struct parser *p, struct layer *l, struct error *e)
{
	int channels = 0;

	for (int i = 0; i < layer_reads(l); i++) {
		int from = network_from(p->network, p->network->layer_count, i);
		struct tensor read = network_tensor(p->network, from);

		if (from != NETWORK_INPUT && p->network->layers[from].epilogue == EPILOGUE_SCORES)
			return field_bad(e, "input", "the layer before it gives scores, which end a network");
		if (i == 0) {
			l->in = read.shape;
			l->input_bits = read.bits;
		}
		channels += read.shape.channels; /* at most 8 times 65,536 */
	}
	if (l->kind == LAYER_CONCAT)
		l->in.channels = channels;
	return 0;
}

static int parse_input(struct parser *p, const json_t *entry, struct layer *l, struct error *e)
{
	int rc = p->network->layer_count ? compute_input(p, l, e) : parse_network_input(p, entry, l, e);

	if (rc || (rc = compare_shape(p, entry, "input", l->in, e)) ||
		(rc = compare_int(entry, "input_channels", l->in.channels / p->split, e)))
		return rc;
	return compare_int(entry, "input_bits", l->input_bits, e);
}

/* From "output_channels", or else "output". */
static int parse_channels(const struct parser *p, const json_t *entry, struct layer *l, struct error *e)
{
	const json_t *output = json_object_get(entry, "output");
	const json_t *first = json_is_array(output) ? json_array_get(output, 0) : output;
	const json_t *value = json_object_get(entry, "output_channels");
	int channels = l->in.channels / p->split;
	int rc = 0;

	if (value)
		rc = field_int(value, "output_channels", &channels, e);
	else if (first)
		rc = field_int(first, "output", &channels, e);
	else if (layer_has_weights(l))
		return field_bad(e, "output_channels", "is missing");
	if (!rc && (channels < 1 || channels > CHANNEL_LIMIT / p->split))
		return error_set(e, -EOVERFLOW, "field \"output_channels\": %d is not within 1 … %d",
			channels, CHANNEL_LIMIT / p->split);
	l->out.channels = channels * p->split;
	return rc;
}

/* Fields that only some kinds have; elsewhere they would be ignored silently. */
static int check_kind_fields(const json_t *entry, const struct layer *l, struct error *e)
{
	bool window = layer_has_window(l), upsample = l->kind == LAYER_UPSAMPLE,
	     weights = layer_has_weights(l);
	const struct {
		const char *field;
		bool allowed;
	} fields[] = {
		{"kernel_shape", window},
		{"kernel_stride", window},
		{"dilation", window},
		{"padding", window},
		{"pad_code", (window && l->kind != LAYER_MAX_POOL) || upsample},
		{"pixels", l->kind == LAYER_AVERAGE_POOL},
		{"factor", upsample},
		{"method", upsample},
		{"weight_bits", weights},
		{"groups", window},
		{"clamp", layer_has_accumulator(l)},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!fields[i].allowed && json_object_get(entry, fields[i].field))
			return field_bad(e, fields[i].field, "a layer of this kind has none");
	return 0;
}

static int parse_kernel(const json_t *entry, struct layer *l, struct error *e)
{
	bool whole = l->kind == LAYER_FULLY_CONNECTED || l->kind == LAYER_AVERAGE_POOL;
	int kernel[2] = {l->in.height, l->in.width}, stride[2] = {1, 1}, dilation[2] = {1, 1}, pad[4] = {0};
	int rc = 0;

	if (!whole && !json_object_get(entry, "kernel_shape"))
		return field_bad(e, "kernel_shape", "is missing");
	if (!whole && !json_object_get(entry, "kernel_stride"))
		return field_bad(e, "kernel_stride", "is missing");
	if ((rc = optional_ints(entry, "kernel_shape", 2, kernel, e)) ||
		(rc = optional_ints(entry, "kernel_stride", 2, stride, e)) ||
		(rc = optional_ints(entry, "dilation", 2, dilation, e)) ||
		(rc = optional_ints(entry, "padding", 4, pad, e)))
		return rc;
	l->kernel_height = kernel[0];
	l->kernel_width = kernel[1];
	l->stride_height = stride[0];
	l->stride_width = stride[1];
	l->dilation_height = dilation[0];
	l->dilation_width = dilation[1];
	l->pad_top = pad[0];
	l->pad_left = pad[1];
	l->pad_bottom = pad[2];
	l->pad_right = pad[3];
	return 0;
}

static int parse_upsample(const json_t *entry, struct layer *l, struct error *e)
{
	const char *method = "nearest";
	int factor[2] = {1, 1};
	int rc = json_object_get(entry, "factor") ? 0 : field_bad(e, "factor", "is missing");

	if (rc || (rc = optional_ints(entry, "factor", 2, factor, e)) ||
		(rc = optional_string(entry, "method", &method, e)))
		return rc;
	l->stuffed = strcmp(method, "zeros") == 0;
	if (!l->stuffed && strcmp(method, "nearest") != 0)
		return field_bad(e, "method", "is not \"nearest\" or \"zeros\"");
	l->stride_height = factor[0];
	l->stride_width = factor[1];
	return 0;
}

static int parse_window(const struct parser *p, const json_t *entry, struct layer *l, struct error *e)
{
	int groups = 1, pad_code = 0;
	int rc = check_kind_fields(entry, l, e);

	l->kernel_height = l->kernel_width = 1;
	l->stride_height = l->stride_width = 1;
	l->dilation_height = l->dilation_width = 1;
	if (!rc && layer_has_window(l))
		rc = parse_kernel(entry, l, e);
	if (!rc && l->kind == LAYER_UPSAMPLE)
		rc = parse_upsample(entry, l, e);
	if (rc || (rc = optional_int(entry, "pad_code", &pad_code, e)) ||
		(rc = optional_int(entry, "pixels", &l->pixels, e)) ||
		(rc = optional_int(entry, "groups", &groups, e)))
		return rc;
	if (pad_code > UINT8_MAX)
		return field_bad(e, "pad_code", "is not within 0 … 255");
	if (groups < 1 || groups > CHANNEL_LIMIT / p->split)
		return error_set(e, -EOVERFLOW, "field \"groups\": %d is not within 1 … %d", groups,
			CHANNEL_LIMIT / p->split);
	l->pad_code = (uint8_t)pad_code;
	l->groups = layer_has_weights(l) ? groups * p->split : groups;
	return 0;
}

/* [low, high] */
static int parse_clamp(const json_t *entry, struct layer *l, struct error *e)
{
	const json_t *value = json_object_get(entry, "clamp");
	int rc = 0;

	if (!value)
		return 0;
	if (json_array_size(value) != 2)
		return field_bad(e, "clamp", "is not a list of two numbers, the least and the largest");
	if ((rc = field_signed(json_array_get(value, 0), "clamp", &l->clamp_low, e)) ||
		(rc = field_signed(json_array_get(value, 1), "clamp", &l->clamp_high, e)))
		return rc;
	return l->clamp_high ? 0
			     : field_bad(e, "clamp", "its larger number is 0, which would leave one code");
}

static int parse_epilogue(const json_t *entry, struct layer *l, bool last, struct error *e)
{
	static const char *const names[] = {[EPILOGUE_THRESHOLDS] = "thresholds",
		[EPILOGUE_REQUANTISE] = "requantise",
		[EPILOGUE_SCORES] = "scores",
		[EPILOGUE_SUMS] = "sums"};
	const char *field = "epilogue", *epilogue = NULL;
	int rc = older_name(entry, &field, "ending", e);

	if (rc || (rc = optional_string(entry, field, &epilogue, e)))
		return rc;
	if (!layer_has_accumulator(l))
		return epilogue ? field_bad(e, field, "a layer of this kind has none") : 0;
	l->epilogue = l->output_bits == TENSOR_SUMS ? (last ? EPILOGUE_SCORES : EPILOGUE_SUMS)
		      : l->output_bits == 8	    ? EPILOGUE_REQUANTISE
						    : EPILOGUE_THRESHOLDS;
	for (int i = EPILOGUE_THRESHOLDS; epilogue && i <= EPILOGUE_SUMS; i++)
		if (strcmp(epilogue, names[i]) == 0) {
			l->epilogue = (enum layer_epilogue)i;
			return parse_clamp(entry, l, e);
		}
	if (epilogue && strcmp(epilogue, "rescale") == 0) /* its older name */
		l->epilogue = EPILOGUE_REQUANTISE;
	else if (epilogue)
		return field_bad(e, field, "is not \"thresholds\", \"requantise\", \"scores\" or \"sums\"");
	return parse_clamp(entry, l, e);
}

static int parse_bits(const json_t *entry, struct layer *l, struct error *e)
{
	int threshold_bits = 0;
	int rc = optional_int(entry, "threshold_bits", &threshold_bits, e);

	if (rc)
		return rc;
	if (!layer_has_accumulator(l) && l->kind != LAYER_TABLE) {
		l->output_bits = l->input_bits;
		return compare_int(entry, "output_bits", l->input_bits, e);
	}
	if (layer_has_weights(l) && (rc = required_int(entry, "weight_bits", &l->weight_bits, e)))
		return rc;
	return required_int(entry, "output_bits", &l->output_bits, e);
}

static int parse_layer_shape(
	struct parser *p, const json_t *entry, size_t index, struct layer *l, struct error *e)
{
	bool last = index + 1 == json_array_size(p->entries);
	struct shape out;
	int rc = 0;

	if ((rc = parse_from(p, entry, index, l, e)) || (rc = parse_input(p, entry, l, e)) ||
		(rc = parse_bits(entry, l, e)) || (rc = parse_channels(p, entry, l, e)) ||
		(rc = parse_window(p, entry, l, e)) || (rc = parse_epilogue(entry, l, last, e)) ||
		(rc = layer_output_shape(l, &out, e)))
		return rc;
	l->out = out;
	if ((rc = layer_check_shape(l, e)))
		return rc;
	if (p->splitting && l->kind != LAYER_CONV && l->kind != LAYER_MAX_POOL)
		return field_bad(
			e, "func", "only convolutions and max pools stand between a split and its merge");
	return compare_shape(p, entry, "output", l->out, e);
}

/* The file of one array, NULL where only its default name is left. */
static int parse_array_file(const json_t *entry, const struct layer *l, enum layer_array array,
	const char **name, struct error *e)
{
	const char *field = layer_array_names[array];
	int rc = array == ARRAY_BIAS ? older_name(entry, &field, OLDER_BIAS, e) : 0;

	if (rc || (rc = optional_file(entry, field, name, e)))
		return rc;
	bool older = strcmp(field, OLDER_BIAS) == 0; /* which scores never had */
	if (*name && (!layer_has_array(l, array) || (older && l->epilogue != EPILOGUE_REQUANTISE)))
		return field_bad(e, field, "a layer of this kind and epilogue has none");
	return 0;
}

static int parse_arrays(struct parser *p, const json_t *entry, struct layer *l, struct error *e)
{
	const char *names[ARRAY_COUNT] = {0};
	uint64_t weights = 0;

	for (int i = 0; i < ARRAY_COUNT; i++) {
		int rc = parse_array_file(entry, l, (enum layer_array)i, &names[i], e);
		if (rc)
			return rc;
	}
	for (const struct layer *k = p->network->layers; k <= l; k++)
		weights += layer_has_weights(k) ? layer_weight_count(k) : 0;
	if (weights > WEIGHT_LIMIT)
		return error_set(e, -EOVERFLOW,
			"field \"weights\": the network has %llu up to here, over the limit of %llu",
			(unsigned long long)weights, (unsigned long long)WEIGHT_LIMIT);
	return p->files->arrays(p->network, l, entry, names, p->files, e);
}

int parse_layer(struct parser *p, const json_t *entry, size_t index, enum layer_kind kind, struct error *e)
{
	if (p->network->layer_count == LAYER_LIMIT)
		return error_set(
			e, -EOVERFLOW, "is one more than the %d layers that a network can have", LAYER_LIMIT);
	struct layer *l = &p->network->layers[p->network->layer_count];

	l->kind = kind;
	l->name = strdup(entry_name(p, index));
	if (!l->name)
		return error_set(e, -ENOMEM, "no memory");
	int rc = parse_layer_shape(p, entry, index, l, e);
	if (!rc)
		rc = parse_arrays(p, entry, l, e);
	p->network->layer_count++; /* network_destroy frees what was read of it */
	return rc;
}
