/* SPDX-License-Identifier: MIT */
#include "line_values.h"

#include "base/error.h"
#include "base/log.h"
#include "signals.h"

#include <errno.h>
#include <sysexits.h>

#define NANOSECONDS 1000000000LL

int line_values_source(struct line_values *v, const struct invocation *invocation, int count)
{
	if (count > 1 || (count == 1 && v->source.text))
		return usage_error(
			invocation, "one source at a time: \"%s\" is too much", invocation->argv[count - 1]);
	if (count == 1)
		v->source.text = invocation->argv[0];
	return OPTIONS_GO_ON;
}

struct camera_options line_values_camera(const struct line_values *v)
{
	return (struct camera_options){
		.width = v->size.width,
		.height = v->size.height,
		.rate = v->rate,
		.paced = true,
		.give_up = signals_end_descriptor(),
		.format = v->format.text,
		.controls = v->controls.items[0] ? v->controls.items : NULL,
		.exposure = v->exposure.text,
	};
}

int line_values_open(const struct line_values *v, const struct camera_options *wanted, struct camera **out,
	struct error *e)
{
	int status = camera_open(v->source.text, wanted, out, e);

	if (status && status != -ECANCELED)
		return fail(FAILURE_SOURCE, e);
	log_info("%s%s", status ? "" : "source: ", status ? e->text : camera_description(*out));
	return EX_OK;
}

struct line_options line_values_line(const struct line_values *v)
{
	return (struct line_options){
		.overlap = true,
		.frames = (uint64_t)v->frames,
		.duration = (int64_t)(v->duration * NANOSECONDS),
		.kernels = v->kernels.text,
		.pl_limit = (int64_t)(v->pl_timeout * NANOSECONDS),
		.pl_check = (int64_t)(v->pl_check * NANOSECONDS),
		.interrupted = signals_end,
	};
}

int line_values_start(const struct line_options *options, struct line **line, struct error *e)
{
	int status = line_start(options, line, e);

	if (status && status != -EINTR)
		return fail(status == -ENOTSUP ? FAILURE_KERNELS : FAILURE_NETWORK, e);
	if (status)
		log_info("%s", e->text);
	return EX_OK;
}
