/* SPDX-License-Identifier: MIT */
#include "nn/format/parse.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "nn/format/json_fields.h"
#include "nn/format/labels.h"
#include "nn/format/parse_layer.h"
#include "nn/network_confidence.h"
#include "nn/network_names.h"
#include "nn/network_view.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define JSON_LIMIT ((size_t)4 << 20)  /* bytes of the list of layers */
#define TEXT_LIMIT ((size_t)32 << 20) /* bytes of labels.txt and of groups.txt */

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
		return field_bad(e, "func", "a split stands within a split");
	if (split < 1 || split > CHANNEL_LIMIT)
		return field_bad(e, "split", "is not within 1 … 65536");
	if (p->network->layer_count && p->network->layers[p->network->layer_count - 1].out.channels % split)
		return field_bad(e, "split", "does not divide the channels of the layer before");
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
		return field_bad(e, "merge", "does not match a split before it");
	p->split = 1;
	p->splitting = false;
	return compare_seam(p, entry, "output_channels", "output_dim", e);
}

/* A misspelt optional field must not be ignored silently. */
static int check_fields(const struct parser *p, json_t *entry, struct error *e)
{
	static const char *const known[] = {"name", "func", "from", "input_bits", "output_bits",
		"weight_bits", "threshold_bits", "kernel_shape", "kernel_stride", "padding", "groups",
		"dilation", "pad_code", "pixels", "factor", "method", "clamp", "input", "output",
		"input_channels", "output_channels", "input_dim", "output_dim", "split", "merge", "epilogue",
		"ending", OLDER_BIAS};
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
			return field_bad(e, field,
				"is gone: a requantisation adds its \"bias\", with the rounding's half and "
				"the "
				"offset in it, before the shift");
		if (!found)
			return error_set(e, -EBADMSG, "field \"%.64s\": is unknown", field);
	}
	return 0;
}

/* A split or a merge reads the entry before it. */
static int check_seam_from(const struct parser *p, const json_t *entry, size_t index, struct error *e)
{
	const char *from = NULL;
	int rc = optional_string(entry, "from", &from, e);

	if (rc || !from || (index && strcmp(from, entry_name(p, index - 1)) == 0))
		return rc;
	return field_bad(e, "from", "a split or merge reads the layer before it");
}

static int parse_kind(struct parser *p, const json_t *entry, size_t index, const char *func, struct error *e)
{
	bool split = strcmp(func, "split_layer") == 0;

	if (split || strcmp(func, "merge_layer") == 0) {
		int rc = check_seam_from(p, entry, index, e);
		return rc ? rc : (split ? parse_split : parse_merge)(p, entry, e);
	}
	for (int i = 0; i < LAYER_KINDS; i++)
		if (strcmp(func, layer_kinds[i].func) == 0)
			return parse_layer(p, entry, index, (enum layer_kind)i, e);
	return error_set(e, -EBADMSG, "field \"func\": \"%.64s\" is no kind of layer known here", func);
}

static int parse_entry(struct parser *p, json_t *entry, size_t index, struct error *e)
{
	const char *func = NULL;
	int rc = 0;

	for (size_t i = 0; i < index; i++)
		if (strcmp(entry_name(p, i), entry_name(p, index)) == 0)
			return field_bad(e, "name", "is the name of an earlier layer already");
	if ((rc = check_fields(p, entry, e)) || (rc = optional_string(entry, "func", &func, e)))
		return rc;
	if (!func)
		return field_bad(e, "func", "is missing");
	rc = parse_kind(p, entry, index, func, e);
	p->made[index] = p->network->layer_count - 1;
	return rc;
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
		rc = field_bad(&cause, field, "the network ends with codes, not with scores of classes");
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
		rc = field_bad(&cause, "network", "is missing");
	if (rc || !name)
		return error_set(e, rc, "%s: %s", p->files->list, cause.text);
	if (!(p->network->name = strdup(name)))
		return error_set(e, -ENOMEM, "%s: no memory", p->files->list);
	p->entries = json_object_get(root, "layers");
	if ((rc = parse_layers(p, e)))
		return rc;
	if (p->network->class_count && !json_object_get(root, "labels"))
		return error_set(e, -EBADMSG, "%s: field \"labels\": is missing", p->files->list);
	if ((rc = view_parse(json_object_get(root, "view"), &p->network->view, &cause)) ||
		(rc = confidence_parse(root, p->network, &cause)))
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
	struct text plain;
	rc = text_begin(&plain, text, size, &cause);
	if (rc) {
		free(text);
		return error_set(e, rc, "%s: %s", files->list, cause.text);
	}
	rc = json_from_text(plain.rest, plain.length, root, &fault);
	free(text);
	if (rc == -ENOMEM)
		return error_set(e, rc, "%s: no memory", files->list);
	return rc ? error_set(e, rc, "%s:%d:%d: is not JSON: %s", files->list, fault.line, fault.column,
			    fault.text)
		  : 0;
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
