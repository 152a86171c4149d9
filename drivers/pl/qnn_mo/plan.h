/* SPDX-License-Identifier: MIT */
/*
 * How a network runs on QNN-MO-PYNQ's design: in stages of one convolution and perhaps the max pool behind
 * it. Each group of a stage takes two calls, one for its parameters and one for its codes, and has codes of
 * its own in memory.
 */
#ifndef PL_QNN_MO_PLAN_H
#define PL_QNN_MO_PLAN_H

#include "nn/network.h"
#include "pl/qnn_mo/registers.h"

struct error;

struct qnn_mo_stage {
	const struct layer *convolution, *pool; /* pool: NULL for none */
	int groups;
	size_t streams; /* offset of the first group's parameters for IN1, then IN2, then the next group's */
	size_t stream_bytes; /* of one of them */
};

/* Offsets are in bytes, in the one memory that the design is given. */
struct qnn_mo_plan {
	struct qnn_mo_stage *stages;
	int count;
	size_t codes[2];    /* a stage reads one, writes the other */
	size_t group_bytes; /* from a group's codes to the next group's */
	size_t most_codes;  /* of any tensor between the stages and of the last one */
	size_t memory;	    /* bytes in all */
};

/*
 * Layers first … last − 1. -ENOTSUP and a message that names the layer when they are not for this design,
 * -ENOMEM. The network must outlive the plan, which the caller finishes, whatever is returned.
 */
int qnn_mo_plan(
	const struct network *network, int first, int last, struct qnn_mo_plan *plan, struct error *e);
void qnn_mo_plan_finish(struct qnn_mo_plan *plan);

/* What the last layer of a stage gives. */
static inline struct shape qnn_mo_stage_out(const struct qnn_mo_stage *stage)
{
	return stage->pool ? stage->pool->out : stage->convolution->out;
}

#endif
