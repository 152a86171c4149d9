/* SPDX-License-Identifier: MIT */
/*
 * The parameters lie as the arrays of that project's overlay read them (bnn/src/network/lfcW1A1/hw/config.h,
 * bnn/src/training/finnthesizer.py in github.com/Xilinx/BNN-PYNQ): a pair of files L-PE-weights.bin and
 * L-PE-thres.bin for each PE of layer L, of little-endian 64-bit words. Row r of the matrix is at PE r mod
 * PEs, fold ⌊r / PEs⌋. A row's weights are columns / SIMD words, bit i of word j being column j · SIMD + i;
 * its threshold is a word. A row gives 1 when more of its bits equal the input's than its threshold.
 *
 * The bits that are equal are Σ w·c + (weights that are 0), with w = ±1 for a weight of 1 or 0, and c the
 * input bit. So the layer becomes one of ours with threshold t − (weights that are 0) + 1. That count takes
 * in the columns behind the 784 pixels, whose inputs are 0 always.
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
	SIDE = 28, /* pixels */
	LAST = 3,  /* the layer whose rows are the classes */
};

static const struct folding {
	int columns, rows, simd, pes;
} foldings[LAST + 1] = {{832, 1024, 64, 32}, {1024, 1024, 32, 64}, {1024, 1024, 64, 32}, {1024, 64, 8, 16}};

struct bnn_pynq_import {
	const struct network_files *files;
	struct network *network;
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

/* Folds of the layer: the last one of older parameters has one, of 16 rows, in place of four. */
static int folds_find(const struct bnn_pynq_import *m, int index, int *folds, struct error *e)
{
	int needed = foldings[index].rows / foldings[index].pes;
	uint64_t *words = NULL;
	size_t found = 0;
	int rc = words_read(m, index, 0, "thres", (size_t)needed, &words, &found, e);

	free(words);
	*folds = (int)found;
	if (rc || index == LAST || *folds == needed)
		return rc;
	error_set(
		e, -EBADMSG, "%d-0-thres.bin holds %d words, but the layer needs %d", index, *folds, needed);
	return -EBADMSG;
}

/* One row of weights; *zeros counts those that are 0, behind the layer's inputs too. */
static int row_unpack(const uint64_t *words, const struct folding *f, int inputs, int8_t *weights, int *zeros)
{
	*zeros = f->columns;
	for (int word = 0; word < f->columns / f->simd; word++) {
		int first = word * f->simd;

		if (f->simd < 64 && words[word] >> f->simd)
			return -EBADMSG;
		*zeros -= __builtin_popcountll(words[word]);
		for (int bit = 0; bit < f->simd && first + bit < inputs; bit++)
			weights[first + bit] = words[word] >> bit & 1 ? 1 : -1;
	}
	return 0;
}

/* Reads the rows that one PE computes, up to the layer's number of rows. */
static int rows_take(struct layer *layer, int index, int pe, const uint64_t *weights,
	const uint64_t *thresholds, struct error *e)
{
	const struct folding *f = &foldings[index];
	int inputs = (int)shape_size(layer->in);
	int zeros = 0;

	for (int row = pe, fold = 0; row < layer->out.channels; row += f->pes, fold++) {
		int64_t threshold = (int64_t)thresholds[fold];

		if (row_unpack(weights + (size_t)fold * (size_t)(f->columns / f->simd), f, inputs,
			    layer->weights + (size_t)row * (size_t)inputs, &zeros))
			return error_set(e, -EBADMSG,
				"%d-%d-weights.bin holds words of more than %d bits; only parameters of "
				"LFC-W1A1 can be imported",
				index, pe, f->simd);
		if (threshold < INT16_MIN || threshold > UINT16_MAX)
			return error_set(e, -EBADMSG,
				"%d-%d-thres.bin holds %lld, which is no threshold of 16 bits", index, pe,
				(long long)threshold);
		layer->thresholds[row] = (int32_t)threshold - zeros + 1;
	}
	return 0;
}

static int pe_read(
	const struct bnn_pynq_import *m, struct layer *layer, int index, int pe, int folds, struct error *e)
{
	const size_t needed[2] = {
		(size_t)folds * (size_t)(foldings[index].columns / foldings[index].simd), (size_t)folds};
	static const char *const kinds[2] = {"weights", "thres"};
	uint64_t *words[2] = {NULL, NULL};
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		size_t found = 0;
		rc = words_read(m, index, pe, kinds[i], needed[i], &words[i], &found, e);
		if (rc == 0 && found != needed[i]) {
			rc = -EBADMSG;
			error_set(e, rc, "%d-%d-%s.bin holds %zu words, but the layer needs %zu", index, pe,
				kinds[i], found, needed[i]);
		}
	}
	if (rc == 0)
		rc = rows_take(layer, index, pe, words[0], words[1], e);
	free(words[0]);
	free(words[1]);
	return rc;
}

/* A fully connected layer behind those so far. */
static struct layer *layer_add(struct network *network, const char *name, int outputs, struct error *e)
{
	struct layer *layer = &network->layers[network->layer_count];

	*layer = (struct layer){
		.name = strdup(name),
		.kind = LAYER_FULLY_CONNECTED,
		.in = network->layer_count ? layer[-1].out : (struct shape){SIDE, SIDE, 1},
		.out = {1, 1, outputs},
		.stride_height = 1,
		.stride_width = 1,
		.dilation_height = 1,
		.dilation_width = 1,
		.groups = 1,
		.input_bits = 1,
		.weight_bits = 1,
		.output_bits = 1,
		.epilogue = EPILOGUE_THRESHOLDS,
	};
	network->layer_count++;
	layer->kernel_height = layer->in.height;
	layer->kernel_width = layer->in.width;
	layer->weights = calloc((size_t)outputs, shape_size(layer->in));
	layer->thresholds = calloc((size_t)outputs, sizeof(*layer->thresholds));
	if (layer->name && layer->weights && layer->thresholds)
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

/* That project reads as many of the last layer's bits as classes.txt has lines. */
static int classes_read(struct bnn_pynq_import *m, int rows, struct error *e)
{
	static const char name[] = "classes.txt";
	size_t limit = (size_t)foldings[LAST].rows * (LABEL_LIMIT + 2) + 3;
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

/*
 * That project's result is the highest bit that is set, and the first class when none is. With
 * score[i] = 2 · bit[i] − (bits set above i), that bit alone has 2, every other class at most 1; when none is
 * set all have 0, and the first class comes first.
 */
static int scores_add(struct network *network, struct error *e)
{
	int count = network->class_count;
	struct layer *layer = layer_add(network, "highest", count, e);

	network->scale = calloc((size_t)count, sizeof(*network->scale));
	network->bias = calloc((size_t)count, sizeof(*network->bias));
	if (!layer)
		return -ENOMEM;
	if (!network->scale || !network->bias)
		return no_memory(e);
	layer->weight_bits = 4;
	layer->output_bits = 32;
	layer->epilogue = EPILOGUE_SCORES;
	free(layer->thresholds);
	layer->thresholds = NULL;
	for (int i = 0; i < count; i++) {
		network->scale[i] = 2;
		layer->weights[i * count + i] = 2;
		for (int above = i + 1; above < count; above++)
			layer->weights[i * count + above] = -1;
	}
	return 0;
}

static int layer_read(struct bnn_pynq_import *m, int index, struct error *e)
{
	const struct folding *f = &foldings[index];
	char name[16];
	int folds = 0;
	int rc = folds_find(m, index, &folds, e);

	if (rc == 0 && index == LAST)
		rc = classes_read(m, folds * f->pes, e);
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "fc%d", index);
	struct layer *layer =
		layer_add(m->network, name, index == LAST ? m->network->class_count : f->rows, e);
	if (!layer)
		return -ENOMEM;
	for (int pe = 0; pe < f->pes && rc == 0; pe++)
		rc = pe_read(m, layer, index, pe, folds, e);
	return rc;
}

static int network_read(struct bnn_pynq_import *m, struct error *e)
{
	int rc = 0;

	m->network->name = strdup("lfc");
	m->network->layers = calloc(LAST + 2, sizeof(*m->network->layers));
	if (!m->network->name || !m->network->layers)
		return no_memory(e);
	/* That project trained its perceptrons only on handwriting. */
	m->network->view =
		(struct view){.kind = VIEW_INK, .size = VIEW_SIZE_DEFAULT, .fill = VIEW_FILL_DEFAULT};
	for (int i = 0; i <= LAST && rc == 0; i++)
		rc = layer_read(m, i, e);
	if (rc || (rc = scores_add(m->network, e)))
		return rc;
	return network_check(m->network, e);
}

int import_bnn_pynq_files(const struct network_files *files, struct network **out, struct error *e)
{
	struct bnn_pynq_import m = {files, calloc(1, sizeof(*m.network))};
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
