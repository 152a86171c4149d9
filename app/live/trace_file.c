/* SPDX-License-Identifier: MIT */
#include "live/trace_file.h"

#include "base/error.h"
#include "base/log.h"
#include "base/output_file.h"
#include "pipeline/pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Events of each stage: 40 bytes each, about six minutes of a camera. */
#define EVENTS 32768

struct trace_file {
	struct output_file out;
	struct trace *trace;
};

int trace_file_open(const char *path, const char *name, struct trace_file **out, struct error *e)
{
	*out = NULL;
	if (!path)
		return 0;
	struct trace_file *file = calloc(1, sizeof(*file));
	if (!file)
		return error_set(e, -ENOMEM, "out of memory for the trace");
	int status = output_file_open(&file->out, path, 0, e);
	if (!status && pipeline_trace_create(name, EVENTS, &file->trace))
		status = error_set(e, -ENOMEM, "out of memory for the trace");
	if (status) {
		trace_file_close(file);
		return status;
	}
	*out = file;
	return 0;
}

struct trace *trace_file_trace(struct trace_file *file)
{
	return file ? file->trace : NULL;
}

int trace_file_write(struct trace_file *file, struct error *e)
{
	const struct trace *trace = trace_file_trace(file);

	if (!trace)
		return 0;
	int status = output_file_close(&file->out, trace_write(file->out.file, &trace, 1), e);
	if (status)
		return status;
	log_info("trace: %s", file->out.path);
	if (trace_left_out(trace))
		log_info("the trace holds the newest events; %" PRIu64 " older ones were left out",
			trace_left_out(trace));
	return 0;
}

void trace_file_close(struct trace_file *file)
{
	if (!file)
		return;
	output_file_drop(&file->out);
	trace_destroy(file->trace);
	free(file);
}
