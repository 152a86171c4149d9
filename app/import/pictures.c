/* SPDX-License-Identifier: MIT */
#include "import/pictures.h"

#include "base/error.h"
#include "image/decode.h"
#include "image/formats.h"
#include "image/view.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By bytes, so that the order does not depend on the locale. */
static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int path_add(struct calibration *c, const char *path, int *room)
{
	if (c->count == *room) {
		int more = *room ? 2 * *room : 64;
		char **paths = realloc(c->paths, (size_t)more * sizeof(*paths));

		if (!paths)
			return -ENOMEM;
		c->paths = paths;
		*room = more;
	}
	c->paths[c->count] = strdup(path);
	return c->paths[c->count++] ? 0 : -ENOMEM;
}

static int folder_walk(struct calibration *c, const char *folder, struct error *e)
{
	char *const roots[] = {(char *)folder, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	int rc = walk ? 0 : error_set(e, -errno, "%s: %s", folder, strerror(errno)), room = 0;

	for (FTSENT *entry; rc == 0 && (entry = fts_read(walk));) {
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
			rc = error_set(
				e, -entry->fts_errno, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
		else if (entry->fts_info == FTS_D && entry->fts_level > 0 && entry->fts_name[0] == '.')
			fts_set(walk, entry, FTS_SKIP);
		else if ((entry->fts_info == FTS_F || entry->fts_info == FTS_SL) &&
			 entry->fts_name[0] != '.' && picture_file(AT_FDCWD, entry->fts_accpath) &&
			 path_add(c, entry->fts_path, &room))
			rc = error_set(e, -ENOMEM, "%s: no memory to list it", folder);
	}
	if (walk)
		fts_close(walk);
	return rc;
}

/* As many as the maximum, evenly over the list. */
static void paths_thin(struct calibration *c)
{
	int kept = 0, all = c->count;

	if (all <= CALIBRATION_MAXIMUM)
		return;
	for (int i = 0; i < all; i++)
		if ((int)((int64_t)i * CALIBRATION_MAXIMUM / all) == kept && kept < CALIBRATION_MAXIMUM)
			c->paths[kept++] = c->paths[i];
		else
			free(c->paths[i]);
	c->count = kept;
}

int calibration_open(const char *folder, const struct view *view, struct calibration *out, struct error *e)
{
	*out = (struct calibration){.view = *view};
	int rc = folder_walk(out, folder, e);

	if (rc == 0 && out->count == 0)
		rc = error_set(e, -ENOENT,
			"%s: holds no picture (%s); calibration needs some as the network will see them",
			folder, PICTURE_FORMATS);
	if (rc)
		calibration_close(out);
	else
		paths_thin(out);
	return rc;
}

void calibration_close(struct calibration *calibration)
{
	for (int i = 0; i < calibration->count; i++)
		free(calibration->paths[i]);
	free((void *)calibration->paths);
	picture_finish(&calibration->picture);
	*calibration = (struct calibration){0};
}

int calibration_read(void *context, int index, struct shape shape, uint8_t *pixels, struct error *e)
{
	struct calibration *c = context;
	struct picture_area area;

	if (shape.channels != 1 && shape.channels != 3)
		return error_set(e, -EBADMSG,
			"the model's input has %d channels, but pictures have 1 or 3; quantise the model "
			"with onnxruntime's quantize_static, and import that",
			shape.channels);
	int rc = picture_read_file(c->paths[index], &c->picture, e);
	if (rc)
		return rc;
	view_look(&c->view, VIEW_FROM_FILE, &c->picture, NULL, 0, shape.width, shape.height, &area);
	view_input(&c->view, VIEW_FROM_FILE, &c->picture, &area, pixels, shape.width, shape.height,
		shape.channels, 8);
	return 0;
}
