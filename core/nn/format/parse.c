/* SPDX-License-Identifier: MIT */
#include "nn/format/parse.h"

#include "base/error.h"
#include "nn/format/labels.h"
#include "nn/limits.h"
#include "nn/network_names.h"
#include "nn/network_view.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define JSON_LIMIT ((size_t)4 << 20)  /* bytes of the list of layers */
#define TEXT_LIMIT ((size_t)32 << 20) /* bytes of labels.txt and of groups.txt */
#define ENTRY_LIMIT (3 * LAYER_LIMIT) /* each layer may have a split before and a merge behind it */

struct parser {
	const struct network_files *files;
	json_t *entries;
	struct network *network;
	int split; /* groups between a split and its merge; else 1 */
	bool splitting;
};

static int bad(struct error *e, const char *field, const char *what)
{
	error_set(e, -EBADMSG, "field \"%s\": %s", field, what);
	return -EBADMSG;
}

static int to_int(const json_t *value, const char *field, int *out, struct error *e)
{
	if (!json_is_integer(value))
		return bad(e, field, "is not a whole number");
	json_int_t number = json_integer_value(value);
	if (number < 0 || number > INT32_MAX)
		return error_set(
			e, -EOVERFLOW, "field \"%s\": %lld is out of range", field, (long long)number);
	*out = (int)number;
	return 0;
}

/* Leaves *out alone when the field is missing. */
static int optional_int(const json_t *entry, const char *field, int *out, struct error *e)
{
	const json_t *value = json_object_get(entry, field);
	return value ? to_int(value, field, out, e) : 0;
}

static int required_int(const json_t *entry, const char *field, int *out, struct error *e)
{
	if (!json_object_get(entry, field))
		return bad(e, field, "is missing");
	return optional_int(entry, field, out, e);
}

/* A number, which fills all of out, or a list of `count` numbers. */
static int optional_ints(const json_t *entry, const char *field, int count, int *out, struct error *e)
{
	const json_t *value = json_object_get(entry, field);
	int rc = 0;

	if (!value)
		return 0;
	if (json_is_array(value) && json_array_size(value) != (size_t)count)
		return error_set(e, -EBADMSG, "field \"%s\": has %zu numbers, %d expected", field,
			json_array_size(value), count);
	for (int i = 0; i < count && !rc; i++)
		rc = to_int(
			json_is_array(value) ? json_array_get(value, (size_t)i) : value, field, &out[i], e);
	return rc;
}

static int optional_string(const json_t *entry, const char *field, const char **out, struct error *e)
{
	const json_t *value = json_object_get(entry, field);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return bad(e, field, "is not a text");
	*out = json_string_value(value);
	return 0;
}

/* The name of a file in the folder itself. */
static int optional_file(const json_t *entry, const char *field, const char **out, struct error *e)
{
	int rc = optional_string(entry, field, out, e);

	if (rc || !*out)
		return rc;
	if (strchr(*out, '/') || strstr(*out, "..") || (*out)[0] == '.')
		return bad(e, field, "must name a file in the network's own folder, without \"/\" or \"..\"");
	const char *fault = label_fault(*out, strlen(*out));
	return fault ? bad(e, field, fault) : 0;
}

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
		int rc = to_int(value, field, &found[0], e);
		return rc ? rc : compare(field, (long long)depth * is.height * is.width, found[0], e);
	}
	int rc = optional_ints(entry, field, 3, found, e);
	if (rc || !value || (found[0] == depth && found[1] == is.height && found[2] == is.width))
		return rc;
	return error_set(e, -EBADMSG, "field \"%s\": [%d, %d, %d] found, computed is [%d, %d, %d]", field,
		found[0], found[1], found[2], depth, is.height, is.width);
}

static int compare_int(const json_t *entry, const char *field, int is, struct error *e)
{
	int found = is;
	int rc = optional_int(entry, field, &found, e);

	return rc ? rc : compare(field, is, found, e);
}

/*
 * The first layer states the network's input; the input of any other layer is, the output of the one before.
 */
static int parse_input(struct parser *p, const json_t *entry, struct layer *l, struct error *e)
{
	int chw[3] = {0, 1, 1};
	int rc = 0;

	if (p->network->layer_count > 0) {
		const struct layer *before = l - 1;
		l->in = before->out;
		l->input_bits = before->output_bits;
		if (before->epilogue == EPILOGUE_SCORES)
			return bad(e, "input", "the layer before it gives scores, which end a network");
	} else {
		if (!json_object_get(entry, "input"))
			return bad(e, "input", "is missing");
		rc = json_is_array(json_object_get(entry, "input"))
			     ? optional_ints(entry, "input", 3, chw, e)
			     : required_int(entry, "input", &chw[0], e);
		if (rc || (rc = required_int(entry, "input_bits", &l->input_bits, e)))
			return rc;
		if (chw[0] > CHANNEL_LIMIT / p->split)
			return error_set(e, -EOVERFLOW, "field \"input\": over %d channels", CHANNEL_LIMIT);
		l->in = (struct shape){chw[1], chw[2], chw[0] * p->split};
	}
	if ((rc = compare_shape(p, entry, "input", l->in, e)) ||
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
		rc = to_int(value, "output_channels", &channels, e);
	else if (first)
		rc = to_int(first, "output", &channels, e);
	else if (l->kind != LAYER_MAX_POOL)
		return bad(e, "output_channels", "is missing");
	if (!rc && (channels < 1 || channels > CHANNEL_LIMIT / p->split))
		return error_set(e, -EOVERFLOW, "field \"output_channels\": %d is not within 1 … %d",
			channels, CHANNEL_LIMIT / p->split);
	l->out.channels = channels * p->split;
	return rc;
}

static int parse_window(const struct parser *p, const json_t *entry, struct layer *l, struct error *e)
{
	bool whole = l->kind == LAYER_FULLY_CONNECTED;
	int kernel[2] = {l->in.height, l->in.width};
	int pad[4] = {0};
	int groups = 1;
	int rc = 0;

	l->stride = 1;
	if (!whole && !json_object_get(entry, "kernel_shape"))
		return bad(e, "kernel_shape", "is missing");
	if ((rc = optional_ints(entry, "kernel_shape", 2, kernel, e)) ||
		(rc = (whole ? optional_int : required_int)(entry, "kernel_stride", &l->stride, e)) ||
		(rc = optional_ints(entry, "padding", 4, pad, e)) ||
		(rc = optional_int(entry, "groups", &groups, e)))
		return rc;
	if (groups < 1 || groups > CHANNEL_LIMIT / p->split)
		return error_set(e, -EOVERFLOW, "field \"groups\": %d is not within 1 … %d", groups,
			CHANNEL_LIMIT / p->split);
	l->kernel_height = kernel[0];
	l->kernel_width = kernel[1];
	l->pad_top = pad[0];
	l->pad_left = pad[1];
	l->pad_bottom = pad[2];
	l->pad_right = pad[3];
	l->groups = l->kind == LAYER_MAX_POOL ? groups : groups * p->split;
	return 0;
}

static int parse_epilogue(const json_t *entry, struct layer *l, bool last, struct error *e)
{
	const char *field = "epilogue", *epilogue = NULL;
	int rc = older_name(entry, &field, "ending", e);

	if (rc || (rc = optional_string(entry, field, &epilogue, e)))
		return rc;
	if (l->kind == LAYER_MAX_POOL)
		return epilogue ? bad(e, field, "a pool has none") : 0;
	if (!epilogue)
		epilogue = last && l->output_bits == 32 ? "scores"
			   : l->output_bits == 8	? "requantise"
							: "thresholds";
	if (strcmp(epilogue, "thresholds") == 0)
		l->epilogue = EPILOGUE_THRESHOLDS;
	else if (strcmp(epilogue, "requantise") == 0 || strcmp(epilogue, "rescale") == 0) /* its older name */
		l->epilogue = EPILOGUE_REQUANTISE;
	else if (strcmp(epilogue, "scores") == 0)
		l->epilogue = EPILOGUE_SCORES;
	else
		return bad(e, field, "is not \"thresholds\", \"requantise\" or \"scores\"");
	return 0;
}

static int parse_bits(const json_t *entry, struct layer *l, struct error *e)
{
	int threshold_bits = 0;
	int rc = optional_int(entry, "threshold_bits", &threshold_bits, e);

	if (rc)
		return rc;
	if (l->kind == LAYER_MAX_POOL) {
		l->output_bits = l->input_bits;
		return compare_int(entry, "output_bits", l->input_bits, e);
	}
	rc = required_int(entry, "weight_bits", &l->weight_bits, e);
	return rc ? rc : required_int(entry, "output_bits", &l->output_bits, e);
}

static int parse_layer_shape(
	struct parser *p, const json_t *entry, struct layer *l, bool last, struct error *e)
{
	struct shape out;
	int rc = 0;

	if ((rc = parse_input(p, entry, l, e)) || (rc = parse_bits(entry, l, e)) ||
		(rc = parse_channels(p, entry, l, e)) || (rc = parse_window(p, entry, l, e)) ||
		(rc = parse_epilogue(entry, l, last, e)) || (rc = layer_output_shape(l, &out, e)))
		return rc;
	l->out = out;
	if ((rc = layer_check_shape(l, e)))
		return rc;
	if (p->splitting && l->kind == LAYER_FULLY_CONNECTED)
		return bad(e, "func", "a fully connected layer cannot stand between a split and its merge");
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
		return bad(e, field, "a layer of this kind and epilogue has none");
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

static int parse_layer(struct parser *p, const json_t *entry, const char *name, enum layer_kind kind,
	bool last, struct error *e)
{
	if (p->network->layer_count == LAYER_LIMIT)
		return error_set(
			e, -EOVERFLOW, "is one more than the %d layers that a network can have", LAYER_LIMIT);
	struct layer *l = &p->network->layers[p->network->layer_count];

	l->kind = kind;
	l->name = strdup(name);
	if (!l->name)
		return error_set(e, -ENOMEM, "no memory");
	int rc = parse_layer_shape(p, entry, l, last, e);
	if (!rc)
		rc = parse_arrays(p, entry, l, e);
	p->network->layer_count++; /* network_destroy frees what was read of it */
	return rc;
}

/* The shape between layers, where a split or a merge stands. */
static int compare_seam(
	const struct parser *p, const json_t *entry, const char *channels, const char *side, struct error *e)
{
	if (p->network->layer_count == 0)
		return 0;
	const struct layer *before = &p->network->layers[p->network->layer_count - 1];
	int rc = compare_int(entry, channels, before->out.channels, e);
	return rc ? rc : compare_int(entry, side, before->out.height, e);
}

static int parse_split(struct parser *p, const json_t *entry, struct error *e)
{
	int split = 0;
	int rc = required_int(entry, "split", &split, e);

	if (rc)
		return rc;
	if (p->splitting)
		return bad(e, "func", "a split stands within a split");
	if (split < 1 || split > CHANNEL_LIMIT)
		return bad(e, "split", "is not within 1 … 65536");
	if (p->network->layer_count && p->network->layers[p->network->layer_count - 1].out.channels % split)
		return bad(e, "split", "does not divide the channels of the layer before");
	if ((rc = compare_seam(p, entry, "input_channels", "input_dim", e)))
		return rc;
	p->split = split;
	p->splitting = true;
	return 0;
}

static int parse_merge(struct parser *p, const json_t *entry, struct error *e)
{
	int merge = 0;
	int rc = required_int(entry, "merge", &merge, e);

	if (rc)
		return rc;
	if (!p->splitting || merge != p->split)
		return bad(e, "merge", "does not match a split before it");
	p->split = 1;
	p->splitting = false;
	return compare_seam(p, entry, "output_channels", "output_dim", e);
}

static const char *entry_name(const struct parser *p, size_t index)
{
	const char *name = json_string_value(json_object_get(json_array_get(p->entries, index), "name"));
	return name ? name : "";
}

/* A network is a chain: a layer may name the layer that it reads, which must be the one before. */
static int check_from(const struct parser *p, const json_t *entry, size_t index, struct error *e)
{
	const char *from = NULL;
	int rc = optional_string(entry, "from", &from, e);

	if (rc || !from || (index && strcmp(from, entry_name(p, index - 1)) == 0))
		return rc;
	for (size_t i = 0; i < json_array_size(p->entries); i++)
		if (strcmp(from, entry_name(p, i)) == 0)
			return error_set(e, -EBADMSG,
				i < index ? "field \"from\": \"%.64s\" is not the layer before; a network is "
					    "a chain"
					  : "field \"from\": \"%.64s\" is the layer itself or comes later: a "
					    "cycle",
				from);
	return error_set(e, -EBADMSG, "field \"from\": there is no layer \"%.64s\"", from);
}

/* A misspelt optional field must not be ignored silently. */
static int check_fields(const struct parser *p, json_t *entry, struct error *e)
{
	static const char *const known[] = {"name", "func", "from", "input_bits", "output_bits",
		"weight_bits", "threshold_bits", "kernel_shape", "kernel_stride", "padding", "groups",
		"input", "output", "input_channels", "output_channels", "input_dim", "output_dim", "split",
		"merge", "epilogue", "ending", OLDER_BIAS};
	const char *field = NULL;
	json_t *value = NULL;

	json_object_foreach(entry, field, value)
	{
		bool found = p->files->field && strcmp(field, p->files->field) == 0;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known) && !found; i++)
			found = strcmp(field, known[i]) == 0;
		for (int i = 0; i < ARRAY_COUNT && !found; i++)
			found = strcmp(field, layer_array_names[i]) == 0;
		if (strcmp(field, "rounding") == 0 || strcmp(field, "offset") == 0)
			return bad(e, field,
				"is gone: a requantisation adds its \"bias\", with the rounding's half and "
				"the "
				"offset in it, before the shift");
		if (!found)
			return error_set(e, -EBADMSG, "field \"%.64s\": is unknown", field);
	}
	return 0;
}

static int parse_entry(struct parser *p, json_t *entry, size_t index, struct error *e)
{
	bool last = index + 1 == json_array_size(p->entries);
	const char *func = NULL;
	int rc = 0;

	for (size_t i = 0; i < index; i++)
		if (strcmp(entry_name(p, i), entry_name(p, index)) == 0)
			return bad(e, "name", "is the name of an earlier layer already");
	if ((rc = check_fields(p, entry, e)) || (rc = check_from(p, entry, index, e)) ||
		(rc = optional_string(entry, "func", &func, e)))
		return rc;
	if (!func)
		return bad(e, "func", "is missing");
	if (strcmp(func, "split_layer") == 0)
		return parse_split(p, entry, e);
	if (strcmp(func, "merge_layer") == 0)
		return parse_merge(p, entry, e);
	if (strcmp(func, "conv_layer") == 0)
		return parse_layer(p, entry, entry_name(p, index), LAYER_CONV, last, e);
	if (strcmp(func, "maxpool_layer") == 0)
		return parse_layer(p, entry, entry_name(p, index), LAYER_MAX_POOL, last, e);
	if (strcmp(func, "fc_layer") == 0)
		return parse_layer(p, entry, entry_name(p, index), LAYER_FULLY_CONNECTED, last, e);
	return error_set(e, -EBADMSG, "field \"func\": \"%.64s\" is no kind of layer known here", func);
}

static int parse_layers(struct parser *p, struct error *e)
{
	size_t count = json_array_size(p->entries);
	struct error cause = {0};

	if (count < 1 || count > ENTRY_LIMIT)
		return error_set(e, -EBADMSG, "%s: field \"layers\": is not a list of 1 … %d layers",
			p->files->list, LAYER_LIMIT);
	p->network->layers = calloc(LAYER_LIMIT, sizeof(*p->network->layers));
	if (!p->network->layers)
		return error_set(e, -ENOMEM, "%s: no memory", p->files->list);
	for (size_t i = 0; i < count; i++) {
		json_t *entry = json_array_get(p->entries, i);
		if (!name_valid(entry_name(p, i)))
			return error_set(e, -EBADMSG,
				"%s: layer %zu: field \"name\": is not 1 … %d letters, digits, \"_\", \"-\" "
				"and \".\"",
				p->files->list, i, NAME_LIMIT);
		int rc = parse_entry(p, entry, i, &cause);
		if (rc)
			return error_set(
				e, rc, "%s: layer \"%s\": %s", p->files->list, entry_name(p, i), cause.text);
	}
	if (p->splitting)
		return error_set(
			e, -EBADMSG, "%s: field \"layers\": a split is never merged", p->files->list);
	return 0;
}

typedef int parse_text(
	struct network *network, const char *file, const char *text, size_t length, struct error *e);

static int read_text(
	struct parser *p, const json_t *root, const char *field, parse_text *parse, struct error *e)
{
	struct error cause = {0};
	const char *name = NULL;
	uint8_t *text = NULL;
	size_t size = 0;
	int rc = optional_file(root, field, &name, &cause);

	if (!rc && !name)
		return 0;
	if (!rc && p->network->class_count == 0)
		rc = bad(&cause, field, "the network ends with codes, not with scores of classes");
	if (rc)
		return error_set(e, rc, "%s: %s", p->files->list, cause.text);
	if ((rc = p->files->read(p->files->context, name, TEXT_LIMIT, &text, &size, &cause)))
		return error_set(e, rc, "%s: field \"%s\": %s %s", p->files->list, field, name, cause.text);
	rc = parse(p->network, name, (const char *)text, size, e);
	free(text);
	return rc;
}

static int parse_root(struct parser *p, json_t *root, struct error *e)
{
	struct error cause = {0};
	const char *name = NULL;
	int format = 0;
	int rc = 0;

	if (!json_is_object(root))
		return error_set(e, -EBADMSG, "%s: is not an object", p->files->list);
	rc = required_int(root, "format", &format, &cause);
	if (!rc && format != 1)
		rc = error_set(
			&cause, -EBADMSG, "field \"format\": %d is unknown; this program reads 1", format);
	if (!rc && !(rc = optional_string(root, "network", &name, &cause)) && !name)
		rc = bad(&cause, "network", "is missing");
	if (rc)
		return error_set(e, rc, "%s: %s", p->files->list, cause.text);
	if (!(p->network->name = strdup(name)))
		return error_set(e, -ENOMEM, "%s: no memory", p->files->list);
	p->entries = json_object_get(root, "layers");
	if ((rc = parse_layers(p, e)))
		return rc;
	if (p->network->class_count && !json_object_get(root, "labels"))
		return error_set(e, -EBADMSG, "%s: field \"labels\": is missing", p->files->list);
	if ((rc = view_parse(json_object_get(root, "view"), &p->network->view, &cause)))
		return error_set(e, rc, "%s: %s", p->files->list, cause.text);
	if ((rc = read_text(p, root, "labels", labels_parse, e)) ||
		(rc = read_text(p, root, "groups", groups_parse, e)))
		return rc;
	if ((rc = network_check(p->network, &cause)))
		return error_set(e, rc, "%s: %s", p->files->list, cause.text);
	return 0;
}

static int parse_json(const struct network_files *files, json_t **root, struct error *e)
{
	struct error cause = {0};
	json_error_t fault;
	uint8_t *text = NULL;
	size_t size = 0;

	int rc = files->read(files->context, files->list, JSON_LIMIT, &text, &size, &cause);
	if (rc)
		return error_set(e, rc, "%s: %s", files->list, cause.text);
	*root = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, &fault);
	free(text);
	if (!*root)
		return error_set(e, -EBADMSG, "%s:%d:%d: is not JSON: %s", files->list, fault.line,
			fault.column, fault.text);
	return 0;
}

int network_parse(const struct network_files *files, struct network **out, struct error *e)
{
	struct network_files named = *files;
	struct parser p = {.files = &named, .split = 1};
	json_t *root = NULL;

	named.list = files->list ? files->list : "network.json";
	named.arrays = files->arrays ? files->arrays : layer_read_arrays;
	int rc = parse_json(&named, &root, e);
	if (rc)
		return rc;
	p.network = calloc(1, sizeof(*p.network));
	rc = p.network ? parse_root(&p, root, e) : error_set(e, -ENOMEM, "%s: no memory", named.list);
	json_decref(root);
	if (rc)
		network_destroy(p.network);
	else
		*out = p.network;
	return rc;
}
