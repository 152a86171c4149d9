/* SPDX-License-Identifier: MIT */
/* --trace of the commands that run a pipeline: the newest events, written after the pipeline has ended. */
#ifndef APP_LIVE_TRACE_FILE_H
#define APP_LIVE_TRACE_FILE_H

#include "flow/trace.h"

struct error;
struct trace_file;

/*
 * name: of the trace. path NULL: *out is NULL, which the other functions accept. Fails as output_file_open
 * does, before the pipeline has run.
 */
int trace_file_open(const char *path, const char *name, struct trace_file **out, struct error *e);

/* For struct pipeline_config. */
struct trace *trace_file_trace(struct trace_file *file);

/* Call after pipeline_join. Logs how many events were left out. */
int trace_file_write(struct trace_file *file, struct error *e);

/* Without trace_file_write the file is removed. */
void trace_file_close(struct trace_file *file);

#endif
