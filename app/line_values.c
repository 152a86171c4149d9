/* SPDX-License-Identifier: MIT */
#include "line_values.h"

#define NANOSECONDS 1000000000LL

int line_values_source(struct line_values *v, const struct command *command, int count, char **arguments)
{
	if (count > 1 || (count == 1 && v->source))
		return usage_error(command, "one source at a time: \"%s\" is too much", arguments[count - 1]);
	if (count == 1)
		v->source = arguments[0];
	return OPTIONS_GO_ON;
}

struct camera_options line_values_camera(const struct line_values *v)
{
	return (struct camera_options){
		.width = v->size.width,
		.height = v->size.height,
		.rate = v->rate,
		.paced = true,
		.format = v->format,
		.controls = v->controls.items[0] ? v->controls.items : NULL,
		.exposure = v->exposure,
	};
}

struct line_options line_values_line(const struct line_values *v)
{
	return (struct line_options){
		.overlap = true,
		.frames = (uint64_t)v->frames,
		.duration = (int64_t)(v->duration * NANOSECONDS),
		.kernels = v->kernels,
		.pl_limit = (int64_t)(v->pl_timeout * NANOSECONDS),
		.pl_check = (int64_t)(v->pl_check * NANOSECONDS),
	};
}
