/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the engine share: how each layer is computed (engine_plan.c, engine_pack.c), where its
 * feature maps lie (engine_memory.c), and how it runs (engine_layers.c). engine.c is the interface.
 */
#ifndef NN_ENGINE_PLAN_H
#define NN_ENGINE_PLAN_H

#include "nn/engine.h"
#include "nn/kernels/feature_map.h"
#include "nn/kernels/kernel.h"

/* Output pixels that a kernel works on at once: their accumulators stay in the second-level cache. A multiple
 * of any kernel's `pixels`. */
#define TILE 32

/* A feature map of a tensor; its number is in layer_plan.in and out. */
struct engine_map {
	struct feature_map map;
	int tensor;	 /* the layer that makes it; first − 1: the engine's input */
	int first, last; /* layers during which it holds the tensor */
	bool shared;	 /* other maps lie in its memory: its border is to be filled each time */
};

/* Channels next to each other that one table serves. */
struct table_run {
	int first, count;
	const uint8_t *table; /* [TABLE_CODES], aligned */
};

/* One layer, ready to run. */
struct layer_plan {
	const struct layer *layer;
	const struct kernel *kernel; /* NULL: it multiplies nothing */
	int *in, *out;		 /* maps: one of each tensor read; all of the tensor made. A max pool has */
	int in_count, out_count; /* one of what it reads for each that it makes */

	struct layer seen;    /* the layer as its kernel sees it (engine_weights.c) */
	int8_t *seen_weights; /* owned; NULL: they are the layer's */
	struct gemm_plan gemm;
	struct thresholds thresholds;
	struct requantisation requantisation;
	int32_t *factors; /* [input][channels up to SLACK], aligned: of an add; ones of an average pool */
	size_t factor_stride;
	int32_t *pixel_sums; /* bits only: [padded height][padded width][group], sums of a pixel's codes */
	bool narrow;	     /* an add: no sum of its codes leaves 32 bits */
	uint8_t *tables;     /* of a table: those of its runs */
	struct table_run *table_runs;
	int table_run_count;
	bool direct; /* codes can be written to the first map without room to spill */
};

struct engine {
	const struct network *network;
	int first, count;	  /* layers */
	struct layer_plan *plans; /* [count] */
	struct engine_map *maps;
	int map_count;
	uint8_t *arena; /* all maps but the last tensor's, which is the caller's memory */
	size_t arena_size;

	void (*codes)(const struct thresholds *, const int32_t *, int, uint8_t *);
	void (*requantise)(const struct requantisation *, const int32_t *, size_t, int, uint8_t *, size_t);
	void (*add_scaled)(int32_t *, size_t, const int32_t *, const uint8_t *, size_t, int, int);
	planes_function *planes;
	int32_t (*sum)(const uint64_t *, int, int);
	void (*look_up)(const uint8_t *, const uint8_t *, size_t, int, int, uint8_t *, size_t);

	/* of one tile, for the largest layer */
	int32_t *accumulators; /* [TILE][stride] */
	size_t stride;
	int32_t *sums;	/* [TILE][groups] */
	uint8_t *pixel; /* codes of one pixel */
};

/* Zeros, aligned for the widest vectors; size may be 0. NULL: no memory. */
void *engine_allocate(size_t size);

/* Chooses kernels and maps. 0 or -ENOMEM. */
int engine_plan_layers(
	struct engine *engine, const struct isa *const *isas, int count, const struct kernel *forced);

/* Makes plan->seen of plan->layer. 0 or -ENOMEM. */
int engine_see_layer(struct layer_plan *plan);

/* Accumulators [pixel][stride] as the kernel leaves them become those of the layer. */
void engine_add_offsets(const struct layer_plan *plan, int32_t *accumulators, int pixels, size_t stride);

/* Weights and epilogue of one layer in its kernel's layout. 0 or -ENOMEM. */
int engine_pack_layer(struct engine *engine, struct layer_plan *plan);
void engine_unpack_layer(struct layer_plan *plan);

/* k-blocks of a window in one group, as this kernel sees it. */
int engine_count_k_blocks(const struct layer *layer, const struct kernel *kernel);

/* Gives the maps their places in the arena. */
int engine_plan_memory(struct engine *engine, struct error *e);

/* Reads in the maps of its input, writes those of its output. */
void engine_run_layer(const struct engine *engine, const struct layer_plan *plan);

/* Writes codes [height][width][channels] to the maps of the engine's input. */
void engine_read_input(const struct engine *engine, const uint8_t *in);

#endif
