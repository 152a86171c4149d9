/* SPDX-License-Identifier: MIT */
#include "teach/pictures.h"

#include "base/error.h"
#include "base/log.h"
#include "cli/interruption.h"
#include "dataset/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names of the subfolders, as labels: "_" stands for a space. */
struct subfolders {
	char **labels;
	int count;
};

static void subfolders_finish(struct subfolders *s)
{
	for (int i = 0; i < s->count; i++)
		free(s->labels[i]);
	free((void *)s->labels);
}

static int subfolder_add(struct subfolders *s, const char *name)
{
	char **labels = realloc((void *)s->labels, (size_t)(s->count + 1) * sizeof(*labels));

	if (!labels)
		return -ENOMEM;
	s->labels = labels;
	labels[s->count] = strdup(name);
	if (!labels[s->count])
		return -ENOMEM;
	for (char *c = labels[s->count++]; *c; c++)
		if (*c == '_')
			*c = ' ';
	return 0;
}

static int subfolders_list(const char *folder, struct subfolders *s, struct error *e)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	int rc = count >= 0 ? 0 : errno ? -errno : -EIO;

	if (rc) {
		error_set(e, rc, "%s: cannot be read: %s", folder, strerror(-rc));
		return rc;
	}
	for (int i = 0; i < count; i++) {
		char path[4096];
		struct stat status;
		if (!rc && entries[i]->d_name[0] != '.' &&
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) <
				(int)sizeof(path) &&
			!stat(path, &status) && S_ISDIR(status.st_mode))
			rc = subfolder_add(s, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (rc) {
		error_set(e, rc, "not enough memory for the classes of %s", folder);
	} else if (!s->count) {
		rc = -ENOENT;
		error_set(e, rc,
			"%s: holds no folders; each class needs one, with its pictures: %s/cup/1.jpg", folder,
			folder);
	}
	return rc;
}

static int add_picture(struct lesson *lesson, const struct dataset *dataset, int index, const int *classes,
	struct picture *picture, uint8_t *codes, struct error *e)
{
	struct picture_area area;

	int rc = dataset_read(dataset, index, picture, e);
	if (error_is_of_machine(rc))
		return rc;
	if (rc) {
		log_warning("%s; it is left out", e->text);
		return 0;
	}
	if (!lesson_look(lesson, VIEW_FROM_FILE, picture, NULL, 0, &area)) {
		log_warning("%s: there is no face in it; it is left out", dataset_name(dataset, index));
		return 0;
	}
	return lesson_add(lesson, lesson_features(lesson, VIEW_FROM_FILE, picture, &area, codes),
		classes[dataset_label(dataset, index)], false, e);
}

static int add_pictures(struct lesson *lesson, const struct dataset *dataset, const int *classes,
	bool progress, struct error *e)
{
	uint8_t *codes = malloc(lesson->size);
	struct picture picture = {0};
	int size = dataset_size(dataset), rc = codes ? 0 : error_set(e, -ENOMEM, "not enough memory");

	for (int i = 0; i < size && !rc; i++) {
		rc = interruption_came() ? error_set(e, -ECANCELED, "stopped")
					 : add_picture(lesson, dataset, i, classes, &picture, codes, e);
		if (progress)
			log_progress("%d of %d pictures", i + 1, size);
	}
	log_progress_end();
	picture_finish(&picture);
	free(codes);
	return rc;
}

int teach_pictures(struct lesson *lesson, const char *folder, bool progress, struct error *e)
{
	struct subfolders s = {0};
	struct dataset *dataset = NULL;
	int *classes = NULL;
	int rc = subfolders_list(folder, &s, e);

	if (!rc) {
		classes = calloc((size_t)s.count + 1, sizeof(*classes));
		if (!classes)
			rc = error_set(e, -ENOMEM, "not enough memory");
	}
	for (int i = 0; i < s.count && !rc && classes; i++)
		rc = lesson_class(lesson, s.labels[i], &classes[i], e);
	const struct dataset_options options = {.labels = s.labels, .class_count = s.count};
	if (!rc)
		rc = dataset_open(folder, &options, &dataset, e);
	if (!rc && classes)
		rc = add_pictures(lesson, dataset, classes, progress, e);
	dataset_close(dataset);
	subfolders_finish(&s);
	free(classes);
	return rc;
}
