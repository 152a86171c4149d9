/* SPDX-License-Identifier: MIT */
/* --trace of the commands that run a pipeline: what the newest frames did, written when the pipeline has
 * ended. */
#ifndef APP_LIVE_TRACE_FILE_H
#define APP_LIVE_TRACE_FILE_H

#include "flow/trace.h"

struct error;
struct trace_file;

/*
 * name: what is traced. path NULL: *out is NULL, which the other functions take. Fails as output_file_open
 * does: before anything has been done in vain.
 */
int trace_file_open(const char *path, const char *name, struct trace_file **out, struct error *e);

/* For struct pipeline_config. */
struct trace *trace_file_trace(struct trace_file *file);

/* After pipeline_join. Says how much was left out. */
int trace_file_write(struct trace_file *file, struct error *e);

/* Without trace_file_write nothing is left of the file. */
void trace_file_close(struct trace_file *file);

#endif
