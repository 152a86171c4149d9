/* SPDX-License-Identifier: MIT */
#include "nn/format/labels.h"

#include "base/error.h"
#include "base/text.h"
#include "nn/limits.h"
#include "nn/network_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of a text, not zero-terminated. */
struct piece {
	const char *text;
	size_t length;
};

static struct piece trimmed(const char *text, size_t length)
{
	text_trim(&text, &length);
	return (struct piece){text, length};
}

struct lines {
	const char *file;
	struct text text;
};

static int lines_begin(
	struct lines *lines, const char *file, const char *text, size_t length, struct error *e)
{
	struct error cause;

	lines->file = file;
	int rc = text_begin(&lines->text, text, length, &cause);
	return rc ? error_set(e, rc, "%s: %s", file, cause.text) : 0;
}

static bool next_line(struct lines *lines, struct piece *line)
{
	return text_line(&lines->text, &line->text, &line->length);
}

static char *copy(struct piece piece)
{
	return strndup(piece.text, piece.length);
}

static int no_memory(const struct lines *lines, struct error *e)
{
	error_set(e, -ENOMEM, "%s:%d: no memory", lines->file, lines->text.line);
	return -ENOMEM;
}

static int check_piece(const struct lines *lines, const char *what, struct piece piece, struct error *e)
{
	const char *fault = label_fault(piece.text, piece.length);

	if (!fault)
		return 0;
	error_set(e, -EBADMSG, "%s:%d: the %s %s", lines->file, lines->text.line, what, fault);
	return -EBADMSG;
}

int labels_parse(struct network *network, const char *file, const char *text, size_t length, struct error *e)
{
	struct lines lines;
	struct piece line;
	int rc = lines_begin(&lines, file, text, length, e);

	if (rc)
		return rc;
	network->labels = (char **)calloc((size_t)network->class_count + 1, sizeof(*network->labels));
	if (!network->labels)
		return no_memory(&lines, e);
	while (next_line(&lines, &line)) {
		if (lines.text.line > network->class_count)
			return error_set(e, -EBADMSG, "%s:%d: has more labels than the network's %d classes",
				file, lines.text.line, network->class_count);
		if ((rc = check_piece(&lines, "label", line, e)))
			return rc;
		if (!(network->labels[lines.text.line - 1] = copy(line)))
			return no_memory(&lines, e);
	}
	if (lines.text.line < network->class_count)
		return error_set(e, -EBADMSG, "%s:%d: ends after %d labels, the network has %d classes", file,
			lines.text.line ? lines.text.line : 1, lines.text.line, network->class_count);
	return 0;
}

int labels_number(struct network *network, struct error *e)
{
	network->labels = calloc((size_t)network->class_count, sizeof(*network->labels));
	for (int i = 0; network->labels && i < network->class_count; i++)
		if (asprintf(&network->labels[i], "class %d", i) < 0) {
			network->labels[i] = NULL;
			return error_set(e, -ENOMEM, "no memory for %d labels", network->class_count);
		}
	return network->labels ? 0 : error_set(e, -ENOMEM, "no memory for labels");
}

static bool is_label(const char *label, struct piece piece)
{
	return label && strlen(label) == piece.length && memcmp(label, piece.text, piece.length) == 0;
}

/* Adds the classes that bear this label; two classes may bear the same. */
static int add_label(const struct network *network, struct label_group *group, struct piece label,
	bool *taken, const struct lines *lines, struct error *e)
{
	int found = 0;
	int rc = check_piece(lines, "label", label, e);

	for (int i = 0; i < network->class_count && !rc; i++) {
		if (!is_label(network->labels[i], label))
			continue;
		if (taken[i])
			return error_set(e, -EBADMSG, "%s:%d: label \"%s\" is in a group already",
				lines->file, lines->text.line, network->labels[i]);
		taken[i] = true;
		group->classes[group->class_count++] = i;
		found++;
	}
	if (!rc && !found)
		return error_set(e, -EBADMSG, "%s:%d: \"%.*s\" is not one of the network's labels",
			lines->file, lines->text.line, (int)label.length, label.text);
	return rc;
}

static int add_group(
	struct network *network, struct piece line, bool *taken, const struct lines *lines, struct error *e)
{
	const char *colon = memchr(line.text, ':', line.length);
	if (!colon)
		return error_set(e, -EBADMSG, "%s:%d: is not \"name: label, label, …\"", lines->file,
			lines->text.line);
	struct piece name = trimmed(line.text, (size_t)(colon - line.text));
	struct piece rest = {colon + 1, line.length - (size_t)(colon + 1 - line.text)};
	int rc = check_piece(lines, "group's name", name, e);
	if (rc)
		return rc;
	for (int i = 0; i < network->group_count; i++)
		if (is_label(network->groups[i].name, name))
			return error_set(e, -EBADMSG, "%s:%d: group \"%s\" stands here twice", lines->file,
				lines->text.line, network->groups[i].name);

	struct label_group *group = &network->groups[network->group_count++];
	group->name = copy(name);
	group->classes = calloc((size_t)network->class_count, sizeof(*group->classes));
	if (!group->name || !group->classes)
		return no_memory(lines, e);
	for (bool more = true; more && !rc;) {
		const char *comma = rest.length ? memchr(rest.text, ',', rest.length) : NULL;
		size_t length = comma ? (size_t)(comma - rest.text) : rest.length;
		rc = add_label(network, group, trimmed(rest.text, length), taken, lines, e);
		more = comma != NULL;
		rest = (struct piece){rest.text + length + more, rest.length - length - more};
	}
	return rc;
}

int groups_parse(struct network *network, const char *file, const char *text, size_t length, struct error *e)
{
	struct lines lines;
	struct piece line;
	int rc = lines_begin(&lines, file, text, length, e);

	if (rc)
		return rc;
	/* Each group takes a class of its own, so there are no more groups than classes. */
	bool *taken = calloc((size_t)network->class_count + 1, sizeof(*taken));
	network->groups = calloc((size_t)network->class_count + 1, sizeof(*network->groups));
	if (!taken || !network->groups)
		rc = no_memory(&lines, e);
	while (!rc && next_line(&lines, &line))
		rc = add_group(network, line, taken, &lines, e);
	free(taken);
	return rc;
}
