/* SPDX-License-Identifier: MIT */
/*
 * A taught network's folder: beside the network, examples.npy, examples.txt and CARD.md. A line of
 * examples.txt is the label, and for those taken in a burst its number behind a tab.
 */
#include "teach/lesson.h"

#include "base/error.h"
#include "base/file.h"
#include "base/output_folder.h"
#include "base/path.h"
#include "nn/format/npy.h"
#include "nn/format/save.h"
#include "nn/teach/head.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLES_FILE "examples.npy"
#define LABELS_FILE "examples.txt"

/* A file of a folder; a name that is too long becomes one that cannot be opened. */
static const char *path_of(char path[PATH_MAX], const char *folder, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ? path : "";
}

static int read_whole(const char *path, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	struct error cause;
	int rc = file_read(AT_FDCWD, path, limit, data, size, &cause);

	return rc ? error_set(e, rc, "%s: %s", path, cause.text) : 0;
}

/* codes: [count][size] */
static int add_examples(struct lesson *lesson, const uint8_t *codes, int count, char *labels,
	const char *path, struct error *e)
{
	char *rest = labels;
	long burst = -1; /* of the line before */

	for (int i = 0; i < count; i++) {
		char *label = strsep(&rest, "\n"), *tab = label ? strchr(label, '\t') : NULL;
		long number = tab ? strtol(tab + 1, NULL, 10) : -1;
		bool again = number >= 0 && number == burst;
		int class, rc;

		burst = number;
		if (tab)
			*tab = 0;

		if (!label || !*label)
			return error_set(e, -EBADMSG, "%s:%d: a label is missing", path, i + 1);
		struct error cause;

		if ((rc = lesson_class(lesson, label, &class, &cause)) ||
			(rc = lesson_add(lesson, codes + (size_t)i * lesson->size, class, again, &cause)))
			return error_set(e, rc, "%s:%d: %s", path, i + 1, cause.text);
	}
	return !rest || !*rest ? 0
			       : error_set(e, -EBADMSG, "%s: holds more labels than the %d examples of %s",
					 path, count, EXAMPLES_FILE);
}

/* A code beyond the features' bits is none that the network makes. */
static int check_codes(const struct lesson *lesson, const uint8_t *codes, size_t size, struct error *e)
{
	int layers = 0;
	int rc = head_features(lesson->network, &layers, e);

	if (rc)
		return rc;
	int highest = (1 << network_tensor(lesson->network, layers - 1).bits) - 1;
	for (size_t i = 0; i < size; i++)
		if (codes[i] > highest)
			return error_set(e, -EBADMSG, "holds the code %d; the features have 0 … %d", codes[i],
				highest);
	return 0;
}

/* The error does not name the file. */
static int parse_examples(const struct lesson *lesson, const uint8_t *data, size_t size, struct npy *npy,
	const uint8_t **codes, struct error *e)
{
	int rc = npy_parse(data, size, npy, codes, e);

	if (rc)
		return rc;
	if (strcmp(npy->type, "u1") != 0 || npy->dimensions != 2 || npy->shape[0] > EXAMPLES_LIMIT ||
		npy->shape[1] != lesson->size)
		return error_set(e, -EBADMSG, "does not hold features of %zu codes, which this network has",
			lesson->size);
	return check_codes(lesson, *codes, npy->shape[0] * lesson->size, e);
}

int lesson_read(struct lesson *lesson, const char *folder, struct error *e)
{
	char path[PATH_MAX], labels_path[PATH_MAX];
	struct error cause = {0};
	const uint8_t *codes = NULL;
	uint8_t *data = NULL, *labels = NULL;
	size_t size = 0, length = 0;
	struct npy npy;
	int rc = read_whole(path_of(path, folder, EXAMPLES_FILE),
		EXAMPLES_LIMIT * lesson->size + NPY_HEADER_LIMIT, &data, &size, e);

	if (rc == -ENOENT)
		return error_set(
			e, rc, "%s: is missing; --add goes on only with what `twobit teach` has saved", path);
	if (rc)
		return rc;
	if ((rc = parse_examples(lesson, data, size, &npy, &codes, &cause)))
		error_set(e, rc, "%s: %s", path, cause.text);
	if (!rc)
		rc = read_whole(path_of(labels_path, folder, LABELS_FILE), (size_t)EXAMPLES_LIMIT * 264,
			&labels, &length, e);
	if (!rc) {
		labels[length] = 0; /* file_read leaves room */
		rc = add_examples(lesson, codes, (int)npy.shape[0], (char *)labels, labels_path, e);
		free(labels);
	}
	free(data);
	return rc;
}

/* Whether an example is one of several in a burst. */
static bool is_burst(const struct lesson *lesson, int i)
{
	return (i > 0 && lesson->bursts[i] == lesson->bursts[i - 1]) ||
	       (i + 1 < lesson->count && lesson->bursts[i] == lesson->bursts[i + 1]);
}

static int write_examples(const struct lesson *lesson, struct output_folder *to, struct error *e)
{
	const struct npy npy = {"u1", 2, {(uint64_t)lesson->count, lesson->size}};
	struct output_file out;
	int rc = output_folder_file(to, EXAMPLES_FILE, &out, e);

	if (!rc)
		rc = output_file_close(&out, npy_write(out.file, &npy, lesson->codes), e);
	if (rc || (rc = output_folder_file(to, LABELS_FILE, &out, e)))
		return rc;
	for (int i = 0; i < lesson->count; i++)
		if (is_burst(lesson, i))
			fprintf(out.file, "%s\t%d\n", lesson->labels[lesson->classes[i]], lesson->bursts[i]);
		else
			fprintf(out.file, "%s\n", lesson->labels[lesson->classes[i]]);
	return output_file_close(&out, 0, e);
}

static int write_card(
	const struct lesson *lesson, const struct ridge *ridge, struct output_folder *to, struct error *e)
{
	struct output_file out;
	int right, tested = lesson_tested(lesson, ridge, -1, &right);
	int rc = output_folder_file(to, "CARD.md", &out, e);

	if (rc)
		return rc;
	FILE *file = out.file;
	fprintf(file,
		"# %s\n\nTaught by `twobit teach`: the layers of %s, and a last layer of 8-bit weights "
		"fitted by "
		"ridge\nregression to the features of %d pictures. ",
		lesson->network->name, lesson->source,
		lesson->count < FITTED_LIMIT ? lesson->count : FITTED_LIMIT);
	if (tested)
		fprintf(file,
			"Fitted without it, and without others of\nits burst, the layer names %d of %d "
			"rightly (%.1f %%). ",
			right, tested, 100.0 * right / tested);
	fprintf(file,
		"The licence of %s and of the\npictures applies.\n\n| class | pictures |\n| --- | --- |\n",
		lesson->source);
	for (int i = 0; i < lesson->class_count; i++)
		fprintf(file, "| %s | %d |\n", lesson->labels[i], lesson_examples_of(lesson, i));
	return output_file_close(&out, 0, e);
}

static int rename_network(struct network *network, const char *folder, struct error *e)
{
	char *name = strdup(path_last(folder));

	if (!name)
		return error_set(e, -ENOMEM, "not enough memory to save");
	free(network->name);
	network->name = name;
	return 0;
}

int lesson_save(
	struct lesson *lesson, const struct ridge *ridge, const char *folder, bool replace, struct error *e)
{
	struct output_folder to;
	int rc = rename_network(lesson->network, folder, e);

	if (rc || (rc = head_replace(lesson->network, ridge, lesson->labels, lesson->class_count, e)) ||
		(rc = output_folder_open(&to, folder, replace, e)))
		return rc;
	lesson->network->unknown_below = lesson_threshold(lesson, ridge);
	rc = network_save_files(lesson->network, &to, e);
	if (!rc)
		rc = write_examples(lesson, &to, e);
	if (!rc)
		rc = write_card(lesson, ridge, &to, e);
	return output_folder_close(&to, rc, e);
}
