/* SPDX-License-Identifier: MIT */
/*
 * bench_choice [-a] [-r ROUNDS] FOLDER… shows whether the engine takes the fastest kernel: for each layer
 * with weights of the networks in these folders, the time with the kernel that it takes and with the fastest,
 * in turns, and at the end the layers on which the choice loses more than 3 %. The least time counts, since
 * what else the machine does only adds to it. Where memory lies counts, too, so that a choice loses only if
 * it does so again with other engines. -a: prints all kernels.
 */
#include "base/error.h"
#include "nn/engine.h"
#include "nn/format/load.h"
#include "nn/kernels/kernel.h"
#include "nn/kernels/table.h"
#include "support/memory.h"
#include "support/random_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_KERNELS 32
#define TOLERATED 1.03

static int rounds = 100;
static bool all; /* kernels are printed */
static int layers_seen, losses;

struct candidate {
	const char *kernel;
	struct engine *engine;
	double least; /* s */
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct engine *engine_of(const struct network *network, int layer, const struct kernel *forced)
{
	int count;
	const struct isa *const *isas = isas_present(&count);
	struct engine *engine;
	struct error e;

	if (engine_create_from(network, layer, layer + 1, isas, count, forced, &engine, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(EXIT_FAILURE);
	}
	return engine;
}

/* The first one is the engine's own choice. */
static int list_candidates(const struct network *network, int layer, struct candidate *candidates)
{
	int count, found = 1;
	const struct isa *const *isas = isas_present(&count);

	candidates[0].engine = engine_of(network, layer, NULL);
	candidates[0].kernel = engine_kernel(candidates[0].engine, layer);
	for (int i = 1; i < count; i++)
		for (const struct kernel *k = isas[i]->kernels; k && k->name && found < MOST_KERNELS; k++) {
			struct engine *engine = engine_of(network, layer, k);
			const char *name = engine_kernel(engine, layer);
			if (strcmp(name, k->name) == 0 && strcmp(name, candidates[0].kernel) != 0)
				candidates[found++] = (struct candidate){.kernel = name, .engine = engine};
			else
				engine_destroy(engine);
		}
	return found;
}

/* Twice each time: the first run brings into the caches what the others have driven out. */
static void time_candidates(const struct layer *layer, struct candidate *candidates, int count)
{
	uint8_t *in = random_codes(layer->in, layer->input_bits, EXTREME_NONE);
	void *out = must_allocate(shape_size(layer->out), sizeof(int32_t));

	for (int i = 0; i < count; i++)
		candidates[i].least = 1e9;
	for (int r = 0; r < rounds; r++)
		for (int i = 0; i < count; i++) {
			engine_run(candidates[i].engine, in, out);
			double begin = now();
			engine_run(candidates[i].engine, in, out);
			double took = now() - begin;
			if (took < candidates[i].least)
				candidates[i].least = took;
		}
	free(in);
	free(out);
}

#define TRIES 3

/* Returns whether the choice loses, of which it says nothing before the last time. */
static bool try_layer(const struct network *network, int index, bool last)
{
	const struct layer *l = &network->layers[index];
	struct candidate candidates[MOST_KERNELS] = {0};
	int count = list_candidates(network, index, candidates), best = 0;

	time_candidates(l, candidates, count);
	for (int i = 1; i < count; i++)
		if (candidates[i].least < candidates[best].least)
			best = i;
	bool loses = candidates[0].least > TOLERATED * candidates[best].least, prints = last || !loses;
	if (prints)
		printf("  %3d x %3d x %4d, k %2d x %2d/%d, groups %d -> %3d x %3d x %4d: %-24s %8.2f us",
			l->in.height, l->in.width, l->in.channels, l->kernel_height, l->kernel_width,
			l->stride_height, l->groups, l->out.height, l->out.width, l->out.channels,
			candidates[0].kernel, candidates[0].least * 1e6);
	if (prints && best)
		printf(", %s %.2f us%s", candidates[best].kernel, candidates[best].least * 1e6,
			loses ? ": LOSES" : "");
	if (prints)
		printf("\n");
	for (int i = 0; i < count; i++) {
		if (prints && all)
			printf("      %-24s %8.2f us\n", candidates[i].kernel, candidates[i].least * 1e6);
		engine_destroy(candidates[i].engine);
	}
	return loses;
}

static void bench_layer(const struct network *network, int index)
{
	bool loses = true;

	for (int i = 1; loses && i <= TRIES; i++)
		loses = try_layer(network, index, i == TRIES);
	layers_seen++;
	losses += loses;
}

static void bench_folder(const char *folder)
{
	struct network *network;
	struct error e;

	if (network_load(folder, &network, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(EXIT_FAILURE);
	}
	printf("%s\n", folder);
	for (int i = 0; i < network->layer_count; i++)
		if (layer_has_weights(&network->layers[i]))
			bench_layer(network, i);
	network_destroy(network);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-a") == 0)
			all = true;
		else if (strcmp(argv[i], "-r") == 0 && i + 1 < argc)
			rounds = atoi(argv[++i]); /* NOLINT(cert-err34-c): 0 measures nothing */
		else
			bench_folder(argv[i]);
	printf("the choice loses more than 3 %% on %d of %d layers\n", losses, layers_seen);
	return 0;
}
