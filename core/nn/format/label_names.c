/* SPDX-License-Identifier: MIT */
#include "nn/format/label_names.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "nn/network_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE_MAXIMUM ((size_t)4 << 20)
#define BETWEEN " = " /* a name and its other name */

struct label_names {
	struct network shown; /* labels, groups and their names are copies, all else is the network's */
	bool *named;	      /* [class_count + group_count]: a line has named it */
};

/* A piece of a line. */
struct words {
	const char *text;
	size_t length;
};

struct names_reading {
	const char *file;
	struct text text;
	const struct network *network;
	struct label_names *names;
	struct error *e;
};

static int bad(const struct names_reading *r, const char *what, struct words words, const char *fault)
{
	return error_set(r->e, -EBADMSG, "%s:%d: %s\"%.*s\" %s", r->file, r->text.line, what,
		(int)(words.length < 60 ? words.length : 60), words.text, fault);
}

static int name_set(const struct names_reading *r, char **name, struct words words)
{
	const char *fault = label_fault(words.text, words.length);
	char *copy;

	if (fault)
		return error_set(r->e, -EBADMSG, "%s:%d: the name %s", r->file, r->text.line, fault);
	if (!(copy = strndup(words.text, words.length)))
		return error_set(r->e, -ENOMEM, "%s: no memory", r->file);
	free(*name);
	*name = copy;
	return 0;
}

/* A line for each label, in their order. */
static int read_in_order(struct names_reading *r)
{
	int count = r->network->class_count, lines = 0, rc = 0;
	struct words line;

	while (!rc && text_line(&r->text, &line.text, &line.length))
		if (lines++ < count)
			rc = name_set(r, &r->names->shown.labels[lines - 1], line);
	if (!rc && lines != count)
		rc = error_set(r->e, -EBADMSG,
			"%s: has %d lines, and the network %s has %d labels; give a line for each, or lines "
			"\"label" BETWEEN "other name\"",
			r->file, lines, r->network->name ? r->network->name : "", count);
	return rc;
}

static bool is(const char *name, struct words words)
{
	return strlen(name) == words.length && !memcmp(name, words.text, words.length);
}

/* Gives the label or the group, or all that bear this name, the other one. */
static int rename_all(struct names_reading *r, struct words old, struct words other)
{
	const struct network *network = r->network;
	bool found = false;

	for (int i = 0; i < network->class_count + network->group_count; i++) {
		int group = i - network->class_count;
		const char *name = group < 0 ? network->labels[i] : network->groups[group].name;
		if (!is(name, old))
			continue;
		if (r->names->named[i])
			return bad(r, "", old, "has a line already");
		int rc = name_set(r,
			group < 0 ? &r->names->shown.labels[i] : &r->names->shown.groups[group].name, other);
		if (rc)
			return rc;
		found = r->names->named[i] = true;
	}
	if (found)
		return 0;
	return bad(r, "", old, "is neither a label nor a group of the network");
}

/* Lines "label or group = other name"; what has no line keeps its name. */
static int read_by_name(struct names_reading *r)
{
	struct words line;
	int rc = 0;

	while (!rc && text_line(&r->text, &line.text, &line.length)) {
		const char *between = memmem(line.text, line.length, BETWEEN, strlen(BETWEEN));
		if (!line.length || *line.text == '#')
			continue;
		if (!between)
			return bad(r, "", line, "is not \"label" BETWEEN "other name\"");
		struct words old = {line.text, (size_t)(between - line.text)};
		struct words other = {between + strlen(BETWEEN), line.length - old.length - strlen(BETWEEN)};
		text_trim(&old.text, &old.length);
		text_trim(&other.text, &other.length);
		rc = rename_all(r, old, other);
	}
	return rc;
}

/* Of the network's names, so that a file may leave some of them. */
static int names_copy(struct label_names *names, const struct network *network)
{
	struct network *shown = &names->shown;

	*shown = *network;
	shown->labels = calloc((size_t)network->class_count + 1, sizeof(*shown->labels));
	shown->groups = calloc((size_t)network->group_count + 1, sizeof(*shown->groups));
	names->named = calloc(
		(size_t)network->class_count + (size_t)network->group_count + 1, sizeof(*names->named));
	if (!shown->labels || !shown->groups || !names->named)
		return -ENOMEM;
	for (int i = 0; i < network->class_count; i++)
		if (!(shown->labels[i] = strdup(network->labels[i])))
			return -ENOMEM;
	for (int i = 0; i < network->group_count; i++) {
		shown->groups[i] = network->groups[i];
		if (!(shown->groups[i].name = strdup(network->groups[i].name)))
			return -ENOMEM;
	}
	return 0;
}

int label_names_parse(const char *file, const void *text, size_t length, const struct network *network,
	struct label_names **out, struct error *e)
{
	struct label_names *names = calloc(1, sizeof(*names));
	struct names_reading r = {.file = file, .network = network, .names = names, .e = e};
	struct error cause;

	if (!names || names_copy(names, network)) {
		label_names_destroy(names);
		return error_set(e, -ENOMEM, "%s: no memory", file);
	}
	int rc = text_begin(&r.text, text, length, &cause);
	if (rc)
		error_set(e, rc, "%s: %s", file, cause.text);
	else
		rc = memmem(text, length, BETWEEN, strlen(BETWEEN)) ? read_by_name(&r) : read_in_order(&r);
	if (rc) {
		label_names_destroy(names);
		return rc;
	}
	*out = names;
	return 0;
}

int label_names_create(
	const char *path, const struct network *network, struct label_names **out, struct error *e)
{
	struct error cause = {0};
	uint8_t *data = NULL;
	size_t size;
	int stream = stream_open(path);

	if (stream < 0)
		return error_set(e, stream, "%s: %s", path, strerror(-stream));
	int rc = stream_read(stream, FILE_SIZE_MAXIMUM, &data, &size, &cause);
	close(stream);
	if (rc)
		error_set(e, rc, "%s: %s", path, cause.text);
	else
		rc = label_names_parse(path, data, size, network, out, e);
	free(data);
	return rc;
}

const struct network *label_names_network(const struct label_names *names)
{
	return &names->shown;
}

void label_names_destroy(struct label_names *names)
{
	if (!names)
		return;
	for (int i = 0; names->shown.labels && i < names->shown.class_count; i++)
		free(names->shown.labels[i]);
	for (int i = 0; names->shown.groups && i < names->shown.group_count; i++)
		free(names->shown.groups[i].name);
	free(names->shown.labels);
	free(names->shown.groups);
	free(names->named);
	free(names);
}
