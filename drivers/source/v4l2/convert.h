/* SPDX-License-Identifier: MIT */
/* libv4lconvert turns formats that twobit does not read itself into I420. A build without it reads none. */
#ifndef SOURCE_V4L2_CONVERT_H
#define SOURCE_V4L2_CONVERT_H

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct v4lconvert_data; /* a converter: libv4lconvert's own */

/* Whether pictures of a format, which V4L2 calls `code`, can be converted. */
bool v4l2_converter_reads(uint32_t code);

/* For the camera behind fd, which stays the caller's. NULL: out of memory. */
struct v4lconvert_data *v4l2_converter_create(int fd);
void v4l2_converter_destroy(struct v4lconvert_data *converter); /* takes NULL */

/* Converts a picture of that format to I420 without gaps. -EBADMSG with a message: it is broken. */
int v4l2_converter_run(struct v4lconvert_data *converter, const struct v4l2_pix_format *format,
	const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size, struct error *e);

#endif
