/* SPDX-License-Identifier: MIT */
/*
 * Compares every kernel with the reference on random and on edge shapes: test_kernels [SEED]. Kernels that
 * this processor lacks run with the missing instructions emulated, where it has the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "nn/engine.h"
#include "nn/kernels/kernel.h"
#include "nn/kernels/table.h"
#include "nn/reference.h"
#include "support/layer.h"
#include "support/memory.h"
#include "support/random.h"
#include "support/random_network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef KERNELS_EMULATED
extern const struct isa isa_amx_emulated;
extern const struct isa isa_avxvnni_emulated;
extern const struct isa isa_avx512vbmi_emulated;
extern const struct isa isa_avx512vpopcntdq_emulated;
extern const struct isa isa_avx512vnni_emulated;
extern const struct isa isa_neon_emulated;
static const struct isa *const emulated[] = {&isa_avxvnni_emulated, &isa_avx512vbmi_emulated,
	&isa_avx512vpopcntdq_emulated, &isa_avx512vnni_emulated, &isa_amx_emulated, &isa_neon_emulated};
#define EMULATED_COUNT 6
#else
static const struct isa *const emulated[] = {NULL};
#define EMULATED_COUNT 0
#endif

#define MOST_ISAS 16

static const struct isa *isas[MOST_ISAS];
static int isa_count;
static uint64_t seed;

/* What the processor has, and the emulated ones that it can carry. */
static void list_isas(void)
{
	const struct isa *const *present = isas_present(&isa_count);

	printf("native:  ");
	for (int i = 0; i < isa_count; i++) {
		isas[i] = present[i];
		printf(" %s", isas[i]->name);
	}
	printf("\nemulated:");
	for (int i = 0; i < EMULATED_COUNT; i++)
		if (emulated[i]->present()) {
			isas[isa_count++] = emulated[i];
			printf(" %s", emulated[i]->name);
		}
	printf("\n");
}

static struct engine *engine_of(const struct network *network, int count, const struct kernel *forced)
{
	struct engine *engine;
	struct error e;

	if (engine_create_from(network, 0, network->layer_count, isas, count, forced, &engine, &e) != 0)
		fail_msg("%s", e.text);
	return engine;
}

static void describe(const struct layer *l, char *text, size_t size)
{
	snprintf(text, size,
		"%s %dx%dx%d k %dx%d/%dx%d pad %d,%d,%d,%d groups %d -> %dx%dx%d, %d x %d -> %d bits, "
		"epilogue %d",
		l->kind == LAYER_MAX_POOL ? "pool" : "conv", l->in.height, l->in.width, l->in.channels,
		l->kernel_height, l->kernel_width, l->stride_height, l->stride_width, l->pad_top, l->pad_left,
		l->pad_bottom, l->pad_right, l->groups, l->out.height, l->out.width, l->out.channels,
		l->input_bits, l->weight_bits, l->output_bits, l->epilogue);
}

static void assert_same(const struct network *network, const char *kernel, const uint8_t *want,
	const uint8_t *got, size_t size)
{
	const struct layer *last = &network->layers[network->layer_count - 1];

	for (size_t i = 0; i < size; i++)
		if (want[i] != got[i]) {
			char text[300];
			describe(last, text, sizeof(text));
			fail_msg("seed %llu, %s, %d layers, last %s: byte %zu of %zu is %d, must be %d",
				(unsigned long long)seed, kernel, network->layer_count, text, i, size, got[i],
				want[i]);
		}
}

/* Runs twice, since the second run finds what the first one left in the engine's buffers. */
static void check_engine(const struct network *network, struct engine *engine, const char *kernel,
	const uint8_t *in, const uint8_t *other, const uint8_t *want)
{
	size_t size = layer_output_size(&network->layers[network->layer_count - 1]);
	uint8_t *got = must_allocate(size, 1);

	engine_run(engine, other, got);
	engine_run(engine, in, got);
	assert_same(network, kernel, want, got, size);
	free(got);
	engine_destroy(engine);
}

/* One network by each kernel that fits its last layer, and by each isa's own choice. */
static void check_network(struct network *network, enum extreme extreme)
{
	const struct layer *first = network->layers, *last = &network->layers[network->layer_count - 1];
	uint8_t *in = random_codes(first->in, first->input_bits, extreme);
	uint8_t *other = random_codes(first->in, first->input_bits, EXTREME_NONE);
	uint8_t *want = must_allocate(layer_output_size(last), 1);

	assert_int_equal(reference_run(network, 0, network->layer_count, in, want), 0);
	for (int i = 0; i < isa_count; i++) {
		check_engine(network, engine_of(network, i + 1, NULL), isas[i]->name, in, other, want);
		for (const struct kernel *k = isas[i]->kernels; k->name; k++) {
			if (!layer_has_weights(last) || !k->fits(last))
				continue;
			struct engine *engine = engine_of(network, i + 1, k);
			/* with an offset, its kernel sees another layer (engine_weights.c) */
			if (!last->weight_offset)
				assert_string_equal(engine_kernel(engine, network->layer_count - 1), k->name);
			check_engine(network, engine, k->name, in, other, want);
		}
	}
	free(in);
	free(other);
	free(want);
}

/* A layer alone; its weights and epilogue are made here. */
static void check_layer(struct layer layer, enum extreme weights, enum extreme codes)
{
	struct network network = {.layers = &layer, .layer_count = 1};

	layer.name = (char *)"layer";
	layer_measure(&layer);
	if (layer_has_weights(&layer)) {
		uint8_t *in = random_codes(layer.in, layer.input_bits, codes);
		random_weights(&layer, weights);
		random_epilogue(&layer, in);
		free(in);
	}
	check_network(&network, codes);
	layer_free_arrays(&layer);
}

#define PICK(...)                                                                                            \
	((const int[]){__VA_ARGS__})[random_below((int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))]

static void random_end(struct layer *layer)
{
	switch (random_below(3)) {
	case 0:
		layer->epilogue = EPILOGUE_SCORES;
		layer->output_bits = 32;
		break;
	case 1:
		layer->epilogue = EPILOGUE_THRESHOLDS;
		layer->output_bits = PICK(1, 2, 4, 8);
		break;
	default:
		layer->epilogue = EPILOGUE_REQUANTISE;
		layer->output_bits = PICK(2, 4, 8);
	}
}

static struct layer random_layer(void)
{
	struct layer layer = {
		.kind = LAYER_CONV,
		.in.channels = PICK(1, 2, 3, 34, 63, 64, 65, 96, 128, 180, 272),
		.out.channels = PICK(1, 3, 7, 8, 9, 16, 34, 63, 64, 65, 68, 130),
		.kernel_height = PICK(1, 2, 3, 3, 5, 8, 12),
		.stride_height = PICK(1, 1, 2, 4),
		.stride_width = PICK(1, 1, 2, 4),
		.dilation_height = 1,
		.dilation_width = 1,
		.pad_top = random_below(3),
		.pad_left = random_below(3),
		.pad_bottom = random_below(3),
		.pad_right = random_below(3),
		.groups = 1,
		.input_bits = PICK(1, 2, 2, 4, 8),
		.weight_bits = PICK(1, 1, 2, 4, 8),
	};

	layer.kernel_width = random_below(3) ? layer.kernel_height : PICK(1, 3, 4);
	layer.in.height = layer.kernel_height + random_below(3 * layer.stride_height + 2);
	layer.in.width = layer.kernel_width + random_below(9 * layer.stride_width);
	if (layer.in.channels > 1 && random_below(4) == 0) {
		layer.groups = layer.out.channels = layer.in.channels;
	} else if (layer.in.channels % 2 == 0 && random_below(3) == 0) {
		layer.groups = 2;
		layer.out.channels *= 2;
	}
	random_end(&layer);
	return layer;
}

#define LARGEST_LAYER 1500000 /* multiply-accumulates, for the reference's sake */

static uint64_t operations(struct layer layer)
{
	layer_measure(&layer);
	return shape_size(layer.out) * (size_t)layer.kernel_height * (size_t)layer.kernel_width *
	       (size_t)(layer.in.channels / layer.groups);
}

static void random_layers(void **state)
{
	(void)state;
	for (int i = random_rounds(250); i > 0; i--) {
		struct layer layer = random_layer();
		if (operations(layer) <= LARGEST_LAYER)
			check_layer(layer, EXTREME_NONE, EXTREME_NONE);
	}
}

/* The largest sums of products that there are, of both signs: nothing may saturate or spill over. */
static void extreme_values(void **state)
{
	static const int bits[] = {1, 2, 4, 8};

	(void)state;
	for (int w = 0; w < 4; w++)
		for (int a = 0; a < 4; a++)
			for (int e = EXTREME_LARGEST; e <= EXTREME_SMALLEST; e++) {
				struct layer layer = {
					.kind = LAYER_CONV,
					.in = {4, 7, 180},
					.out.channels = 33,
					.kernel_height = 3,
					.kernel_width = 3,
					LAYER_STEPS_OF_ONE,
					.pad_left = 1,
					.groups = 1,
					.input_bits = bits[a],
					.weight_bits = bits[w],
					.output_bits = 32,
					.epilogue = EPILOGUE_SCORES,
				};
				check_layer(layer, (enum extreme)e, EXTREME_LARGEST);
				layer.epilogue = EPILOGUE_THRESHOLDS;
				layer.output_bits = 2;
				check_layer(layer, (enum extreme)e, EXTREME_LARGEST);
				layer.groups = layer.out.channels = layer.in.channels;
				check_layer(layer, (enum extreme)e, EXTREME_LARGEST);
			}
}

/*
 * Every count of channels within two vectors of the widest kernel, or every third, which leaves out no rest
 * of a vector; and kernels with every rest of taps. Few rows, since other kernels that fit take long for so
 * many groups.
 */
static void depthwise(void **state)
{
	(void)state;
	for (int channels = 2; channels <= 130; channels += random_fewer() ? 7 : 1) {
		struct layer layer = {
			.kind = LAYER_CONV,
			.in = {1 + channels % 5, 6 + random_below(40), channels},
			.out.channels = channels,
			.kernel_height = 1 + channels % 5,
			.kernel_width = random_below(2) ? 1 + channels % 5 : PICK(1, 2, 3, 5),
			.stride_height = 1,
			.stride_width = PICK(1, 2),
			.dilation_height = 1,
			.dilation_width = 1,
			.pad_top = random_below(3),
			.pad_left = random_below(3),
			.pad_code = (uint8_t)random_below(256),
			.groups = channels,
			.input_bits = 8,
			.weight_bits = PICK(1, 2, 4, 8),
		};
		random_end(&layer);
		check_layer(layer, EXTREME_NONE, EXTREME_NONE);
	}
}

/* A depthwise kernel is chosen where it fits, unless a vector would be almost empty, and nowhere else. */
static void depthwise_choice(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		struct layer layer = random_layer();
		struct network network = {.layers = &layer, .layer_count = 1};
		bool fits = layer.groups > 1 && layer.groups == layer.out.channels &&
			    layer.groups == layer.in.channels;

		layer.name = (char *)"layer";
		layer.epilogue = EPILOGUE_SCORES;
		layer.output_bits = TENSOR_SUMS;
		layer_measure(&layer);
		random_weights(&layer, EXTREME_NONE);
		for (int k = 0; k < isa_count; k++) {
			struct engine *engine = engine_of(&network, k + 1, NULL);
			bool chosen = strstr(engine_kernel(engine, 0), "-depthwise") != NULL;
			if (chosen != fits && (chosen || layer.groups >= 8))
				fail_msg("seed %llu, %s: %s for groups %d, %d channels in, %d out",
					(unsigned long long)seed, isas[k]->name, engine_kernel(engine, 0),
					layer.groups, layer.in.channels, layer.out.channels);
			engine_destroy(engine);
		}
		layer_free_arrays(&layer);
	}
}

/* Every small number of words that a window may have, and some past the places where counters are emptied. */
static void window_sizes(void **state)
{
	(void)state;
	for (int words = 1; words <= 700; words += words < 40 ? 1 : random_fewer() ? 131 : 37) {
		struct layer layer = {
			.kind = LAYER_FULLY_CONNECTED,
			.in = {1, 1, 64 * words - random_below(64)},
			.out.channels = 1 + random_below(40),
			.kernel_height = 1,
			.kernel_width = 1,
			LAYER_STEPS_OF_ONE,
			.groups = 1,
			.input_bits = PICK(1, 2, 4, 8),
			.weight_bits = 1,
			.output_bits = 32,
			.epilogue = EPILOGUE_SCORES,
		};
		check_layer(layer, EXTREME_NONE, EXTREME_NONE);
		check_layer(layer, EXTREME_LARGEST, EXTREME_LARGEST);
		layer.weight_bits = PICK(2, 4, 8);
		check_layer(layer, EXTREME_NONE, EXTREME_NONE);
	}
}

static void pools(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		int bits = PICK(1, 2, 4, 8), kernel = PICK(1, 2, 3, 5);
		struct layer layer = {
			.kind = LAYER_MAX_POOL,
			.in = {kernel + random_below(9), kernel + random_below(9),
				PICK(1, 3, 34, 64, 65, 180)},
			.kernel_height = kernel,
			.kernel_width = random_below(2) ? kernel : PICK(1, 2, 3),
			.stride_height = PICK(1, 2, 3),
			.stride_width = PICK(1, 2, 3),
			.dilation_height = 1,
			.dilation_width = 1,
			.pad_top = random_below(2),
			.pad_left = random_below(2),
			.pad_bottom = random_below(2),
			.pad_right = random_below(2),
			.groups = 1,
			.input_bits = bits,
			.output_bits = bits,
		};
		if (layer.kernel_width > layer.in.width)
			continue;
		layer.out.channels = layer.in.channels;
		check_layer(layer, EXTREME_NONE, EXTREME_NONE);
	}
}

#define REQUANTISED 100 /* channels */

/* Numbers that fill their types, and the ends of these. */
static int32_t any_accumulator(void)
{
	return PICK(0, 0, 0, 1) ? PICK(INT32_MIN, INT32_MAX, 0, -1, 1)
				: (int32_t)(random_word() >> random_below(32));
}

/* The high halves of sums must give what all 64 bits give, whatever the numbers. */
static void high_requantisation(void **state)
{
	_Alignas(64) int64_t multipliers[2 * SLACK], biases[2 * SLACK], shifts[2 * SLACK],
		high_biases[2 * SLACK];
	_Alignas(64) int32_t high_multipliers[2 * SLACK], high_shifts[2 * SLACK];
	int32_t accumulators[9 * SLACK];
	uint8_t want[4 * REQUANTISED] = {0}, got[4 * REQUANTISED] = {0};

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct requantisation r = {1 + random_below(REQUANTISED), multipliers, biases, shifts,
			(uint8_t)random_below(9), (uint8_t)PICK(9, 15, 255), high_multipliers, high_shifts,
			high_biases, NULL, 0};
		int64_t end = INT64_C(1) << 62;

		for (int c = 0; c < 2 * SLACK; c++) {
			int32_t multiplier = any_accumulator();
			multipliers[c] = high_multipliers[c] = multiplier == INT32_MIN ? 7 : multiplier;
			shifts[c] = 32 + random_below(31);
			high_shifts[c] = (int32_t)shifts[c] - 32;
			biases[c] = random_below(9) ? (int64_t)random_word() >> (2 + random_below(40))
						    : PICK(-1, 1) * end;
			high_biases[c / 16 * 16 + c % 2 * 8 + c % 16 / 2] = biases[c];
		}
		for (int i = 0; i < 9 * SLACK; i++)
			accumulators[i] = any_accumulator();
		isa_scalar.requantise(&r, accumulators, 3 * SLACK, 3, want, REQUANTISED);
		for (int i = 0; i < isa_count; i++) {
			if (!isas[i]->requantise)
				continue;
			isas[i]->requantise(&r, accumulators, 3 * SLACK, 3, got, REQUANTISED);
			if (memcmp(want, got, sizeof(want)) != 0)
				fail_msg("seed %llu, %s, round %d, %d channels", (unsigned long long)seed,
					isas[i]->name, round, r.channels);
		}
	}
}

/* All codes, every rest of a vector, and nothing beyond it. */
static void tables(void **state)
{
	_Alignas(64) uint8_t table[TABLE_CODES];
	uint8_t codes[3 * TABLE_CODES + SLACK], got[3 * TABLE_CODES + SLACK];

	(void)state;
	for (int channels = 1; channels <= TABLE_CODES; channels++) {
		size_t step = (size_t)channels + (size_t)random_below(2) * 9,
		       size = 2 * step + (size_t)channels;
		for (int i = 0; i < TABLE_CODES; i++)
			table[i] = (uint8_t)random_word();
		for (size_t i = 0; i < sizeof(codes); i++)
			codes[i] = (uint8_t)(channels == TABLE_CODES ? i : random_word());
		for (int k = 0; k < isa_count; k++) {
			if (!isas[k]->look_up)
				continue;
			memset(got, 0x55, sizeof(got));
			isas[k]->look_up(table, codes, step, channels, 3, got, step);
			for (size_t i = 0; i < sizeof(got); i++) {
				bool inside = i < size && i % step < (size_t)channels;
				if (got[i] != (inside ? table[codes[i]] : 0x55))
					fail_msg("seed %llu, %s, %d channels, step %zu: byte %zu is %d",
						(unsigned long long)seed, isas[k]->name, channels, step, i,
						got[i]);
			}
		}
	}
}

#define DEEPEST 6

/* Layer `i` of a chain: what it takes is what the one before gives. */
static struct layer chained_layer(const struct layer *before, bool last)
{
	struct layer layer = random_layer();

	layer.in = before->out;
	layer.input_bits = before->output_bits;
	if (!last && random_below(3) == 0) {
		layer.kind = LAYER_MAX_POOL;
		layer.out.channels = layer.in.channels;
		layer.epilogue = EPILOGUE_NONE;
		layer.output_bits = layer.input_bits;
		layer.groups = 1;
	} else if (last && random_below(2)) {
		layer.kind = LAYER_FULLY_CONNECTED;
		layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = 0;
		layer.groups = 1;
	}
	if (layer.kind == LAYER_FULLY_CONNECTED || layer.kernel_height > layer.in.height)
		layer.kernel_height = layer.in.height;
	if (layer.kind == LAYER_FULLY_CONNECTED || layer.kernel_width > layer.in.width)
		layer.kernel_width = layer.in.width;
	if (layer.in.channels % layer.groups != 0)
		layer.groups = 1;
	return layer;
}

/* A chain whose layers pass codes on; only the last one may give scores. */
static void check_chain(void)
{
	struct layer layers[DEEPEST] = {0};
	struct network network = {.layers = layers, .layer_count = 2 + random_below(DEEPEST - 1)};
	struct layer source = {.out = {6 + random_below(8), 6 + random_below(8), PICK(1, 3, 34, 64, 180)},
		.output_bits = PICK(1, 2, 4, 8)};
	uint8_t *in = random_codes(source.out, source.output_bits, EXTREME_NONE);

	for (int i = 0; i < network.layer_count; i++) {
		struct layer *layer = &layers[i];
		do {
			*layer = chained_layer(i ? layer - 1 : &source, i == network.layer_count - 1);
			layer_measure(layer);
		} while (operations(*layer) > LARGEST_LAYER ||
			 (i < network.layer_count - 1 && layer->epilogue == EPILOGUE_SCORES));
		layer->name = (char *)"layer";
		if (layer_has_weights(layer))
			random_weights(layer, EXTREME_NONE);
		random_epilogue(layer, in);
		uint8_t *out = must_allocate(layer_output_size(layer), 1);
		layer_compute(layer, in, out);
		free(in);
		in = out;
	}
	check_network(&network, EXTREME_NONE);
	for (int i = 0; i < network.layer_count; i++)
		layer_free_arrays(&layers[i]);
	free(in);
}

static void random_networks(void **state)
{
	(void)state;
	for (int i = random_rounds(60); i > 0; i--)
		check_chain();
}

/* By the public way: names, a range in the middle, refusals. */
static void choices(void **state)
{
	struct layer layers[3];
	struct network network = {.layers = layers, .layer_count = 3};
	struct engine *engine;
	struct error e;

	(void)state;
	for (int i = 0; i < 3; i++) {
		layers[i] = (struct layer){.name = (char *)"layer",
			.kind = LAYER_CONV,
			.in = {5, 5, 70},
			.out.channels = 70,
			.kernel_height = 3,
			.kernel_width = 3,
			LAYER_STEPS_OF_ONE,
			.pad_top = 1,
			.pad_left = 1,
			.pad_bottom = 1,
			.pad_right = 1,
			.groups = 1,
			.input_bits = 2,
			.weight_bits = i == 1 ? 1 : 8,
			.output_bits = 2,
			.epilogue = EPILOGUE_THRESHOLDS};
		layer_measure(&layers[i]);
		random_weights(&layers[i], EXTREME_NONE);
		uint8_t *in = random_codes(layers[i].in, 2, EXTREME_NONE);
		random_epilogue(&layers[i], in);
		free(in);
	}
	uint8_t *in = random_codes(layers[1].in, 2, EXTREME_NONE), want[5 * 5 * 70], got[5 * 5 * 70];
	assert_int_equal(reference_run(&network, 1, 3, in, want), 0);
	for (const char *const *name = kernel_names(); *name; name++) {
		assert_int_equal(engine_create(&network, 1, 3, *name, &engine, &e), 0);
		engine_run(engine, in, got);
		assert_memory_equal(want, got, sizeof(want));
		if (strcmp(*name, "scalar") == 0) {
			assert_string_equal(engine_kernel(engine, 1), "scalar-bits");
			assert_string_equal(engine_kernel(engine, 2), "scalar-bytes");
		}
		engine_destroy(engine);
	}
	assert_int_equal(engine_create(&network, 0, 3, "abacus", &engine, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "abacus"));
	assert_int_equal(engine_create(&network, 2, 1, NULL, &engine, &e), -EINVAL);
	assert_int_equal(engine_create(&network, 0, 4, NULL, &engine, &e), -EINVAL);
	for (int i = 0; i < 3; i++) { /* without layers, it copies what layer i reads */
		struct shape shape = layers[i].in;
		uint8_t copy[5 * 5 * 70] = {0};
		assert_int_equal(engine_create(&network, i, i, NULL, &engine, &e), 0);
		engine_run(engine, in, copy);
		assert_memory_equal(in, copy, shape_size(shape));
		assert_int_equal(engine_memory(engine), 0);
		engine_destroy(engine);
	}
	engine_destroy(NULL);
	free(in);
	for (int i = 0; i < 3; i++)
		layer_free_arrays(&layers[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extreme_values),
		cmocka_unit_test(depthwise),
		cmocka_unit_test(depthwise_choice),
		cmocka_unit_test(window_sizes),
		cmocka_unit_test(high_requantisation),
		cmocka_unit_test(tables),
		cmocka_unit_test(pools),
		cmocka_unit_test(random_layers),
		cmocka_unit_test(random_networks),
		cmocka_unit_test(choices),
	};

	list_isas();
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	printf("seed:     %llu\n", (unsigned long long)seed);
	random_state = seed;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
