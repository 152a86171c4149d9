/* SPDX-License-Identifier: MIT */
/*
 * bench_kernels [ROUNDS [TITLE|FOLDER]] prints how fast each kernel of this processor is, and how near to the
 * processor's limit; only of what has TITLE in its title, or of the layers of the network in FOLDER, which
 * has a slash. It measures kernel and limit in turns, so that the clock and other programs affect both alike,
 * in many short windows, of which it prints the median and the best.
 */
#include "base/error.h"
#include "bench/lite0.h"
#include "bench/peak.h"
#include "nn/engine.h"
#include "nn/format/load.h"
#include "nn/kernels/kernel.h"
#include "nn/kernels/table.h"
#include "nn/limits.h"
#include "support/layer.h"
#include "support/memory.h"
#include "support/random_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COPIES 4 /* of a layer whose weights must come from the last-level cache */
#define MOST_ROUNDS 1000

static int rounds = 60;
static const char *wanted = ""; /* in a title */

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare_times(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

struct measure {
	double times[MOST_ROUNDS];
	int count;
};

static double median(struct measure *m)
{
	qsort(m->times, (size_t)m->count, sizeof(double), compare_times);
	return m->times[m->count / 2];
}

/* Seconds for one multiply-accumulate on registers, from a window of some 50 us. */
static double time_peak(const struct peak *peak)
{
	double begin = now();
	double products = peak->run(20000);
	return (now() - begin) / products;
}

struct bench {
	const struct network *network;
	int copies;
	uint8_t *in;
	void *out;
};

static double operations(const struct network *network)
{
	double total = 0;

	for (int i = 0; i < network->layer_count; i++) {
		const struct layer *l = &network->layers[i];
		if (layer_has_weights(l))
			total += (double)shape_size(l->out) * l->kernel_height * l->kernel_width *
				 l->in.channels / l->groups;
	}
	return total;
}

static void print_row(const char *name, const struct bench *bench, struct measure *m, struct measure *limit,
	const struct peak *peak)
{
	double typical = median(m), products = operations(bench->network);

	printf("  %-22s %9.1f us %9.1f us best %8.1f GMAC/s", name, typical * 1e6, m->times[0] * 1e6,
		products / typical * 1e-9);
	if (peak) {
		double planes = peak->planes_per_product ? bench->network->layers[0].input_bits : 1;
		double least = median(limit) * products * planes;
		printf("  %3.0f %% of %s (best %.0f %%)", 100 * least / typical, peak->mix,
			100 * limit->times[0] * products * planes / m->times[0]);
	}
	printf("\n");
}

/* Measures one kernel, or (forced NULL) the best of an isa, on all copies in turn: weights are not in a near
 * cache. */
static void bench_one(
	const struct bench *bench, const struct isa *const *isas, int count, const struct kernel *forced)
{
	static struct measure m, limit;
	const struct peak *peak = forced ? peak_of(forced->name) : NULL;
	struct engine *engines[COPIES];
	struct error e;

	m.count = limit.count = 0;
	for (int i = 0; i < bench->copies; i++)
		if (engine_create_from(bench->network, 0, bench->network->layer_count, isas, count, forced,
			    &engines[i], &e) != 0) {
			fprintf(stderr, "%s\n", e.text);
			exit(EXIT_FAILURE);
		}
	for (int r = -3; r < rounds; r++) {
		double took = peak ? time_peak(peak) : 0, begin = now();
		for (int i = 0; i < bench->copies; i++)
			engine_run(engines[i], bench->in, bench->out);
		if (r < 0)
			continue; /* warming up */
		m.times[m.count++] = (now() - begin) / bench->copies;
		limit.times[limit.count++] = took;
	}
	print_row(forced ? forced->name : isas[count - 1]->name, bench, &m, &limit, peak);
	for (int i = 0; i < bench->copies; i++)
		engine_destroy(engines[i]);
}

static void fill_network(struct layer *layers, int count)
{
	for (int i = 0; i < count; i++) {
		struct layer *l = &layers[i];
		l->name = (char *)"layer";
		if (i > 0) {
			l->in = layers[i - 1].out;
			l->input_bits = layers[i - 1].output_bits;
		}
		if (l->kind == LAYER_FULLY_CONNECTED) {
			l->kernel_height = l->in.height;
			l->kernel_width = l->in.width;
		}
		if (l->kind == LAYER_MAX_POOL) {
			l->out.channels = l->in.channels;
			l->output_bits = l->input_bits;
		}
		layer_measure(l);
		uint8_t *in = random_codes(l->in, l->input_bits, EXTREME_NONE);
		if (layer_has_weights(l))
			random_weights(l, EXTREME_NONE);
		random_epilogue(l, in);
		free(in);
	}
}

/* Prints the kernel of each layer, and how long it takes with its epilogue. */
static void bench_layers(const struct network *network, const struct isa *const *isas, int count)
{
	static struct measure m;
	struct engine *engine;
	struct error e;

	for (int i = 0; i < network->layer_count; i++) {
		const struct layer *l = &network->layers[i];
		uint8_t *in = random_codes(l->in, l->input_bits, EXTREME_NONE);
		void *out = must_allocate(shape_size(l->out), sizeof(int32_t));

		if (engine_create_from(network, i, i + 1, isas, count, NULL, &engine, &e) != 0) {
			fprintf(stderr, "%s\n", e.text);
			exit(EXIT_FAILURE);
		}
		m.count = 0;
		for (int r = -3; r < rounds; r++) {
			double begin = now();
			engine_run(engine, in, out);
			m.times[m.count] = now() - begin;
			m.count += r >= 0;
		}
		printf("    %2d x %2d x %3d -> %2d x %2d x %4d, %-22s %9.1f us\n", l->in.height, l->in.width,
			l->in.channels, l->out.height, l->out.width, l->out.channels,
			engine_kernel(engine, i), median(&m) * 1e6);
		engine_destroy(engine);
		free(in);
		free(out);
	}
}

/* each: measures each kernel that fits; else the best that each isa of the table allows. */
static void bench_network(const char *title, struct layer *layers, int layer_count, int copies, bool each)
{
	struct network network = {.layers = layers, .layer_count = layer_count};
	int count;
	const struct isa *const *isas = isas_present(&count);

	if (!strstr(title, wanted))
		return;
	fill_network(layers, layer_count);
	struct bench bench = {&network, copies,
		random_codes(layers[0].in, layers[0].input_bits, EXTREME_NONE),
		must_allocate(shape_size(layers[layer_count - 1].out), sizeof(int32_t))};
	printf("%s, %.1f MMAC\n", title, operations(&network) * 1e-6);
	for (int i = 1; i < count; i++) {
		const struct kernel *k = isas[i]->kernels;
		if (!each) {
			bench_one(&bench, isas, i + 1, NULL);
			bench_layers(&network, isas, i + 1);
		}
		for (; each && k->name; k++)
			if (k->fits(&layers[0]))
				bench_one(&bench, isas, i + 1, k);
	}
	for (int i = 0; i < layer_count; i++)
		layer_free_arrays(&layers[i]);
	free(bench.in);
	free(bench.out);
}

enum share { DENSE, DEPTHWISE, ADD, OTHER, SHARES };

static const char *const shares[] = {"dense", "depthwise", "add", "other"};

static enum share share_of(const struct layer *layer)
{
	if (layer->kind == LAYER_ADD)
		return ADD;
	if (!layer_has_weights(layer))
		return OTHER;
	return layer->groups > 1 ? DEPTHWISE : DENSE;
}

#define MOST_LAYERS LAYER_LIMIT

struct graph_times {
	struct measure layers[MOST_LAYERS], whole;
};

static void time_graph(const struct network *network, struct engine *engine, struct graph_times *times)
{
	const struct layer *first = network->layers, *last = &first[network->layer_count - 1];
	uint8_t *in = random_codes(first->in, first->input_bits, EXTREME_NONE);
	void *out = must_allocate(shape_size(last->out), sizeof(int32_t));
	int64_t nanoseconds[MOST_LAYERS];

	times->whole.count = 0;
	for (int r = -3; r < rounds; r++) {
		double begin = now();
		engine_run_timed(engine, in, out, nanoseconds);
		times->whole.times[times->whole.count] = now() - begin;
		for (int i = 0; i < network->layer_count; i++) {
			times->layers[i].times[times->whole.count] = (double)nanoseconds[i] * 1e-9;
			times->layers[i].count = times->whole.count + 1;
		}
		times->whole.count += r >= 0;
	}
	free(in);
	free(out);
}

static void print_layer(const struct layer *l, const char *kernel, double seconds)
{
	printf("    %3d x %3d x %4d, k %d/%d -> %3d x %3d x %4d, %-24s %8.1f us %6.1f GMAC/s\n", l->in.height,
		l->in.width, l->in.channels, l->kernel_height, l->stride_height, l->out.height, l->out.width,
		l->out.channels, kernel, seconds * 1e6, (double)layer_operations(l) / seconds * 1e-9);
}

/* Times each layer within a run of all; prints what kinds of layers take, and with `each` every layer. */
static void bench_timed(const struct network *network, const struct isa *const *isas, int count, bool each)
{
	static struct graph_times times;
	double took[SHARES] = {0}, total = 0;
	struct engine *engine;
	struct error e;

	if (engine_create_from(network, 0, network->layer_count, isas, count, NULL, &engine, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(EXIT_FAILURE);
	}
	time_graph(network, engine, &times);
	for (int i = 0; i < network->layer_count; i++) {
		double typical = median(&times.layers[i]);
		took[share_of(&network->layers[i])] += typical;
		total += typical;
		if (each)
			print_layer(&network->layers[i], engine_kernel(engine, i), typical);
	}
	double typical = median(&times.whole);
	printf("  %-22s %9.1f us %9.1f us best, layers %.0f us:", isas[count - 1]->name, typical * 1e6,
		times.whole.times[0] * 1e6, total * 1e6);
	for (int s = 0; s < SHARES; s++)
		printf(" %s %.0f", shares[s], took[s] * 1e6);
	printf("\n");
	engine_destroy(engine);
}

static void bench_graph(const char *title, const struct network *network)
{
	int count;
	const struct isa *const *isas = isas_present(&count);

	printf("%s, %.1f MMAC\n", title, operations(network) * 1e-6);
	for (int i = 1; i < count; i++)
		bench_timed(network, isas, i + 1, i == count - 1);
}

static void bench_lite0(void)
{
	const char *title = "lite0, 224x224x3 to 1000 scores, W8A8";

	if (!strstr(title, wanted))
		return;
	struct network network = lite0_network();
	bench_graph(title, &network);
	lite0_finish(&network);
}

static int bench_folder(const char *folder)
{
	struct network *network;
	struct error e;

	if (network_load(folder, &network, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		return EXIT_FAILURE;
	}
	bench_graph(folder, network);
	network_destroy(network);
	return 0;
}

#define CONV(size, step, pad, outputs, wbits) CONV_TO(size, step, pad, outputs, wbits, 2, EPILOGUE_THRESHOLDS)
#define CONV_TO(size, step, pad, outputs, wbits, bits, end)                                                  \
	{                                                                                                    \
		.kind = LAYER_CONV, .kernel_height = (size), .kernel_width = (size),                         \
		.stride_height = (step), .stride_width = (step), .dilation_height = 1, .dilation_width = 1,  \
		.pad_top = (pad), .pad_left = (pad), .pad_bottom = (pad), .pad_right = (pad), .groups = 1,   \
		.weight_bits = (wbits), .output_bits = (bits), .epilogue = (end), .out.channels = (outputs)  \
	}
#define POOL                                                                                                 \
	{                                                                                                    \
		.kind = LAYER_MAX_POOL, .kernel_height = 2, .kernel_width = 2, .stride_height = 2,           \
		.stride_width = 2, .dilation_height = 1, .dilation_width = 1, .groups = 1                    \
	}
#define FULL(outputs, bits, end) FULL_OF(1, outputs, bits, end)
#define FULL_OF(wbits, outputs, bits, end)                                                                   \
	{                                                                                                    \
		.kind = LAYER_FULLY_CONNECTED, LAYER_STEPS_OF_ONE, .groups = 1, .weight_bits = (wbits),      \
		.output_bits = (bits), .epilogue = (end), .out.channels = (outputs)                          \
	}

/* 48 × 48 grey pixels to 7 scores, with weights and codes of some bits. */
static void bench_emotion(const char *title, int b, enum layer_epilogue end)
{
	struct layer layers[] = {CONV_TO(3, 1, 0, 32, b, b, end), CONV_TO(3, 1, 0, 64, b, b, end), POOL,
		CONV_TO(3, 1, 0, 128, b, b, end), CONV_TO(3, 1, 0, 128, b, b, end), POOL,
		CONV_TO(3, 1, 0, 256, b, b, end), CONV_TO(3, 1, 0, 256, b, b, end), POOL,
		FULL_OF(b, 256, b, end), FULL_OF(b, 7, 32, EPILOGUE_SCORES)};

	layers[0].in = (struct shape){48, 48, 1};
	layers[0].input_bits = 8;
	bench_network(title, layers, 11, 1, false);
}

static void bench_lenet5(void)
{
	struct layer layers[] = {CONV_TO(5, 1, 0, 20, 8, 8, EPILOGUE_REQUANTISE), POOL,
		CONV_TO(5, 1, 0, 50, 8, 8, EPILOGUE_REQUANTISE), POOL,
		FULL_OF(8, 500, 8, EPILOGUE_REQUANTISE), FULL_OF(8, 10, 32, EPILOGUE_SCORES)};

	layers[0].in = (struct shape){28, 28, 1};
	layers[0].input_bits = 8;
	bench_network("lenet5, W8A8", layers, 6, 1, false);
}

/* Some of lite0's layers that widen and narrow, with their epilogue and without. */
static void bench_pointwise(void)
{
	static const struct {
		const char *title;
		int side, in, out;
	} shapes[] = {
		{"1x1, 112x112x16 to 96, W8A8", 112, 16, 96},
		{"1x1, 14x14x80 to 480, W8A8", 14, 80, 480},
		{"1x1, 14x14x480 to 80, W8A8", 14, 480, 80},
		{"1x1, 7x7x192 to 1152, W8A8", 7, 192, 1152},
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (int scores = 0; scores < 2; scores++) {
			struct layer layer[] = {CONV_TO(1, 1, 0, shapes[i].out, 8, scores ? 32 : 8,
				scores ? EPILOGUE_SCORES : EPILOGUE_REQUANTISE)};
			layer[0].in = (struct shape){shapes[i].side, shapes[i].side, shapes[i].in};
			layer[0].input_bits = 8;
			char title[64];
			snprintf(
				title, sizeof(title), "%s, %s", shapes[i].title, scores ? "scores" : "codes");
			bench_network(title, layer, 1, 1, true);
		}
}

/* Some of lite0's depthwise layers, each kernel for itself. */
static void bench_depthwise(void)
{
	static const struct {
		const char *title;
		int side, kernel, stride, channels;
	} shapes[] = {
		{"depthwise 3x3, 112x112x32, W8A8", 112, 3, 1, 32},
		{"depthwise 3x3/2, 112x112x96, W8A8", 112, 3, 2, 96},
		{"depthwise 5x5/2, 56x56x144, W8A8", 56, 5, 2, 144},
		{"depthwise 5x5, 14x14x672, W8A8", 14, 5, 1, 672},
		{"depthwise 3x3, 7x7x1152, W8A8", 7, 3, 1, 1152},
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct layer layer[] = {CONV_TO(shapes[i].kernel, shapes[i].stride, shapes[i].kernel / 2,
			shapes[i].channels, 8, 32, EPILOGUE_SCORES)};
		layer[0].in = (struct shape){shapes[i].side, shapes[i].side, shapes[i].channels};
		layer[0].input_bits = 8;
		layer[0].groups = shapes[i].channels;
		bench_network(shapes[i].title, layer, 1, 1, true);
	}
}

int main(int argc, char **argv)
{
	struct layer conv0[] = {CONV(8, 4, 2, 64, 8)};
	struct layer conv[] = {CONV(3, 1, 1, 384, 1)};
	struct layer full[] = {FULL(4096, 2, EPILOGUE_THRESHOLDS)};
	struct layer whole[] = {CONV(8, 4, 2, 64, 8), CONV(3, 1, 1, 128, 1), POOL, CONV(3, 1, 1, 256, 1),
		POOL, CONV(3, 1, 1, 512, 1), POOL, FULL(1024, 2, EPILOGUE_THRESHOLDS),
		FULL(200, 32, EPILOGUE_SCORES)};

	if (argc > 1)
		rounds = atoi(argv[1]);
	if (argc > 2)
		wanted = argv[2];
	if (rounds < 1 || rounds > MOST_ROUNDS) {
		fprintf(stderr, "usage: bench_kernels [ROUNDS [TITLE|FOLDER]], 1 to %d\n", MOST_ROUNDS);
		return 64;
	}
	if (strchr(wanted, '/'))
		return bench_folder(wanted);
	conv0[0].in = whole[0].in = (struct shape){64, 64, 3};
	conv0[0].input_bits = whole[0].input_bits = 8;
	conv[0].in = (struct shape){13, 13, 256};
	conv[0].input_bits = 2;
	full[0].in = (struct shape){1, 1, 4096};
	full[0].input_bits = 2;
	bench_network("conv0 8x8/4, 64x64x3 to 16x16x64, W8A8", conv0, 1, 1, true);
	bench_network("conv 3x3, 13x13x256 to 13x13x384, W1A2", conv, 1, 1, true);
	bench_network("fully connected, 4096 to 4096, W1A2, weights from the last-level cache", full, 1,
		COPIES, true);
	bench_network("whole network, 64x64x3 to 200 scores", whole, 9, 1, false);
	bench_emotion("emotion, W8A8 by requantisation", 8, EPILOGUE_REQUANTISE);
	bench_emotion("emotion, W8A8 by thresholds", 8, EPILOGUE_THRESHOLDS);
	bench_emotion("emotion, W4A4", 4, EPILOGUE_THRESHOLDS);
	bench_emotion("emotion, W2A2", 2, EPILOGUE_THRESHOLDS);
	bench_lenet5();
	bench_pointwise();
	bench_depthwise();
	bench_lite0();
	return 0;
}
