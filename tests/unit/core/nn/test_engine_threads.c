/* SPDX-License-Identifier: MIT */
/*
 * The engine gives the reference's bits for any number of threads, more than there are cores too, and for
 * several pictures at once: test_engine_threads [SEED].
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "nn/engine_plan.h"
#include "nn/kernels/table.h"
#include "nn/pool.h"
#include "nn/reference.h"
#include "support/layer.h"
#include "support/memory.h"
#include "support/random.h"
#include "support/random_graph.h"
#include "support/random_network.h"

#include <stdio.h>
#include <string.h>

#define GRAPHS 60
#define PICTURES 3

static const int sizes[] = {1, 2, 3, 5};
#define SIZES ((int)(sizeof(sizes) / sizeof(sizes[0])))

static struct pool *pools[SIZES];
static uint64_t seed;

/* The pictures one after the other, and what the reference makes of each. */
struct pictures {
	uint8_t *in, *want, *got;
	size_t in_size, size;
};

static void make_pictures(const struct network *network, struct pictures *p)
{
	struct tensor input = network_tensor(network, NETWORK_INPUT);
	int count = network->layer_count;

	p->in_size = shape_size(input.shape);
	p->size = layer_output_size(&network->layers[count - 1]);
	p->in = must_allocate(PICTURES, p->in_size);
	p->want = must_allocate(PICTURES, p->size);
	p->got = must_allocate(PICTURES, p->size);
	for (size_t i = 0; i < PICTURES; i++) {
		uint8_t *codes = random_codes(input.shape, input.bits, EXTREME_NONE);

		memcpy(p->in + i * p->in_size, codes, p->in_size);
		free(codes);
		assert_int_equal(
			reference_run(network, 0, count, p->in + i * p->in_size, p->want + i * p->size), 0);
	}
}

static void free_pictures(struct pictures *p)
{
	free(p->in);
	free(p->want);
	free(p->got);
}

static void assert_runs_alike(
	const struct network *network, struct pictures *p, const char *kernels, int batch)
{
	struct engine *engine;
	struct error e;

	if (engine_create_batch(network, 0, network->layer_count, kernels, batch, &engine, &e))
		fail_msg("%s", e.text);
	engine->least_part = 0; /* share also what is not worth it */
	for (int i = 0; i < SIZES; i++) {
		assert_int_equal(engine_use_pool(engine, pools[i]), 0);
		memset(p->got, 0xa5, PICTURES * p->size);
		for (size_t done = 0; done < PICTURES; done += (size_t)batch)
			engine_run_batch(engine, p->in + done * p->in_size, p->got + done * p->size,
				PICTURES - (int)done < batch ? PICTURES - (int)done : batch);
		if (memcmp(p->got, p->want, PICTURES * p->size) != 0)
			fail_msg("seed %llu, kernels %s, batch %d, %d threads", (unsigned long long)seed,
				kernels, batch, sizes[i]);
	}
	assert_int_equal(engine_use_pool(engine, NULL), 0);
	engine_destroy(engine);
}

/* The kernels and the size of the batch take turns. */
static void graphs_run_alike(void **state)
{
	const char *const *names = kernel_names();
	int turn = 0;

	(void)state;
	for (int i = 0; i < GRAPHS; i++) {
		struct network *network = random_graph(14);
		struct pictures p;

		make_pictures(network, &p);
		assert_runs_alike(network, &p, names[turn], 1 + i % PICTURES);
		assert_runs_alike(network, &p, names[0], 1);
		turn = names[turn + 1] ? turn + 1 : 0;
		free_pictures(&p);
		network_destroy(network);
	}
}

/* A layer of few pixels and many channels: threads share the channels. By each kernel that fits it. */
static void assert_layer_runs_alike(const struct layer *layer, const struct isa *const *isas, int count)
{
	struct network network = {
		.name = (char[]){"layer"}, .layers = (struct layer[]){*layer}, .layer_count = 1};
	struct pictures p;

	make_pictures(&network, &p);
	for (int i = 0; i < count; i++)
		for (const struct kernel *k = isas[i]->kernels; k && k->name; k++) {
			struct engine *engine;
			struct error e;

			if (!k->fits(layer))
				continue;
			if (engine_create_from(&network, 0, 1, isas, count, k, &engine, &e))
				fail_msg("%s", e.text);
			engine->least_part = 0;
			for (int s = 0; s < SIZES; s++) {
				assert_int_equal(engine_use_pool(engine, pools[s]), 0);
				memset(p.got, 0xa5, p.size);
				engine_run(engine, p.in, p.got);
				if (memcmp(p.got, p.want, p.size) != 0)
					fail_msg("seed %llu, kernel %s, %d threads, layer of %d channels",
						(unsigned long long)seed, k->name, sizes[s],
						layer->out.channels);
			}
			engine_destroy(engine);
		}
	free_pictures(&p);
}

static void channels_are_shared(void **state)
{
	static const int channels[] = {7, 65, 200, 513};
	static const int bits[][2] = {{1, 1}, {1, 2}, {2, 2}, {4, 4}, {8, 8}};
	int count;
	const struct isa *const *isas = isas_present(&count);

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct layer layer = {.name = (char[]){"layer"},
			.kind = LAYER_CONV,
			.in = {1 + i % 4, 3, 20 + 40 * (i % 3)},
			.out.channels = channels[i % 4],
			.kernel_height = 1,
			.kernel_width = 1 + i % 3,
			LAYER_STEPS_OF_ONE,
			.groups = 1,
			.weight_bits = bits[i % 5][0],
			.input_bits = bits[i % 5][1],
			.output_bits = i % 2 ? 8 : 2,
			.epilogue = i % 4 < 2 ? EPILOGUE_THRESHOLDS : EPILOGUE_REQUANTISE};

		layer_measure(&layer);
		random_weights(&layer, EXTREME_NONE);
		uint8_t *in = random_codes(layer.in, layer.input_bits, EXTREME_NONE);
		random_epilogue(&layer, in);
		assert_layer_runs_alike(&layer, isas, count);
		free(in);
		layer_free_arrays(&layer);
	}
}

static int create_pools(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++)
		if (pool_create(sizes[i], &pools[i]))
			return -1;
	return 0;
}

static int destroy_pools(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++)
		pool_destroy(pools[i]);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graphs_run_alike),
		cmocka_unit_test(channels_are_shared),
	};

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	random_state = seed;
	printf("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, create_pools, destroy_pools);
}
