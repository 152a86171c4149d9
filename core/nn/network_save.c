/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/limits.h"
#include "nn/network_parse.h"
#include "nn/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct saving {
	const struct network *network;
	const char *folder;
	int directory;
};

/* A file that takes its name when it is whole. */
struct draft {
	const char *name;
	char temporary[NAME_LIMIT + 48];
	FILE *file;
};

static int failed(const struct saving *s, const char *name, int code, struct error *e)
{
	return error_set(e, code, "%s/%s: cannot be written: %s", s->folder, name, strerror(abs(code)));
}

static int draft_open(const struct saving *s, struct draft *draft, const char *name, struct error *e)
{
	draft->name = name;
	snprintf(draft->temporary, sizeof(draft->temporary), ".%s.%ld.part", name, (long)getpid());
	int file = openat(s->directory, draft->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file < 0)
		return failed(s, name, -errno, e);
	draft->file = fdopen(file, "w");
	if (draft->file)
		return 0;
	close(file);
	unlinkat(s->directory, draft->temporary, 0);
	return failed(s, name, -ENOMEM, e);
}

/* rc: how writing went. */
static int draft_close(const struct saving *s, struct draft *draft, int rc, struct error *e)
{
	if (ferror(draft->file) && !rc)
		rc = -EIO;
	if (fclose(draft->file) && !rc)
		rc = -errno;
	if (!rc && renameat(s->directory, draft->temporary, s->directory, draft->name))
		rc = -errno;
	if (!rc)
		return 0;
	unlinkat(s->directory, draft->temporary, 0);
	return failed(s, draft->name, rc, e);
}

static int save_array(const struct saving *s, const struct layer *layer, enum layer_array array,
	const struct npy *shape, const void *values, struct error *e)
{
	char name[NAME_LIMIT + 32];
	struct draft draft;

	snprintf(name, sizeof(name), "%s.%s.npy", layer->name, layer_array_names[array]);
	int rc = draft_open(s, &draft, name, e);
	return rc ? rc : draft_close(s, &draft, npy_write(draft.file, shape, values), e);
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
		return failed(s, l->name, -ENOMEM, e);
	for (size_t row = 0; row < rows; row++)
		for (size_t i = 0; i < taps; i++)
			if (l->weights[row * taps + i] > 0)
				bits[row * bytes + i / 8] |= (uint8_t)(1U << (i % 8));
	int rc = save_array(s, l, ARRAY_WEIGHTS, &(struct npy){"u1", 2, {rows, bytes}}, bits, e);
	free(bits);
	return rc;
}

static int save_layer(const struct saving *s, const struct layer *l, struct error *e)
{
	uint64_t out = (uint64_t)l->out.channels;
	const struct npy bytes = {"u1", 1, {out}};
	const struct npy integers = {"i4", 1, {out}};
	const struct npy reals = {"f4", 1, {out}};
	int rc = layer_has_weights(l) ? save_weights(s, l, e) : 0;

	if (!rc && l->ending == ENDING_THRESHOLDS) {
		struct npy shape = {"i4", 2, {out, (uint64_t)layer_levels(l)}};
		rc = save_array(s, l, ARRAY_THRESHOLDS, &shape, l->thresholds, e);
		if (!rc && l->invert)
			rc = save_array(s, l, ARRAY_INVERT, &bytes, l->invert, e);
	} else if (!rc && l->ending == ENDING_RESCALE) {
		if (!(rc = save_array(s, l, ARRAY_MULTIPLIER, &integers, l->multiplier, e)) &&
			!(rc = save_array(s, l, ARRAY_SHIFT, &bytes, l->shift, e)))
			rc = save_array(s, l, ARRAY_OFFSET, &integers, l->offset, e);
	} else if (!rc && l->ending == ENDING_SCORES) {
		if (!(rc = save_array(s, l, ARRAY_SCALE, &reals, s->network->scale, e)))
			rc = save_array(s, l, ARRAY_BIAS, &reals, s->network->bias, e);
	}
	return rc;
}

static int save_labels(const struct saving *s, struct error *e)
{
	struct draft draft;
	int rc = draft_open(s, &draft, "labels.txt", e);

	if (rc)
		return rc;
	for (int i = 0; i < s->network->class_count; i++)
		fprintf(draft.file, "%s\n", s->network->labels[i]);
	return draft_close(s, &draft, 0, e);
}

static int save_groups(const struct saving *s, struct error *e)
{
	struct draft draft;
	int rc = draft_open(s, &draft, "groups.txt", e);

	if (rc)
		return rc;
	for (int g = 0; g < s->network->group_count; g++) {
		const struct label_group *group = &s->network->groups[g];
		fprintf(draft.file, "%s:", group->name);
		for (int i = 0; i < group->class_count; i++)
			fprintf(draft.file, "%s %s", i ? "," : "", s->network->labels[group->classes[i]]);
		fputc('\n', draft.file);
	}
	return draft_close(s, &draft, 0, e);
}

static json_t *shape_json(struct shape shape)
{
	return json_pack("[i, i, i]", shape.channels, shape.height, shape.width);
}

static json_t *layer_json(const struct layer *l)
{
	static const char *const funcs[] = {"conv_layer", "fc_layer", "maxpool_layer"};
	static const char *const endings[] = {NULL, "thresholds", "rescale", "scores"};
	json_t *entry = json_pack("{s:s, s:s, s:i, s:i, s:[i, i], s:i, s:[i, i, i, i], s:i, s:o, s:i, s:o}",
		"name", l->name, "func", funcs[l->kind], "input_bits", l->input_bits, "output_bits",
		l->output_bits, "kernel_shape", l->kernel_height, l->kernel_width, "kernel_stride", l->stride,
		"padding", l->pad_top, l->pad_left, l->pad_bottom, l->pad_right, "input_channels",
		l->in.channels, "input", shape_json(l->in), "output_channels", l->out.channels, "output",
		shape_json(l->out));

	if (!entry || !layer_has_weights(l))
		return entry;
	if (json_object_set_new(entry, "weight_bits", json_integer(l->weight_bits)) ||
		json_object_set_new(entry, "groups", json_integer(l->groups)) ||
		json_object_set_new(entry, "ending", json_string(endings[l->ending])) ||
		(l->ending == ENDING_RESCALE &&
			json_object_set_new(entry, "rounding",
				json_string(l->rounding == ROUNDING_UP ? "up" : "nearest_even")))) {
		json_decref(entry);
		return NULL;
	}
	return entry;
}

static json_t *network_json(const struct network *network)
{
	json_t *layers = json_array();
	json_t *root = json_pack("{s:i, s:s}", "format", 1, "network", network->name);
	int rc = layers && root ? 0 : -1;

	if (!rc && network->class_count)
		rc = json_object_set_new(root, "labels", json_string("labels.txt"));
	if (!rc && network->group_count)
		rc = json_object_set_new(root, "groups", json_string("groups.txt"));
	for (int i = 0; i < network->layer_count && !rc; i++)
		rc = json_array_append_new(layers, layer_json(&network->layers[i]));
	if (!rc)
		rc = json_object_set(root, "layers", layers);
	json_decref(layers);
	if (!rc)
		return root;
	json_decref(root);
	return NULL;
}

static int save_json(const struct saving *s, struct error *e)
{
	struct draft draft;
	json_t *root = network_json(s->network);

	if (!root)
		return failed(s, "network.json", -ENOMEM, e);
	int rc = draft_open(s, &draft, "network.json", e);
	if (!rc) {
		rc = json_dumpf(root, draft.file, JSON_INDENT(2)) ? -EIO : 0;
		fputc('\n', draft.file);
		rc = draft_close(s, &draft, rc, e);
	}
	json_decref(root);
	return rc;
}

/* What the format cannot say: a group's labels are told apart by commas, its name ends at a colon. */
static int check_texts(const struct network *network, struct error *e)
{
	for (int g = 0; g < network->group_count; g++) {
		const struct label_group *group = &network->groups[g];
		if (strchr(group->name, ':'))
			return error_set(e, -EBADMSG, "group \"%s\": its name holds a colon", group->name);
		for (int i = 0; i < group->class_count; i++)
			if (strchr(network->labels[group->classes[i]], ','))
				return error_set(e, -EBADMSG, "group \"%s\": label \"%s\" holds a comma",
					group->name, network->labels[group->classes[i]]);
	}
	return 0;
}

/* network.json comes last: a folder that has one is whole. */
static int save_files(const struct saving *s, struct error *e)
{
	int rc = 0;

	if (faccessat(s->directory, "network.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return error_set(e, -EEXIST, "%s: holds a network already; choose another folder", s->folder);
	for (int i = 0; i < s->network->layer_count && !rc; i++)
		rc = save_layer(s, &s->network->layers[i], e);
	if (!rc && s->network->class_count)
		rc = save_labels(s, e);
	if (!rc && s->network->group_count)
		rc = save_groups(s, e);
	return rc ? rc : save_json(s, e);
}

int network_save(const struct network *network, const char *folder, struct error *e)
{
	struct saving s = {network, folder, -1};
	struct error cause = {0};
	int rc = network_check(network, &cause);

	if (!rc)
		rc = check_texts(network, &cause);
	if (rc)
		return error_set(e, rc, "%s: this network cannot be written: %s", folder, cause.text);
	if (mkdir(folder, 0777) && errno != EEXIST)
		return error_set(e, -errno, "%s: cannot be made: %s", folder, strerror(errno));
	s.directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.directory < 0)
		return error_set(e, -errno, "%s: cannot be opened: %s", folder, strerror(errno));
	rc = save_files(&s, e);
	close(s.directory);
	return rc;
}
