/* SPDX-License-Identifier: MIT */
/*
 * The programmable logic (PL), or its replacement in software: runs the layers after Conv0 on one of two
 * buffers, ping and pong, while the caller fills the other. A PL in hardware takes the longest run of layers
 * that it can; software computes those behind it.
 */
#ifndef PL_PL_H
#define PL_PL_H

#include "nn/network.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct pl;

#define PL_BUFFERS 2
#define PL_LAYERS 32 /* that cycles are counted for */

/* What a design counts, in cycles of its clock; sums are modulo 2^32. */
struct pl_cycles {
	double hertz;
	uint32_t frame, waiting; /* of the last frame: all cycles, and those in which it waited for weights */
	uint32_t total, idle, frames; /* since the last reset; idle: without a frame to compute */
	int count;
	struct {
		const struct layer *layer; /* a max pool counts as the layer before it */
		uint32_t cycles;
	} layers[PL_LAYERS]; /* of the last frame */
};

/* One kind of PL: the functions behind this table get what open gave them. */
struct pl_driver {
	const char *name;
	const char *summary; /* for `twobit list pl` */
	int (*open)(
		const char *kernels, void **state, struct error *e); /* kernels: only software uses them */
	void (*close)(void *state);
	/*
	 * Whether it can run layers first … last − 1: 0, or -ENOTSUP and a message that names the layer and
	 * the limit. It touches no hardware. NULL: it runs all.
	 */
	int (*check)(void *state, const struct network *network, int first, int last, struct error *e);
	/* Layers first … last − 1 of the network, which must outlive the PL. Creates the buffers. */
	int (*load)(void *state, const struct network *network, int first, int last, struct error *e);
	uint8_t *(*input)(void *state, int buffer);
	int32_t *(*output)(void *state, int buffer);
	int (*submit)(void *state, int buffer);
	int (*wait)(void *state, int buffer, int64_t deadline);
	int (*reset)(void *state);
	/* Loads the design and the network again. NULL: nothing can be lost. */
	int (*program)(void *state, struct error *e);
	void (*cycles)(void *state, struct pl_cycles *out); /* NULL: the driver counts no cycles */
	bool by_name;					    /* "auto" skips it */
	bool hardware; /* it can hang, fail and lose its memory, so its health is monitored */
};

/* Whether there is a PL of that name, or it is "auto": 0, or -EINVAL as pl_open. */
int pl_check(const char *name, struct error *e);

/*
 * "auto" takes the first kind that opens. An unknown name: -EINVAL and the names in the message. kernels:
 * what the software runs on, as for engine_create, in which pl_load fails when they are not for this
 * processor; the text must outlive the PL.
 */
int pl_open(const char *name, const char *kernels, struct pl **out, struct error *e);
void pl_close(struct pl *pl); /* takes NULL; waits for what runs */

const char *pl_name(const struct pl *pl); /* of one that could not run any layer, after pl_load: "software" */

/* Before pl_load with these layers: the name that the PL will have after it. */
const char *pl_name_with(struct pl *pl, const struct network *network, int first, int last);
const struct pl_driver *const *pl_drivers(void); /* NULL-terminated */

/*
 * Layers first … last − 1; call it once after pl_open. The PL takes the longest run of them from `first` on
 * that it can and that ends where the network falls apart (network_cuts). pl_wait computes the others, in its
 * caller's thread. A PL that can take none is closed, and one in software takes its place.
 */
int pl_load(struct pl *pl, const struct network *network, int first, int last, struct error *e);

/* After pl_load: the layer behind the last one that the PL took, or that software took in its place. */
int pl_reach(const struct pl *pl);

/* After pl_load: "" if the PL took all layers; else a sentence on who runs which, and the layer at fault. */
const char *pl_stopped(const struct pl *pl);

/* Buffer 0 … PL_BUFFERS − 1: uint8_t codes of the first layer's input / the last layer's scores or codes. */
uint8_t *pl_input(struct pl *pl, int buffer);
const int32_t *pl_output(struct pl *pl, int buffer);

/* Starts a buffer and returns at once. Buffers run in the order of submission. -EBUSY: it runs already. */
int pl_submit(struct pl *pl, int buffer);

/*
 * Waits until the buffer is done or clock_now() passes deadline (ns; INT64_MAX: no limit). 0: its output is
 * valid and stays until the next submit. -ETIMEDOUT: it still runs. -EIO: it failed. -EBADMSG: the result
 * belongs to another call. -ECANCELED: it was never submitted, a reset discarded it, or the design needs
 * pl_program.
 */
int pl_wait(struct pl *pl, int buffer, int64_t deadline);

/*
 * Stops and discards the running buffer and the queued ones; finished buffers stay done. The network stays
 * loaded. Returns when no buffer is in use: software cannot be stopped, so there it waits for the running
 * buffer. -ENOTRECOVERABLE: the design cannot be stopped; its work is discarded, and it runs nothing until
 * pl_program.
 */
int pl_reset(struct pl *pl);

/*
 * For when pl_reset fails or does not help: the state is as if newly opened and loaded; the buffers' memory
 * stays.
 */
int pl_program(struct pl *pl, struct error *e);

bool pl_is_hardware(const struct pl *pl);

/* After pl_load. False: this kind of PL counts no cycles. */
bool pl_cycles_read(struct pl *pl, struct pl_cycles *out);

#endif
