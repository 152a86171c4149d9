/* SPDX-License-Identifier: MIT */
/*
 * Runs the published DoReFa-Net from its own input to its own output: 9,216 codes that this project did not
 * compute. The data do not belong to the project; without them the test is skipped (exit code 77).
 */
#include "base/error.h"
#include "nn/engine.h"
#include "nn/import/qnn_mo.h"
#include "nn/kernels/table.h"
#include "nn/reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SKIPPED = 77,
	BEHIND_CONV0 = 1, /* the published codes are those behind it */
	PIXEL_BYTES = 96, /* of a pixel in the published files: 384 channels of 2 bits, the unused ones 0 */
};

struct golden {
	struct network *network;
	uint8_t *in;	   /* codes */
	uint8_t *expected; /* codes */
	uint8_t *out;	   /* codes, of the run at hand */
	size_t count;	   /* of expected and out */
};

/* Codes of a published file; channel c of a pixel lies at bit 2·c. NULL and a message when it cannot be read.
 */
static uint8_t *codes_read(const char *folder, const char *name, struct shape shape)
{
	char *path = NULL;
	uint8_t pixel[PIXEL_BYTES];
	uint8_t *codes = malloc(shape_size(shape));
	FILE *stream = asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : fopen(path, "rb");
	size_t count = 0;

	if (stream && codes && shape.channels <= PIXEL_BYTES * 4)
		while (count < shape_size(shape) && fread(pixel, 1, sizeof(pixel), stream) == sizeof(pixel))
			for (int c = 0; c < shape.channels; c++)
				codes[count++] = pixel[c / 4] >> c % 4 * 2 & 3;
	if (stream)
		fclose(stream);
	if (count < shape_size(shape)) {
		fprintf(stderr, "%s: %zu codes of %zu could be read\n", name, count, shape_size(shape));
		free(codes);
		codes = NULL;
	}
	free(path);
	return codes;
}

static int compare(const struct golden *golden, const char *name)
{
	size_t equal = 0;

	for (size_t i = 0; i < golden->count; i++)
		equal += golden->out[i] == golden->expected[i];
	printf("%s: %zu of %zu codes\n", name, equal, golden->count);
	memset(golden->out, 0xee, golden->count);
	return equal == golden->count ? 0 : -1;
}

static int reference_compare(const struct golden *golden)
{
	if (reference_run(
		    golden->network, BEHIND_CONV0, golden->network->layer_count, golden->in, golden->out) < 0)
		return -1;
	return compare(golden, "reference");
}

static int engine_compare(const struct golden *golden, const char *kernels)
{
	struct engine *engine;
	struct error e = {0};
	char name[64];

	if (engine_create(golden->network, BEHIND_CONV0, golden->network->layer_count, kernels, &engine, &e) <
		0) {
		fprintf(stderr, "engine, kernels %s: %s\n", kernels ? kernels : "fastest", e.text);
		return -1;
	}
	snprintf(name, sizeof(name), "engine, kernels %s", kernels ? kernels : "fastest");
	engine_run(engine, golden->in, golden->out);
	engine_destroy(engine);
	return compare(golden, name);
}

static int check(struct golden *golden, const char *folder)
{
	const struct layer *last = &golden->network->layers[golden->network->layer_count - 1];
	int failures = 0;

	golden->count = shape_size(last->out);
	golden->in = codes_read(folder, "input.bin", golden->network->layers[BEHIND_CONV0].in);
	golden->expected = codes_read(folder, "verification.bin", last->out);
	golden->out = malloc(golden->count);
	if (!golden->in || !golden->expected || !golden->out)
		return 1;
	memset(golden->out, 0xee, golden->count);
	if (golden->count != 9216) {
		fprintf(stderr, "the network gives %zu codes, not 9216\n", golden->count);
		failures++;
	}
	failures += reference_compare(golden) < 0;
	failures += engine_compare(golden, NULL) < 0;
	for (const char *const *kernels = kernel_names(); *kernels; kernels++)
		failures += engine_compare(golden, *kernels) < 0;
	return failures;
}

int main(void)
{
	const char *shared = getenv("TWOBIT_SHARED");
	char *folder = NULL;
	struct golden golden = {0};
	struct error e = {0};
	int failures = 1;

	if (asprintf(&folder, "%s/golden/qnn-mo-dorefanet", shared ? shared : "../shared") < 0)
		return EXIT_FAILURE;
	if (access(folder, F_OK) != 0) {
		printf("skipped: %s: %s (TWOBIT_SHARED names the folder that holds golden/)\n", folder,
			strerror(errno));
		free(folder);
		return SKIPPED;
	}
	if (import_qnn_mo(folder, &golden.network, &e) < 0)
		fprintf(stderr, "%s\n", e.text);
	else
		failures = check(&golden, folder);
	network_destroy(golden.network);
	free(golden.in);
	free(golden.expected);
	free(golden.out);
	free(folder);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
