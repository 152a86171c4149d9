/* SPDX-License-Identifier: MIT */
/*
 * Each stage of the pipeline alone, again and again: what it takes when nothing disturbs it; and the frames'
 * way through all threads without any work. The slowest of these is the pipeline's ideal. Taken in turns with
 * the pipeline, so that other programs affect both alike.
 */
#ifndef APP_MEASURE_STAGES_ALONE_H
#define APP_MEASURE_STAGES_ALONE_H

#include "measure/measure.h"

struct stages_alone;

/* For a measurement whose layers are measured. 0, or as engine_create and source_open. */
int stages_alone_create(const struct measurement *m, const struct measure_options *options,
	struct stages_alone **out, struct error *e);
void stages_alone_destroy(struct stages_alone *stages); /* takes NULL */

/* Times each stage once more. */
int stages_alone_run(struct stages_alone *stages, struct error *e);

/* Fills m->alone, m->ideal and m->slowest_stage with the medians so far. 0 or -ENOMEM. */
int stages_alone_summarise(struct stages_alone *stages, struct measurement *m, struct error *e);

#endif
