/* SPDX-License-Identifier: MIT */
/* For a recording of labels alone: a container of no file. The log beside it is the recording. */
#include "base/error.h"
#include "recorder/container.h"
#include "recorder/names.h"
#include "recorder/room.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* What callers know as a container. */
struct no_video {
	char folder[PATH_MAX];
};

static int open_none(
	const char *path, const struct container_options *options, struct container **out, struct error *e)
{
	struct no_video *none = calloc(1, sizeof(*none));

	(void)options;
	if (!none)
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	names_folder(path, none->folder, sizeof(none->folder));
	*out = (struct container *)none;
	return 0;
}

static void text_none(struct container *c, const char *text, int64_t time, int64_t duration)
{
	(void)c;
	(void)text;
	(void)time;
	(void)duration;
}

static int frame_none(struct container *c, const uint8_t *jpeg, size_t size, int64_t time, struct error *e)
{
	(void)c;
	(void)jpeg;
	(void)size;
	(void)time;
	(void)e;
	return 0;
}

static bool is_deleted_none(const struct container *c)
{
	(void)c;
	return false;
}

static uint64_t size_none(const struct container *c)
{
	(void)c;
	return 0;
}

static uint64_t room_none(const struct container *c)
{
	return room_in(((const struct no_video *)c)->folder);
}

static int close_none(struct container *c, struct error *e)
{
	(void)e;
	free(c);
	return 0;
}

const struct container_writer container_none = {
	.open = open_none,
	.text = text_none,
	.frame = frame_none,
	.is_deleted = is_deleted_none,
	.size = size_none,
	.room = room_none,
	.close = close_none,
};
