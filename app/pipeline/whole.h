/* SPDX-License-Identifier: MIT */
/*
 * The whole network in the PL stage, where the PL is software: threads of a pool share the work inside each
 * layer, and no other thread is handed anything. A lossless pipeline gives it the frames that wait as one
 * batch. It takes the place of the conv0 stage and the PL, which run beside each other, where it is faster.
 */
#ifndef APP_PIPELINE_WHOLE_H
#define APP_PIPELINE_WHOLE_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct pipeline;

struct whole {
	struct engine *engine; /* NULL: the conv0 stage and the PL run */
	int batch;
	uint8_t *inputs; /* [batch] */
	int32_t *scores; /* [batch][class_count] */
};

/*
 * Decides, by a trial where config.sharing says so, who runs the network. 0: pipeline->whole has an engine,
 * or none; or as engine_create.
 */
int whole_init(struct pipeline *pipeline, struct error *e);
void whole_finish(struct whole *whole);

/* The PL stage's thread; the argument is the pipeline. */
void *whole_stage(void *pipeline);

#endif
