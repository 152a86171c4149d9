/* SPDX-License-Identifier: MIT */
/* Stands for convert.c in a build without libv4lconvert. It reads no format, so nothing calls the rest. */
#include "source/v4l2/convert.h"

#include "base/error.h"

#include <errno.h>

bool v4l2_converter_reads(uint32_t code)
{
	(void)code;
	return false;
}

struct v4lconvert_data *v4l2_converter_create(int fd)
{
	(void)fd;
	return NULL;
}

void v4l2_converter_destroy(struct v4lconvert_data *converter)
{
	(void)converter;
}

int v4l2_converter_run(struct v4lconvert_data *converter, const struct v4l2_pix_format *format,
	const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size, struct error *e)
{
	(void)converter;
	(void)format;
	(void)from;
	(void)from_size;
	(void)to;
	(void)to_size;
	return error_set(e, -ENOSYS, "this build converts no formats");
}
