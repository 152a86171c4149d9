/* SPDX-License-Identifier: MIT */
#include "nn/format/save.h"

#include "base/error.h"
#include "base/output_folder.h"
#include "nn/format/npy.h"
#include "nn/format/parse.h"
#include "nn/limits.h"
#include "nn/network_confidence.h"
#include "nn/network_view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct saving {
	const struct network *network;
	struct output_folder *to;
};

static int save_array(const struct saving *s, const struct layer *layer, enum layer_array array,
	const struct npy *shape, const void *values, struct error *e)
{
	char name[NAME_LIMIT + 32];
	struct output_file draft;

	snprintf(name, sizeof(name), "%s.%s.npy", layer->name, layer_array_names[array]);
	int rc = output_folder_file(s->to, name, &draft, e);
	return rc ? rc : output_file_close(&draft, npy_write(draft.file, shape, values), e);
}

static int save_weights(const struct saving *s, const struct layer *l, struct error *e)
{
	size_t rows = (size_t)l->out.channels;
	size_t taps = (size_t)layer_weight_count(l) / rows;
	size_t bytes = (taps + 7) / 8;

	if (l->weight_bits > 1) {
		struct npy shape = {"i1", 4,
			{rows, (uint64_t)l->kernel_height, (uint64_t)l->kernel_width,
				(uint64_t)(l->in.channels / l->groups)}};
		return save_array(s, l, ARRAY_WEIGHTS, &shape, l->weights, e);
	}
	uint8_t *bits = calloc(rows, bytes);
	if (!bits)
		return error_set(e, -ENOMEM, "%s: out of memory", s->to->path);
	for (size_t row = 0; row < rows; row++)
		for (size_t i = 0; i < taps; i++)
			if (l->weights[row * taps + i] > 0)
				bits[row * bytes + i / 8] |= (uint8_t)(1U << (i % 8));
	int rc = save_array(s, l, ARRAY_WEIGHTS, &(struct npy){"u1", 2, {rows, bytes}}, bits, e);
	free(bits);
	return rc;
}

/* The array's type, shape and numbers; NULL: the layer leaves it out. */
static const void *array_of(
	const struct saving *s, const struct layer *l, enum layer_array array, struct npy *npy)
{
	uint64_t out = (uint64_t)l->out.channels;

	switch (array) {
	case ARRAY_WEIGHT_OFFSET:
		*npy = (struct npy){"i1", 1, {out}};
		return l->weight_offset;
	case ARRAY_THRESHOLDS:
		*npy = (struct npy){"i4", 2, {out, (uint64_t)layer_levels(l)}};
		return l->thresholds;
	case ARRAY_INVERT:
		*npy = (struct npy){"u1", 1, {out}};
		return l->invert;
	case ARRAY_MULTIPLIER:
		*npy = (struct npy){"i4", 1, {out}};
		return l->multiplier;
	case ARRAY_SHIFT:
		*npy = (struct npy){"u1", 1, {out}};
		return l->shift;
	case ARRAY_SCALE:
		*npy = (struct npy){"f4", 1, {out}};
		return s->network->scale;
	case ARRAY_FACTORS:
		*npy = (struct npy){"i4", 2, {(uint64_t)layer_reads(l), out}};
		return l->factors;
	case ARRAY_TABLE:
		*npy = (struct npy){"u1", 2, {(uint64_t)l->table_rows, UINT64_C(1) << l->input_bits}};
		return l->table;
	default:
		*npy = (struct npy){"i8", 1, {out}};
		if (l->epilogue != EPILOGUE_SCORES)
			return l->bias;
		*npy = (struct npy){"f4", 1, {out}};
		return s->network->bias;
	}
}

static int save_layer(const struct saving *s, const struct layer *l, struct error *e)
{
	int rc = layer_has_weights(l) ? save_weights(s, l, e) : 0;

	for (int array = ARRAY_WEIGHTS + 1; array < ARRAY_COUNT && !rc; array++) {
		struct npy npy;
		const void *values = NULL;

		if (layer_has_array(l, (enum layer_array)array))
			values = array_of(s, l, (enum layer_array)array, &npy);
		if (values)
			rc = save_array(s, l, (enum layer_array)array, &npy, values, e);
	}
	return rc;
}

static int save_labels(const struct saving *s, struct error *e)
{
	struct output_file draft;
	int rc = output_folder_file(s->to, "labels.txt", &draft, e);

	if (rc)
		return rc;
	for (int i = 0; i < s->network->class_count; i++)
		fprintf(draft.file, "%s\n", s->network->labels[i]);
	return output_file_close(&draft, 0, e);
}

static const char *group_label(const struct network *network, const struct label_group *group, int i)
{
	return network->labels[group->classes[i]];
}

/* Whether no class before class i of the group bears its label: a label stands for all that bear it. */
static bool label_first(const struct network *network, const struct label_group *group, int i)
{
	const char *label = group_label(network, group, i);

	for (int before = 0; before < i; before++)
		if (strcmp(group_label(network, group, before), label) == 0)
			return false;
	return true;
}

/* Whether every class of the network that bears the label is in the group. */
static bool label_whole(const struct network *network, const struct label_group *group, const char *label)
{
	int missing = 0;

	for (int i = 0; i < network->class_count; i++)
		missing += strcmp(network->labels[i], label) == 0;
	for (int i = 0; i < group->class_count; i++)
		missing -= strcmp(group_label(network, group, i), label) == 0;
	return missing == 0;
}

static int save_groups(const struct saving *s, struct error *e)
{
	struct output_file draft;
	int rc = output_folder_file(s->to, "groups.txt", &draft, e);

	if (rc)
		return rc;
	for (int g = 0; g < s->network->group_count; g++) {
		const struct label_group *group = &s->network->groups[g];
		fprintf(draft.file, "%s:", group->name);
		for (int i = 0; i < group->class_count; i++)
			if (label_first(s->network, group, i))
				fprintf(draft.file, "%s %s", i ? "," : "", group_label(s->network, group, i));
		fputc('\n', draft.file);
	}
	return output_file_close(&draft, 0, e);
}

static json_t *shape_json(struct shape shape)
{
	return json_pack("[i, i, i]", shape.channels, shape.height, shape.width);
}

/* The names of the layers that it reads. */
static json_t *from_json(const struct network *network, const struct layer *l)
{
	json_t *names = json_array();

	for (int i = 0; names && i < l->from_count; i++) {
		const char *name = l->from[i] == NETWORK_INPUT ? "input" : network->layers[l->from[i]].name;
		if (json_array_append_new(names, json_string(name))) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

static int add_window(json_t *entry, const struct layer *l)
{
	int rc = json_object_update_new(
		entry, json_pack("{s:[i, i], s:[i, i], s:[i, i, i, i]}", "kernel_shape", l->kernel_height,
			       l->kernel_width, "kernel_stride", l->stride_height, l->stride_width, "padding",
			       l->pad_top, l->pad_left, l->pad_bottom, l->pad_right));

	if (!rc && (l->dilation_height != 1 || l->dilation_width != 1))
		rc = json_object_set_new(
			entry, "dilation", json_pack("[i, i]", l->dilation_height, l->dilation_width));
	return rc;
}

/* What only some kinds have. */
static int add_kind(json_t *entry, const struct layer *l)
{
	static const char *const epilogues[] = {NULL, "thresholds", "requantise", "scores", "sums"};
	int rc = layer_has_window(l) ? add_window(entry, l) : 0;

	if (!rc && l->kind == LAYER_UPSAMPLE)
		rc = json_object_update_new(
			entry, json_pack("{s:[i, i], s:s}", "factor", l->stride_height, l->stride_width,
				       "method", l->stuffed ? "zeros" : "nearest"));
	if (!rc && l->pad_code && l->kind != LAYER_MAX_POOL)
		rc = json_object_set_new(entry, "pad_code", json_integer(l->pad_code));
	if (!rc && l->pixels)
		rc = json_object_set_new(entry, "pixels", json_integer(l->pixels));
	if (!rc && layer_has_weights(l))
		rc = json_object_update_new(
			entry, json_pack("{s:i, s:i}", "weight_bits", l->weight_bits, "groups", l->groups));
	if (!rc && layer_has_accumulator(l))
		rc = json_object_set_new(entry, "epilogue", json_string(epilogues[l->epilogue]));
	if (!rc && (l->clamp_low || l->clamp_high))
		rc = json_object_set_new(entry, "clamp", json_pack("[i, i]", l->clamp_low, l->clamp_high));
	return rc;
}

static json_t *layer_json(const struct network *network, const struct layer *l)
{
	json_t *entry = json_pack("{s:s, s:s, s:i, s:i, s:i, s:o, s:i, s:o}", "name", l->name, "func",
		layer_kinds[l->kind].func, "input_bits", l->input_bits, "output_bits", l->output_bits,
		"input_channels", l->in.channels, "input", shape_json(l->in), "output_channels",
		l->out.channels, "output", shape_json(l->out));
	int rc = entry ? 0 : -1;

	if (!rc && l->from_count)
		rc = json_object_set_new(entry, "from", from_json(network, l));
	if (!rc)
		rc = add_kind(entry, l);
	if (!rc)
		return entry;
	json_decref(entry);
	return NULL;
}

/* Writes nothing for a network that takes pictures unchanged. */
static int write_view(FILE *file, const struct view *view)
{
	if (view->kind == VIEW_CENTRE && !view->inverted && !view->high)
		return 0;
	json_t *json = view_json(view);
	fputs("  \"view\": ", file);
	int rc = json && !json_dumpf(json, file, 0) ? 0 : -ENOMEM;
	fputs(",\n", file);
	json_decref(json);
	return rc;
}

/* One layer a line: a network of twenty layers fits a screen. */
static int write_layers(FILE *file, const struct network *network)
{
	int rc = 0;

	fputs("  \"layers\": [\n", file);
	for (int i = 0; i < network->layer_count && !rc; i++) {
		json_t *entry = layer_json(network, &network->layers[i]);
		fputs("    ", file);
		rc = entry && !json_dumpf(entry, file, 0) ? 0 : -ENOMEM;
		json_decref(entry);
		fputs(i + 1 < network->layer_count ? ",\n" : "\n", file);
	}
	fputs("  ]\n", file);
	return rc;
}

static int save_json(const struct saving *s, struct error *e)
{
	struct output_file draft;
	json_t *name = json_string(s->network->name);
	int rc = output_folder_file(s->to, "network.json", &draft, e);

	if (!rc) {
		fputs("{\n  \"format\": 1,\n  \"network\": ", draft.file);
		rc = name && !json_dumpf(name, draft.file, JSON_ENCODE_ANY) ? 0 : -ENOMEM;
		fputs(",\n", draft.file);
		if (s->network->class_count)
			fputs("  \"labels\": \"labels.txt\",\n", draft.file);
		if (s->network->group_count)
			fputs("  \"groups\": \"groups.txt\",\n", draft.file);
		if (!rc)
			rc = write_view(draft.file, &s->network->view);
		if (!rc)
			rc = confidence_write(draft.file, s->network);
		if (!rc)
			rc = write_layers(draft.file, s->network);
		fputs("}\n", draft.file);
		rc = output_file_close(&draft, rc, e);
	}
	json_decref(name);
	return rc;
}

/*
 * What groups.txt cannot express: commas separate labels, a colon ends the name, and a label means all its
 * classes.
 */
static int check_texts(const struct network *network, struct error *e)
{
	for (int g = 0; g < network->group_count; g++) {
		const struct label_group *group = &network->groups[g];
		if (strchr(group->name, ':'))
			return error_set(e, -EBADMSG, "group \"%s\": its name holds a colon", group->name);
		for (int i = 0; i < group->class_count; i++) {
			const char *label = group_label(network, group, i);
			if (strchr(label, ','))
				return error_set(e, -EBADMSG, "group \"%s\": label \"%s\" holds a comma",
					group->name, label);
			if (label_first(network, group, i) && !label_whole(network, group, label))
				return error_set(e, -EBADMSG,
					"group \"%s\": label \"%s\" stands for a class outside the group too",
					group->name, label);
		}
	}
	return 0;
}

static int save_files(const struct saving *s, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < s->network->layer_count && !rc; i++)
		rc = save_layer(s, &s->network->layers[i], e);
	if (!rc && s->network->class_count)
		rc = save_labels(s, e);
	if (!rc && s->network->group_count)
		rc = save_groups(s, e);
	return rc ? rc : save_json(s, e);
}

int network_save_files(const struct network *network, struct output_folder *to, struct error *e)
{
	const struct saving s = {network, to};
	struct error cause = {0};
	int rc = network_check(network, &cause);

	if (!rc)
		rc = check_texts(network, &cause);
	if (rc)
		return error_set(e, rc, "%s: this network cannot be written: %s", to->path, cause.text);
	return save_files(&s, e);
}

int network_save(const struct network *network, const char *folder, struct error *e)
{
	struct output_folder to;
	int rc = output_folder_open(&to, folder, false, e);

	return rc ? rc : output_folder_close(&to, network_save_files(network, &to, e), e);
}
