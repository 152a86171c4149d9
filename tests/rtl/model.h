/* SPDX-License-Identifier: MIT */
/* The overlay's Verilog as a program: clocks, register accesses and streams. For one thread at a time. */
#ifndef RTL_MODEL_H
#define RTL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct model;

/* The overlay's two streams in one clock. */
struct model_streams {
	bool in_valid, in_last, out_ready; /* inputs of the model */
	uint64_t in_data;
	bool in_taken, out_taken, out_last; /* outputs of the model */
	uint64_t out_data;
};

/* The other side of the streams. A beat that was offered stays until it is taken. */
struct model_neighbours {
	void (*drive)(void *context, struct model_streams *streams);	  /* before each clock */
	void (*take)(void *context, const struct model_streams *streams); /* after it */
};

/* The model comes out of its hardware reset. `neighbours` must outlive it. NULL: no memory. */
struct model *model_create(const struct model_neighbours *neighbours, void *context);
void model_destroy(struct model *model); /* takes NULL */

void model_clock(struct model *model, unsigned count);

/* A register access takes clocks, in which the streams go on. False: no answer within 16 of them. */
bool model_read(struct model *model, uint32_t address, uint32_t *value);
bool model_write(struct model *model, uint32_t address, uint32_t value);

bool model_interrupt(const struct model *model);
uint64_t model_cycles(const struct model *model); /* since it was created */

#ifdef __cplusplus
}
#endif

#endif
