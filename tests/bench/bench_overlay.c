/* SPDX-License-Identifier: MIT */
/*
 * bench_overlay NETWORK-FOLDER measures what the processor does for a frame of the overlay. Packing and
 * unpacking include the CRC of what is sent and received.
 */
#include "base/error.h"
#include "nn/format/load.h"
#include "pl/overlay/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { ROUNDS = 50, REPEATS = 200 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct bench {
	struct program *program;
	uint8_t *codes;
	uint64_t *transfer, *result;
	void *out;
};

static void pack(struct bench *b)
{
	program_pack(b->program, b->codes, 1, b->transfer);
}

static void crc_in(struct bench *b)
{
	record_seal(b->transfer, OVERLAY_RECORD_FRAME, true, 0, 1, b->program->frame_beats);
}

static void unpack(struct bench *b)
{
	int failure;

	if (program_unpack(b->program, b->result, b->program->result_size, 0, b->out, &failure))
		abort();
}

/* Returns the best of some tries, in microseconds a call. */
static double measure(void (*run)(struct bench *), struct bench *b)
{
	double best = 1e30;

	for (int i = 0; i < REPEATS; i++) {
		double begun = now();

		for (int j = 0; j < ROUNDS; j++)
			run(b);
		if ((now() - begun) / ROUNDS < best)
			best = (now() - begun) / ROUNDS;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct network *network = NULL;
	struct bench b = {0};
	struct error e = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: bench_overlay NETWORK-FOLDER\n");
		return 64;
	}
	if (network_load(argv[1], &network, &e) ||
		program_create(network, 1, network->layer_count, &overlay_limits, false, &b.program, &e)) {
		fprintf(stderr, "%s\n", e.text);
		network_destroy(network);
		return 1;
	}
	size_t codes = shape_size(network->layers[1].in);
	b.codes = calloc(1, codes);
	b.transfer = malloc(b.program->frame.size);
	b.result = calloc(1, b.program->result_size);
	b.out = calloc(shape_size(network->layers[network->layer_count - 1].out), sizeof(int32_t));
	if (!b.codes || !b.transfer || !b.result || !b.out)
		abort();
	for (size_t i = 0; i < codes; i++)
		b.codes[i] = (uint8_t)((unsigned)rand() % (1U << network->layers[1].input_bits));
	memcpy(b.transfer, b.program->frame.beats, b.program->frame.size);
	record_seal(b.result, OVERLAY_RECORD_RESULT, true, 0, 0, b.program->result_size / 8 - 2);
	printf("%s: frame %zu bytes, %zu with streamed weights; result %zu bytes\n", network->name,
		(b.program->frame_beats + 2) * 8, b.program->frame.size, b.program->result_size);
	printf("pack %.2f us, of it CRC %.2f; check and unpack %.2f us\n", measure(pack, &b),
		measure(crc_in, &b), measure(unpack, &b));
	free(b.codes);
	free(b.transfer);
	free(b.result);
	free(b.out);
	program_destroy(b.program);
	network_destroy(network);
	return 0;
}
