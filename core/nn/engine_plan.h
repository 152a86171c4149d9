/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the engine share: how each layer is computed (engine_plan.c, engine_pack.c), where its
 * feature maps lie (engine_memory.c), and how it runs (engine_layers.c, engine_tiles.c). engine.c is the
 * interface.
 */
#ifndef NN_ENGINE_PLAN_H
#define NN_ENGINE_PLAN_H

#include "nn/engine.h"
#include "nn/kernels/feature_map.h"
#include "nn/kernels/kernel.h"

/* Output pixels that a kernel works on at once: their accumulators stay in the second-level cache. A multiple
 * of any kernel's `pixels`. */
#define TILE 32

/* As many where the kernel makes codes of the accumulators. A multiple of TILE. */
#define MOST_PIXELS 256

/* A feature map of a tensor; its number is in layer_plan.in and out. */
struct engine_map {
	struct feature_map map;
	int tensor;	 /* the layer that makes it; first − 1: the engine's input */
	int first, last; /* layers during which it holds the tensor */
	size_t offset;	 /* of its place in a picture's arena */
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
	int span; /* columns of a row that tiles count; those behind the output's width are left out */
	struct thresholds thresholds;
	struct requantisation requantisation; /* multipliers NULL: there is none */
	int32_t *factors; /* [input][channels up to SLACK], aligned: of an add; ones of an average pool */
	size_t factor_stride;
	int32_t *pixel_sums; /* bits only: [picture][padded height][padded width][group], sums of a pixel's */
	size_t picture_sums; /* codes; and their number in a picture */
	double time;	     /* about ns that a picture's dot products take in one thread */
	bool narrow;	     /* an add: no sum of its codes leaves 32 bits */
	uint8_t *tables;     /* of a table: those of its runs */
	struct table_run *table_runs;
	int table_run_count;
	bool fused;  /* the kernel makes codes of its accumulators */
	bool direct; /* codes can be written to the first map without room to spill */
};

struct layer_tile; /* engine_tiles.c */

/* Of one tile, for the largest layer. */
struct scratch {
	int32_t *accumulators; /* [TILE][stride] */
	int32_t *sums;	       /* [TILE][groups] */
	uint8_t *pixel;	       /* codes of one pixel */
	uint8_t *codes;	       /* [MOST_PIXELS][stride] */
};

/* Functions of a part of a layer get a copy with the scratch of their thread and the maps of a picture. */
struct engine {
	const struct network *network;
	int first, count;	  /* layers */
	struct layer_plan *plans; /* [count] */
	struct engine_map *maps;  /* [batch][map_count] */
	int map_count;
	uint8_t *arena;	   /* all maps but the last tensor's, which is the caller's memory: [batch] */
	size_t arena_size; /* of a picture */

	int batch;		 /* the most pictures at once */
	int pictures;		 /* of this run */
	int picture;		 /* whose maps these are */
	struct layer_tile *tile; /* that the part belongs to */
	struct pool *pool;	 /* NULL: one thread */
	double least_part;	 /* ns: shorter parts are not handed over */
	struct scratch *others;	 /* [threads − 1], of the pool's other threads */

	void (*codes)(const struct thresholds *, const int32_t *, int, uint8_t *);
	void (*requantise)(const struct requantisation *, const int32_t *, size_t, int, uint8_t *, size_t);
	int requantise_bits;
	void (*add_scaled)(int32_t *, size_t, const int32_t *, const uint8_t *, size_t, int, int);
	maxima_function *maxima;
	planes_function *planes;
	int32_t (*sum)(const uint64_t *, int, int);
	void (*look_up)(const uint8_t *, const uint8_t *, size_t, int, int, uint8_t *, size_t);

	struct scratch scratch;
	size_t stride; /* accumulators of a pixel */
	int groups;    /* the most of a layer */
};

/* Zeros, aligned for the widest vectors; size may be 0. NULL: no memory. */
void *engine_allocate(size_t size);

/* 0 or -ENOMEM. */
int engine_allocate_scratch(const struct engine *engine, struct scratch *out);
void engine_free_scratch(struct scratch *scratch);

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

/* Of these the epilogue (engine_epilogue.c). */
int engine_pack_epilogue(const struct engine *engine, struct layer_plan *plan);
void engine_unpack_epilogue(struct layer_plan *plan);

/* Whether the estimates of a layer with weights stay in range. */
bool engine_estimates_stay(const struct layer_plan *plan);

/* k-blocks of a window in one group, as this kernel sees it. */
int engine_count_k_blocks(const struct layer *layer, const struct kernel *kernel);

/* Gives the maps of each picture their places in the arena. */
int engine_plan_memory(struct engine *engine, struct error *e);

/* A part of a layer's work, of the units first … last − 1. */
typedef void engine_part(const struct engine *engine, const struct layer_plan *plan, int first, int last);

/*
 * Shares units of work with the pool's threads; in order in this one if there is no pool, or if `time`, about
 * ns in one thread, is too short for it. Units of rows are those of picture after picture: the engine that
 * `run` gets is that of the picture.
 */
void engine_share(
	const struct engine *engine, const struct layer_plan *plan, int units, double time, engine_part *run);
void engine_share_rows(
	const struct engine *engine, const struct layer_plan *plan, int rows, double time, engine_part *run);

/* Goes on with the maps of this picture. */
static inline void engine_move(struct engine *engine, int picture)
{
	engine->maps += (ptrdiff_t)(picture - engine->picture) * engine->map_count;
	engine->picture = picture;
}

/* The engine with the maps of this picture. */
static inline struct engine engine_at(const struct engine *engine, int picture)
{
	struct engine at = *engine;

	engine_move(&at, picture);
	return at;
}

static inline const struct feature_map *engine_input_map(
	const struct engine *engine, const struct layer_plan *plan, int i)
{
	return &engine->maps[plan->in[i]].map;
}

/* The first byte of the window of output pixel (y, x). */
static inline const uint8_t *engine_window_at(
	const struct layer *layer, const struct feature_map *in, int y, int x)
{
	return feature_map_pixel(
		in, y * layer->stride_height - layer->pad_top, x * layer->stride_width - layer->pad_left);
}

/* To all maps of the tensor that the layer makes (engine_finish.c): a pixel's codes, or sums. */
void engine_write_codes(
	const struct engine *engine, const struct layer_plan *plan, int y, int x, const uint8_t *codes);
void engine_write_sums(
	const struct engine *engine, const struct layer_plan *plan, int y, int x, const int32_t *sums);

/* Pixels of one row from the first map, where they are, to the others. */
void engine_copy_codes(const struct engine *engine, const struct layer_plan *plan, int y, int x, int pixels);

/* Turns the accumulators of pixels of one row into codes or sums. */
void engine_finish_pixels(const struct engine *engine, const struct layer_plan *plan,
	const int32_t *accumulators, int y, int x, int pixels);

/* Of a layer with weights (engine_tiles.c). */
void engine_run_weights(const struct engine *engine, const struct layer_plan *plan);

/* Reads in the maps of its input, writes those of its output, for all pictures of the run. */
void engine_run_layer(const struct engine *engine, const struct layer_plan *plan);

/* The codes [picture][height][width][channels] go to the maps of the engine's input. */
void engine_read_input(const struct engine *engine, const uint8_t *in);

#endif
