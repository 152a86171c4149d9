/* SPDX-License-Identifier: MIT */
/*
 * The parameters lie as the arrays of that project's overlays read them (bnn/src/network/NAME/hw/config.h,
 * top.cpp and bnn/src/training/finnthesizer.py in github.com/Xilinx/BNN-PYNQ): files L-PE-weights.bin and
 * L-PE-thres.bin for each PE of layer L, of little-endian 64-bit words. Row r of the matrix is at PE r mod
 * PEs, fold ⌊r / PEs⌋. A row's weights are columns / SIMD words, word j holding the columns from j · SIMD on,
 * the first in the lowest bits; its thresholds are a word each. A step is passed when the row's sum is
 * greater than its threshold. docs/formats.md has the sums and what becomes of them here.
 */
#include "nn/import/bnn_pynq.h"

#include "base/error.h"
#include "nn/format/labels.h"
#include "nn/format/parse.h"
#include "nn/limits.h"
#include "nn/network_names.h"
#include "nn/network_view.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD_BYTES = 8,
	KERNEL = 3,	       /* of all convolutions there; they do not pad */
	LONGEST_LAYER_0 = 416, /* words of a file of weights of layer 0, of any design */
	MOST_THRESHOLDS_0 = 64,
	PIXEL_ZERO = 128,
	LAYERS_MOST = 12,
};

struct folding {
	int columns, rows, simd, pes;
};

static const struct folding lfc[] = {
	{832, 1024, 64, 32}, {1024, 1024, 32, 64}, {1024, 1024, 64, 32}, {1024, 64, 8, 16}};

static const struct folding cnv_w1[] = {{27, 64, 3, 16}, {576, 64, 32, 32}, {576, 128, 32, 16},
	{1152, 128, 32, 16}, {1152, 256, 32, 4}, {2304, 256, 32, 1}, {256, 512, 4, 1}, {512, 512, 8, 1},
	{512, 64, 1, 4}};

static const struct folding cnv_w2[] = {{27, 64, 3, 8}, {576, 64, 16, 16}, {576, 128, 16, 8},
	{1152, 128, 16, 8}, {1152, 256, 8, 4}, {2304, 256, 8, 1}, {256, 512, 2, 1}, {512, 512, 2, 2},
	{512, 64, 1, 4}};

static const struct folded_network {
	const char *name;
	const struct folding *foldings;
	int last; /* the layer whose rows are the classes */
	struct shape in;
	int convolutions; /* the layers before are fully connected */
	int weight_bits;
	int steps; /* thresholds of a row, but for the last layer's; 1: inputs are bits, 2: −1, 0, 1 */
} designs[] = {
	{"LFC-W1A1", lfc, 3, {28, 28, 1}, 0, 1, 1},
	{"LFC-W1A2", lfc, 3, {28, 28, 1}, 0, 1, 2},
	{"CNV-W1A1", cnv_w1, 8, {32, 32, 3}, 6, 1, 1},
	{"CNV-W1A2", cnv_w1, 8, {32, 32, 3}, 6, 1, 2},
	{"CNV-W2A2", cnv_w2, 8, {32, 32, 3}, 6, 2, 2},
};

struct bnn_pynq_import {
	const struct network_files *files;
	const struct folded_network *design;
	struct network *network;
};

/* What the overlay sums in a layer; w is a weight, c our code of its input. */
enum arithmetic {
	SUM_EQUAL,   /* the weights equal to their input bits: Σ w·c + (weights of −1) */
	SUM_BITS,    /* Σ w·(2c − 1) */
	SUM_TERNARY, /* Σ w·(c − 1) */
	SUM_PIXELS,  /* Σ w·(c − 128), half of what its thresholds count in */
};

static int no_memory(struct error *e)
{
	error_set(e, -ENOMEM, "no memory for the network");
	return -ENOMEM;
}

/* The whole file, of at most `words` words: so many are *found. The caller frees *out. */
static int words_read(const struct bnn_pynq_import *m, int layer, int pe, const char *kind, size_t words,
	uint64_t **out, size_t *found, struct error *e)
{
	char name[48];
	uint8_t *bytes = NULL;
	struct error cause = {0};
	size_t size;

	snprintf(name, sizeof(name), "%d-%d-%s.bin", layer, pe, kind);
	int rc = m->files->read(m->files->context, name, words * WORD_BYTES, &bytes, &size, &cause);
	if (rc) {
		error_set(e, rc, "%s %s", name, cause.text);
		return rc;
	}
	*found = size / WORD_BYTES;
	*out = NULL;
	if (size == 0 || size % WORD_BYTES) {
		rc = -EBADMSG;
		error_set(e, rc, "%s holds %zu bytes, up to %zu words of %d are expected", name, size, words,
			WORD_BYTES);
	} else if (!(*out = malloc(size))) {
		rc = no_memory(e);
	} else {
		memcpy(*out, bytes, size);
		for (size_t i = 0; i < *found; i++)
			(*out)[i] = le64toh((*out)[i]);
	}
	free(bytes);
	return rc;
}

/* Words of a file of layer 0, whatever the design; 0 when it holds more than any needs. */
static int words_count(
	const struct bnn_pynq_import *m, const char *kind, size_t limit, size_t *found, struct error *e)
{
	uint64_t *words = NULL;
	int rc = words_read(m, 0, 0, kind, limit, &words, found, e);

	free(words);
	return rc;
}

static size_t words_of_row(const struct folding *f)
{
	return (size_t)(f->columns / f->simd);
}

static size_t folds_of(const struct folding *f)
{
	return (size_t)(f->rows / f->pes);
}

/* The designs differ in how long the files of layer 0 are. */
static int design_find(struct bnn_pynq_import *m, struct error *e)
{
	size_t weights = 0, thresholds = 0;
	int rc = words_count(m, "weights", LONGEST_LAYER_0, &weights, e);

	if (rc || (rc = words_count(m, "thres", MOST_THRESHOLDS_0, &thresholds, e)))
		return rc;
	for (size_t i = 0; i < sizeof(designs) / sizeof(*designs); i++) {
		const struct folding *f = designs[i].foldings;

		if (weights == folds_of(f) * words_of_row(f) &&
			thresholds == folds_of(f) * (size_t)designs[i].steps) {
			m->design = &designs[i];
			return 0;
		}
	}
	return error_set(e, -EBADMSG,
		"0-0-weights.bin and 0-0-thres.bin hold %zu and %zu words, as no network that can be "
		"imported has: LFC-W1A1 has 416 and 32, LFC-W1A2 416 and 64, CNV-W1A1 36 and 4, CNV-W1A2 36 "
		"and 8, CNV-W2A2 72 and 16",
		weights, thresholds);
}

static enum arithmetic arithmetic_of(const struct folded_network *design, int index)
{
	if (index == 0 && design->convolutions)
		return SUM_PIXELS;
	if (design->steps == 1)
		return SUM_EQUAL;
	return index == 0 ? SUM_BITS : SUM_TERNARY;
}

/*
 * What the overlay's sum is above Σ w·c; of SUM_BITS and SUM_PIXELS see step_of. The sum of the row's weights
 * takes in the columns behind the 784 pixels of a perceptron, whose inputs are 0 always.
 */
static int sum_above(enum arithmetic arithmetic, int columns, int sum_of_weights)
{
	return arithmetic == SUM_EQUAL ? (columns - sum_of_weights) / 2 : -sum_of_weights;
}

/* The least Σ w·c that passes a threshold there. Shifts of negative numbers go towards −∞. */
static int32_t step_of(enum arithmetic arithmetic, int32_t threshold, int columns, int sum_of_weights)
{
	if (arithmetic == SUM_PIXELS)
		return (threshold >> 1) + 1 + PIXEL_ZERO * sum_of_weights;
	if (arithmetic == SUM_BITS)
		return ((threshold + sum_of_weights) >> 1) + 1;
	return threshold + 1 - sum_above(arithmetic, columns, sum_of_weights);
}

/* One row of weights, as many as the layer has inputs; *sum counts those behind them too. */
static int row_unpack(
	const uint64_t *words, const struct folding *f, int bits, int inputs, int8_t *weights, int *sum)
{
	uint64_t mask = (UINT64_C(1) << bits) - 1;

	*sum = 0;
	for (int first = 0; first < f->columns; first += f->simd) {
		uint64_t word = *words++;

		if (bits * f->simd < 64 && word >> bits * f->simd)
			return -EBADMSG;
		for (int column = first; column < first + f->simd; column++, word >>= bits) {
			int value = (int)(word & mask);
			/* two's complement, or a bit that stands for −1 or 1 */
			value = bits == 1 ? 2 * value - 1 : value - 2 * (value & 2);
			*sum += value;
			if (column < inputs)
				weights[column] = (int8_t)value;
		}
	}
	return 0;
}

/* Ascending, with the greatest for a code that does not occur. */
static int steps_take(const struct bnn_pynq_import *m, struct layer *layer, int index, int row,
	const uint64_t *words, int sum_of_weights, int64_t *wrong)
{
	enum arithmetic arithmetic = arithmetic_of(m->design, index);
	int64_t low = arithmetic == SUM_PIXELS ? -(1 << 23) : INT16_MIN;
	int64_t high = arithmetic == SUM_PIXELS ? (1 << 23) - 1 : UINT16_MAX;
	int levels = layer_levels(layer), count = index == m->design->last ? 1 : m->design->steps;
	int32_t *steps = layer->thresholds + (size_t)row * (size_t)levels;

	for (int i = 0; i < levels; i++) {
		int32_t step = INT32_MAX;
		int at = i;

		if (i < count) {
			*wrong = (int64_t)words[i];
			if (*wrong < low || *wrong > high)
				return -EBADMSG;
			step = step_of(arithmetic, (int32_t)*wrong, m->design->foldings[index].columns,
				sum_of_weights);
		}
		for (; at > 0 && steps[at - 1] > step; at--)
			steps[at] = steps[at - 1];
		steps[at] = step;
	}
	return 0;
}

/* Reads the rows that one PE computes, up to the layer's number of rows. steps: NULL for scores. */
static int rows_take(const struct bnn_pynq_import *m, struct layer *layer, int index, int pe,
	const uint64_t *weights, const uint64_t *steps, struct error *e)
{
	const struct folding *f = &m->design->foldings[index];
	int inputs = layer->kernel_height * layer->kernel_width * layer->in.channels;
	int count = index == m->design->last ? 1 : m->design->steps;
	int64_t wrong = 0;
	int sum = 0;

	for (int row = pe, fold = 0; row < layer->out.channels; row += f->pes, fold++) {
		if (row_unpack(weights + (size_t)fold * words_of_row(f), f, m->design->weight_bits, inputs,
			    layer->weights + (size_t)row * (size_t)inputs, &sum))
			return error_set(e, -EBADMSG,
				"%d-%d-weights.bin holds words of more than %d bits; %s has none", index, pe,
				m->design->weight_bits * f->simd, m->design->name);
		if (!steps)
			m->network->bias[row] =
				(float)sum_above(arithmetic_of(m->design, index), f->columns, sum);
		else if (steps_take(m, layer, index, row, steps + (size_t)fold * (size_t)count, sum, &wrong))
			return error_set(e, -EBADMSG,
				"%d-%d-thres.bin holds %lld, which is no threshold of %d bits", index, pe,
				(long long)wrong, arithmetic_of(m->design, index) == SUM_PIXELS ? 24 : 16);
	}
	return 0;
}

static int pe_read(const struct bnn_pynq_import *m, struct layer *layer, int index, int pe, size_t folds,
	struct error *e)
{
	static const char *const kinds[2] = {"weights", "thres"};
	int files = layer->epilogue == EPILOGUE_SCORES ? 1 : 2;
	size_t steps = index == m->design->last ? 1 : (size_t)m->design->steps;
	const size_t needed[2] = {folds * words_of_row(&m->design->foldings[index]), folds * steps};
	uint64_t *words[2] = {NULL, NULL};
	int rc = 0;

	for (int i = 0; i < files && rc == 0; i++) {
		size_t found = 0;
		rc = words_read(m, index, pe, kinds[i], needed[i], &words[i], &found, e);
		if (rc == 0 && found != needed[i])
			rc = error_set(e, -EBADMSG, "%d-%d-%s.bin holds %zu words, but the layer needs %zu",
				index, pe, kinds[i], found, needed[i]);
	}
	if (rc == 0)
		rc = rows_take(m, layer, index, pe, words[0], words[1], e);
	free(words[0]);
	free(words[1]);
	return rc;
}

/* Behind those so far; it reads `in`. */
static struct layer *layer_begin(
	struct network *network, const char *name, enum layer_kind kind, struct shape in, int bits)
{
	struct layer *layer = &network->layers[network->layer_count++];

	*layer = (struct layer){
		.name = strdup(name),
		.kind = kind,
		.in = in,
		.out = in,
		.kernel_height = 1,
		.kernel_width = 1,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = bits,
		.output_bits = bits,
	};
	return layer;
}

static struct tensor made_last(const struct network *network)
{
	return network_tensor(network, network->layer_count - 1);
}

/* Behind those so far; with thresholds, or output_bits TENSOR_SUMS for scores. */
static struct layer *matrix_add(struct network *network, const char *name, int kernel, int outputs,
	int weight_bits, int output_bits, struct error *e)
{
	struct tensor in = made_last(network);
	struct layer *layer =
		layer_begin(network, name, kernel ? LAYER_CONV : LAYER_FULLY_CONNECTED, in.shape, in.bits);
	bool scores = output_bits == TENSOR_SUMS;

	layer->kernel_height = kernel ? kernel : in.shape.height;
	layer->kernel_width = kernel ? kernel : in.shape.width;
	layer->out = (struct shape){in.shape.height - layer->kernel_height + 1,
		in.shape.width - layer->kernel_width + 1, outputs};
	layer->weight_bits = weight_bits;
	layer->output_bits = output_bits;
	layer->epilogue = scores ? EPILOGUE_SCORES : EPILOGUE_THRESHOLDS;
	size_t count = (size_t)layer_weight_count(layer);
	layer->weights = count ? calloc(count, 1) : NULL;
	if (!scores)
		layer->thresholds = calloc((size_t)outputs * (size_t)layer_levels(layer), sizeof(int32_t));
	if (layer->name && layer->weights && (scores || layer->thresholds))
		return layer;
	no_memory(e);
	return NULL;
}

/* Lines of classes.txt, without empty ones at its end. */
static int lines_count(const uint8_t *text, size_t *size)
{
	int count = 1;

	while (*size && strchr(" \t\r\n", text[*size - 1]))
		--*size;
	for (size_t i = 0; i < *size; i++)
		count += text[i] == '\n';
	return *size ? count : 0;
}

/* That project reads as many of the last layer's rows as classes.txt has lines. */
static int classes_read(struct bnn_pynq_import *m, int rows, struct error *e)
{
	static const char name[] = "classes.txt";
	size_t limit = (size_t)m->design->foldings[m->design->last].rows * (LABEL_LIMIT + 2) + 3;
	struct error cause = {0};
	uint8_t *text = NULL;
	size_t size = 0;

	m->network->class_count = rows;
	if (!m->files->exists(m->files->context, name))
		return labels_number(m->network, e);
	int rc = m->files->read(m->files->context, name, limit, &text, &size, &cause);
	if (rc)
		return error_set(e, rc, "%s %s", name, cause.text);
	m->network->class_count = lines_count(text, &size);
	if (m->network->class_count < 1 || m->network->class_count > rows) {
		rc = -EBADMSG;
		error_set(e, rc, "%s holds %d classes, but the last layer has 1 to %d", name,
			m->network->class_count, rows);
	} else {
		rc = labels_parse(m->network, name, (const char *)text, size, e);
	}
	free(text);
	return rc;
}

static int scales_make(struct network *network, float scale, struct error *e)
{
	size_t count = (size_t)network->class_count;

	network->scale = calloc(count, sizeof(*network->scale));
	network->bias = calloc(count, sizeof(*network->bias));
	if (!network->scale || !network->bias)
		return no_memory(e);
	for (size_t i = 0; i < count; i++)
		network->scale[i] = scale;
	return 0;
}

/*
 * A perceptron's result is the highest bit that is set, and the first class when none is. With
 * score[i] = 2 · bit[i] − (bits set above i), that bit alone has 2, every other class at most 1; when none is
 * set all have 0, and the first class comes first.
 */
static int highest_add(struct network *network, struct error *e)
{
	int count = network->class_count;
	struct layer *layer = matrix_add(network, "highest", 0, count, 4, TENSOR_SUMS, e);

	if (!layer)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		layer->weights[i * count + i] = 2;
		for (int above = i + 1; above < count; above++)
			layer->weights[i * count + above] = -1;
	}
	return scales_make(network, 2, e);
}

/*
 * That project rounds 2 · v/255 − 1 to a signed fraction of 7 bits, and saturates. The code is that number of
 * 128ths above −1: not one for each pixel value, so it takes a table.
 */
static int pixels_add(struct network *network, struct shape in, struct error *e)
{
	struct layer *layer = layer_begin(network, "pixels", LAYER_TABLE, in, 8);

	layer->kernel_height = layer->kernel_width = 0;
	layer->table = malloc(256);
	layer->table_rows = 1;
	if (!layer->name || !layer->table)
		return no_memory(e);
	for (int v = 0; v < 256; v++) {
		int code = (2 * v * PIXEL_ZERO * 2 + 255) / (2 * 255); /* ⌊v/255 · 256 + ½⌋ */

		layer->table[v] = (uint8_t)(code > 255 ? 255 : code);
	}
	return 0;
}

static int pool_add(struct network *network, int index, struct error *e)
{
	struct tensor in = made_last(network);
	char name[16];

	snprintf(name, sizeof(name), "pool%d", index);
	struct layer *layer = layer_begin(network, name, LAYER_MAX_POOL, in.shape, in.bits);
	layer->kernel_height = layer->kernel_width = layer->stride_height = layer->stride_width = 2;
	layer->out.height /= 2;
	layer->out.width /= 2;
	return layer->name ? 0 : no_memory(e);
}

/* Of the last layer, parameters may have fewer rows than the overlay. */
static int folds_find(const struct bnn_pynq_import *m, int index, size_t *folds, struct error *e)
{
	const struct folding *f = &m->design->foldings[index];
	uint64_t *words = NULL;
	size_t found = 0;

	*folds = folds_of(f);
	if (index != m->design->last)
		return 0;
	int rc = words_read(m, index, 0, "weights", *folds * words_of_row(f), &words, &found, e);
	free(words);
	if (rc)
		return rc;
	if (found % words_of_row(f))
		return error_set(e, -EBADMSG, "%d-0-weights.bin holds %zu words, but a row needs %zu", index,
			found, words_of_row(f));
	*folds = found / words_of_row(f);
	return 0;
}

/* The layer, and the pool behind it. */
static int layer_read(struct bnn_pynq_import *m, int index, struct error *e)
{
	const struct folded_network *d = m->design;
	bool convolution = index < d->convolutions, last = index == d->last;
	int outputs = d->foldings[index].rows, bits = last ? 1 : d->steps;
	size_t folds = 0;
	char name[16];
	int rc = folds_find(m, index, &folds, e);

	if (rc == 0 && last)
		rc = classes_read(m, (int)folds * d->foldings[index].pes, e);
	if (last)
		outputs = m->network->class_count;
	if (rc == 0 && last && d->convolutions) {
		bits = TENSOR_SUMS;
		/* Not fitted: it makes photographs likely and noise unlikely. In sums a weight counts double.
		 */
		m->network->temperature = d->steps == 1 ? 32 : 64;
		rc = scales_make(m->network, 1, e);
	}
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "%s%d", convolution ? "conv" : "fc", index);
	struct layer *layer =
		matrix_add(m->network, name, convolution ? KERNEL : 0, outputs, d->weight_bits, bits, e);
	if (!layer)
		return -ENOMEM;
	for (int pe = 0; pe < d->foldings[index].pes && rc == 0; pe++)
		rc = pe_read(m, layer, index, pe, folds, e);
	if (rc == 0 && convolution && (index == 1 || index == 3))
		rc = pool_add(m->network, index, e);
	return rc;
}

static int layers_read(struct bnn_pynq_import *m, struct error *e)
{
	const struct folded_network *d = m->design;
	int rc = 0;

	m->network->name = strdup(d->convolutions ? "cnv" : "lfc");
	m->network->layers = calloc(LAYERS_MOST, sizeof(*m->network->layers));
	if (!m->network->name || !m->network->layers)
		return no_memory(e);
	m->network->layers[0].in = d->in; /* until the layer is made, which reads it from there */
	m->network->layers[0].input_bits = 1;
	if (d->convolutions)
		rc = pixels_add(m->network, d->in, e);
	else /* That project trained its perceptrons only on handwriting. */
		m->network->view =
			(struct view){.kind = VIEW_INK, .size = VIEW_SIZE_DEFAULT, .fill = VIEW_FILL_INK};
	for (int i = 0; i <= d->last && rc == 0; i++)
		rc = layer_read(m, i, e);
	if (rc == 0 && !d->convolutions)
		rc = highest_add(m->network, e);
	return rc ? rc : network_check(m->network, e);
}

static int network_read(struct bnn_pynq_import *m, struct error *e)
{
	int rc = design_find(m, e);

	return rc ? rc : layers_read(m, e);
}

int import_bnn_pynq_files(const struct network_files *files, struct network **out, struct error *e)
{
	struct bnn_pynq_import m = {.files = files, .network = calloc(1, sizeof(*m.network))};
	int rc = m.network ? network_read(&m, e) : no_memory(e);

	*out = rc ? NULL : m.network;
	if (rc)
		network_destroy(m.network);
	return rc;
}

int import_bnn_pynq(const char *folder, struct network **out, struct error *e)
{
	*out = NULL;
	int rc = folder_parse(folder, import_bnn_pynq_files, out, e);
	if (rc)
		return rc;
	const char *slash = strrchr((*out)->folder, '/');
	const char *name = slash ? slash + 1 : (*out)->folder;
	if (label_fault(name, strlen(name)) || name[0] == '.')
		return 0;
	char *copy = strdup(name);
	if (!copy) {
		network_destroy(*out);
		*out = NULL;
		return no_memory(e);
	}
	free((*out)->name);
	(*out)->name = copy;
	return 0;
}
