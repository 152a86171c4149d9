/* SPDX-License-Identifier: MIT */
/* Stands for container.c in a build without video: no file opens, so nothing calls the rest. */
#include "recorder/container.h"

#include "base/build.h"

int container_open(
	const char *path, const struct container_options *options, struct container **out, struct error *e)
{
	(void)path;
	(void)options;
	*out = NULL;
	return build_check_video(e);
}

void container_text(struct container *c, const char *text, int64_t time, int64_t duration)
{
	(void)c;
	(void)text;
	(void)time;
	(void)duration;
}

int container_frame(struct container *c, const uint8_t *jpeg, size_t size, int64_t time, struct error *e)
{
	(void)c;
	(void)jpeg;
	(void)size;
	(void)time;
	return build_check_video(e);
}

bool container_is_deleted(const struct container *c)
{
	(void)c;
	return false;
}

uint64_t container_size(const struct container *c)
{
	(void)c;
	return 0;
}

uint64_t container_room(const struct container *c)
{
	(void)c;
	return 0;
}

uint64_t folder_room(const char *folder)
{
	(void)folder;
	return 0;
}

int container_close(struct container *c, struct error *e)
{
	(void)c;
	(void)e;
	return 0;
}
