/* SPDX-License-Identifier: MIT */
/*
 * The engine runs a range of a network's layers, each by the fastest kernel that this processor has, bit for
 * bit as nn/reference.h.
 */
#ifndef NN_ENGINE_H
#define NN_ENGINE_H

#include "nn/network.h"

struct engine;
struct error;
struct kernel;
struct isa;
struct pool;

/*
 * Plans layers first … last − 1, which may read each other and what layer first − 1 makes (else -EINVAL), and
 * packs their weights. Of no layers (first = last), the engine copies its input. `kernels` restricts the
 * choice: NULL allows all that this processor runs, a name of `kernel_names` those that it and the names
 * after it there stand for ("scalar": no other). Unknown, or not for this processor: -ENOTSUP and a message.
 * The network must outlive the engine.
 */
int engine_create(const struct network *network, int first, int last, const char *kernels,
	struct engine **out, struct error *e);

/*
 * engine_create, for up to `batch` pictures at once (≥ 1): each layer is computed for all of them before the
 * next one, so that they share its weights while these are in the cache. The kernels are chosen for so many.
 */
int engine_create_batch(const struct network *network, int first, int last, const char *kernels, int batch,
	struct engine **out, struct error *e);

/* Whether there are such kernels for this processor: 0, or -ENOTSUP as engine_create. */
int engine_check_kernels(const char *kernels, struct error *e);

/*
 * engine_create with an explicit choice: isas, slowest first; `forced` computes every layer that it fits
 * (NULL: the cheapest kernel for each).
 */
int engine_create_from(const struct network *network, int first, int last, const struct isa *const *isas,
	int count, const struct kernel *forced, struct engine **out, struct error *e);

/* Takes NULL. */
void engine_destroy(struct engine *engine);

/*
 * in: uint8_t codes of the first layer's input, [height][width][channels]; out: uint8_t codes or int32_t
 * scores of the last layer's output. One call at a time on one engine; nothing is allocated.
 */
void engine_run(struct engine *engine, const uint8_t *in, void *out);

/*
 * The same for 1 … `batch` pictures: in and out hold one after the other, tensor_bytes of the engine's input
 * and output apart.
 */
void engine_run_batch(struct engine *engine, const uint8_t *in, void *out, int pictures);

/* The same for one picture; nanoseconds: [last − first], the time of each layer. */
void engine_run_timed(struct engine *engine, const uint8_t *in, void *out, int64_t *nanoseconds);

/*
 * Shares the work inside layers with the pool's threads from the next run on; the result is the same, bit for
 * bit. The pool must outlive the engine or the next call; it serves one run at a time. NULL: no pool. 0, or
 * -ENOMEM and no pool.
 */
int engine_use_pool(struct engine *engine, struct pool *pool);

/* Bytes of all feature maps: the peak, since those that are not alive together share memory. */
size_t engine_memory(const struct engine *engine);

/* The kernel chosen for a layer of the network within first … last − 1, for example "avx2-bits". */
const char *engine_kernel(const struct engine *engine, int layer);

#endif
