/* SPDX-License-Identifier: MIT */
/*
 * Conv0 in integers. That project subtracts a mean picture from the pixels, blue, green, red, divides by 255,
 * sums in float32, and counts the thresholds T that the sum is above. Here a channel's weights become whole
 * numbers q of 8 bits, w ≈ s · q, pixels stay as they are, and the mean is one for each colour:
 *
 *	Σ w (v − mean) / 255 > T   ⇔   Σ q v > 255 T / s + Σ q mean
 */
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "nn/import/pickle.h"
#include "nn/import/qnn_mo_list.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEAN_FILE "ilsvrc_pp_mean.npy"

enum { COLOURS = 3, LEVELS = 3, FILE_LIMIT = 16 << 20, LARGEST_WEIGHT = 127 };

/* What the files hold. */
struct conv0 {
	double mean[COLOURS];
	double *weights; /* in the order of ours: [out][row][column][red, green, blue] */
	double thresholds[LEVELS];
};

static char *path_of(const struct qnn_mo_import *m, const char *file)
{
	char *path = NULL;

	if (file)
		return asprintf(&path, "%s/%s", m->network->folder, file) < 0 ? NULL : path;
	return asprintf(&path, "%s/%s-%s.npy", m->network->folder, m->network->name, m->layer) < 0 ? NULL
												   : path;
}

bool qnn_mo_has_conv0(const struct qnn_mo_import *m)
{
	char *path = path_of(m, NULL);
	bool there = path && access(path, F_OK) == 0;

	free(path);
	return there;
}

static int no_memory(const struct qnn_mo_import *m, struct error *e)
{
	return error_set(e, -ENOMEM, "%s: layer \"%s\": out of memory", m->path, m->layer);
}

/* A number of an array of float32 or float64. */
static double real_at(const struct npy *npy, const uint8_t *values, size_t index)
{
	double wide;
	float narrow;

	if (npy_width(npy) == sizeof(wide)) {
		npy_copy(&wide, values + index * sizeof(wide), 1, sizeof(wide));
		return wide;
	}
	npy_copy(&narrow, values + index * sizeof(narrow), 1, sizeof(narrow));
	return narrow;
}

/* 0 when it is an array of floats of this shape, of at most 4 dimensions. */
static int floats_check(const struct npy *npy, const struct npy *expected, struct error *e)
{
	struct npy same = *expected;

	snprintf(same.type, sizeof(same.type), "%s", strcmp(npy->type, "f8") == 0 ? "f8" : "f4");
	return npy_compare(npy, &same, e);
}

/* The mean of each colour over the middle of the mean picture, as large as the network's input. */
static int mean_take(
	const struct layer *layer, const uint8_t *file, size_t size, double mean[COLOURS], struct error *e)
{
	struct npy npy = {0};
	const uint8_t *values = NULL;
	int rc = npy_parse(file, size, &npy, &values, e);

	if (rc)
		return rc;
	size_t height = npy.shape[0], width = npy.shape[1];
	size_t rows = (size_t)layer->in.height, columns = (size_t)layer->in.width;
	if (npy.dimensions != 3 || npy.shape[2] != COLOURS || npy.type[0] != 'f' || height < rows ||
		width < columns)
		return error_set(e, -EBADMSG,
			"is no picture of floats, [height, width, 3], of at least %zu by %zu pixels", rows,
			columns);
	for (int c = 0; c < COLOURS; c++) {
		mean[c] = 0;
		for (size_t y = (height - rows) / 2, n = 0; n < rows; y++, n++)
			for (size_t x = (width - columns) / 2, k = 0; k < columns; x++, k++)
				mean[c] += real_at(
					&npy, values, (y * width + x) * COLOURS + (size_t)(COLOURS - 1 - c));
		mean[c] /= (double)(rows * columns);
		if (!(fabs(mean[c]) <= 255))
			return error_set(e, -EBADMSG, "has a mean of %g, which is no pixel's", mean[c]);
	}
	return 0;
}

static int mean_read(
	const struct qnn_mo_import *m, const struct layer *layer, double mean[COLOURS], struct error *e)
{
	struct error fault = {0};
	uint8_t *file = NULL;
	size_t size = 0;
	char *path = path_of(m, MEAN_FILE);
	int rc;

	if (!path)
		return no_memory(m, e);
	if (access(path, F_OK) != 0) {
		rc = error_set(e, -ENOENT,
			"%s: is not there, but layer \"%s\" needs the mean picture; copy it from "
			"QNN-MO-PYNQ's params",
			path, m->layer);
	} else if ((rc = file_read(AT_FDCWD, path, FILE_LIMIT, &file, &size, &fault)) ||
		   (rc = mean_take(layer, file, size, mean, &fault))) {
		error_set(e, rc, "%s: %.400s", path, fault.text);
	}
	free(file);
	free(path);
	return rc;
}

static bool thresholds_take(struct conv0 *conv0, const struct npy *npy, const uint8_t *values)
{
	for (int i = 0; i < LEVELS; i++) {
		double threshold = real_at(npy, values, (size_t)i);
		int at = i;

		if (!(fabs(threshold) <= 1e6))
			return false;
		for (; at > 0 && conv0->thresholds[at - 1] > threshold; at--)
			conv0->thresholds[at] = conv0->thresholds[at - 1];
		conv0->thresholds[at] = threshold;
	}
	return true;
}

/* [out][colour][row][column], blue first, to our order. */
static bool weights_take(
	struct conv0 *conv0, const struct layer *layer, const struct npy *npy, const uint8_t *values)
{
	size_t rows = (size_t)layer->kernel_height, columns = (size_t)layer->kernel_width;
	double *to = conv0->weights;

	for (size_t o = 0; o < (size_t)layer->out.channels; o++)
		for (size_t place = 0; place < rows * columns; place++)
			for (size_t c = 0; c < COLOURS; c++, to++) {
				*to = real_at(npy, values,
					(o * COLOURS + (COLOURS - 1 - c)) * rows * columns + place);
				if (!(fabs(*to) <= 1e6))
					return false;
			}
	return true;
}

static int arrays_take(const struct qnn_mo_import *m, const struct layer *layer, struct conv0 *conv0,
	const struct pickle *pickle, struct error *e)
{
	struct npy npy = {0}, weights = {.dimensions = 4}, thresholds = {.dimensions = 1, .shape = {LEVELS}};
	const uint8_t *values = NULL;
	char name[80];
	int rc;

	weights.shape[0] = (uint64_t)layer->out.channels;
	weights.shape[1] = COLOURS;
	weights.shape[2] = (uint64_t)layer->kernel_height;
	weights.shape[3] = (uint64_t)layer->kernel_width;
	snprintf(name, sizeof(name), "%s/T", m->layer);
	if ((rc = pickle_find(pickle, name, &npy, &values, e)) || (rc = floats_check(&npy, &thresholds, e)))
		return rc;
	if (!thresholds_take(conv0, &npy, values))
		return error_set(e, -EBADMSG, "holds a number beyond 1e6 in \"%s\"", name);
	snprintf(name, sizeof(name), "%s/W", m->layer);
	if ((rc = pickle_find(pickle, name, &npy, &values, e)) || (rc = floats_check(&npy, &weights, e)))
		return rc;
	if (!weights_take(conv0, layer, &npy, values))
		return error_set(e, -EBADMSG, "holds a number beyond 1e6 in \"%s\"", name);
	return 0;
}

static int arrays_read(
	const struct qnn_mo_import *m, const struct layer *layer, struct conv0 *conv0, struct error *e)
{
	struct error fault = {0};
	struct pickle *pickle = NULL;
	uint8_t *file = NULL;
	size_t size = 0;
	char *path = path_of(m, NULL);
	int rc = 0;

	if (!path)
		return no_memory(m, e);
	if ((rc = file_read(AT_FDCWD, path, FILE_LIMIT, &file, &size, &fault)) ||
		(rc = pickle_open(file, size, &pickle, &fault)) ||
		(rc = arrays_take(m, layer, conv0, pickle, &fault)))
		error_set(e, rc, "%s: %.400s", path, fault.text);
	pickle_close(pickle);
	free(file);
	free(path);
	return rc;
}

/*
 * One colour of one channel: each weight rounded, then so many of those that were rounded furthest moved on
 * by 1 that the sum is right to a half. Neighbouring pixels are alike, so an error of the sum counts most.
 */
static void colour_round(const double *weights, double scale, int places, int8_t *out)
{
	double missing = 0;

	for (int i = 0; i < places; i++) {
		double exact = weights[i * COLOURS] / scale;

		out[i * COLOURS] = (int8_t)lround(exact);
		missing += exact - out[i * COLOURS];
	}
	int step = missing < 0 ? -1 : 1;
	for (long n = labs(lround(missing)); n > 0; n--) {
		double most = 0;
		int chosen = -1;

		for (int i = 0; i < places; i++) {
			double rest = step * (weights[i * COLOURS] / scale - out[i * COLOURS]);
			if (rest > most && abs(out[i * COLOURS] + step) <= LARGEST_WEIGHT) {
				most = rest;
				chosen = i;
			}
		}
		if (chosen < 0)
			break;
		out[chosen * COLOURS] = (int8_t)(out[chosen * COLOURS] + step);
	}
}

/* The least whole number above x, as far as an int32_t reaches. */
static int32_t above(double x)
{
	double next = floor(x) + 1;

	return next >= INT32_MAX ? INT32_MAX : next <= INT32_MIN ? INT32_MIN : (int32_t)next;
}

static void channel_make(struct layer *layer, const struct conv0 *conv0, int channel)
{
	int places = layer->kernel_height * layer->kernel_width;
	const double *weights = conv0->weights + (ptrdiff_t)channel * places * COLOURS;
	int8_t *out = layer->weights + (ptrdiff_t)channel * places * COLOURS;
	double largest = 0, mean = 0;

	for (int i = 0; i < places * COLOURS; i++)
		largest = fmax(largest, fabs(weights[i]));
	double scale = largest > 1e-12 ? largest / LARGEST_WEIGHT : 1; /* else all are 0 */
	for (int c = 0; c < COLOURS; c++) {
		colour_round(weights + c, scale, places, out + c);
		for (int i = 0; i < places; i++)
			mean += out[i * COLOURS + c] * conv0->mean[c];
	}
	for (int k = 0; k < LEVELS; k++)
		layer->thresholds[channel * LEVELS + k] = above(255 * conv0->thresholds[k] / scale + mean);
}

/*
 * A picture as pictures are: at each scale about as much contrast, colours alike. Pixels are ahead of each
 * other by a fixed sequence of numbers, so that each import tells the same.
 */
static double lattice(uint32_t seed, int y, int x)
{
	uint32_t hash = seed * 0x9e3779b9U ^ (uint32_t)y * 0x85ebca6bU ^ (uint32_t)x * 0xc2b2ae35U;

	hash = (hash ^ hash >> 16) * 0x7feb352dU;
	hash = (hash ^ hash >> 15) * 0x846ca68bU;
	return (double)(hash ^ hash >> 16) / UINT32_MAX * 2 - 1;
}

static double smooth(uint32_t seed, int y, int x, int side)
{
	double v = (double)(y % side) / side, u = (double)(x % side) / side;
	int row = y / side, column = x / side;
	double top = lattice(seed, row, column) * (1 - u) + lattice(seed, row, column + 1) * u;
	double bottom = lattice(seed, row + 1, column) * (1 - u) + lattice(seed, row + 1, column + 1) * u;

	return top * (1 - v) + bottom * v;
}

static void picture_make(const struct layer *layer, uint8_t *pixels)
{
	for (int y = 0; y < layer->in.height; y++)
		for (int x = 0; x < layer->in.width; x++) {
			double colours[COLOURS] = {115, 115, 115};

			for (int side = 64, n = 0; side > 0; side /= 2, n++)
				for (int c = 0; c < COLOURS; c++)
					colours[c] +=
						45 * pow(0.75, n) * smooth((uint32_t)n, y, x, side) +
						15 * pow(0.75, n) *
							smooth((uint32_t)(100 + 10 * c + n), y, x, side);
			for (int c = 0; c < COLOURS; c++)
				*pixels++ = (uint8_t)fmin(fmax(colours[c], 0), 255);
		}
}

/* Whether the float weights give one channel of one pixel another code than ours. */
static bool differs(const struct layer *layer, const struct conv0 *conv0, const uint8_t *pixels, int y, int x,
	int channel)
{
	int places = layer->kernel_height * layer->kernel_width, codes[2] = {0, 0};
	const double *weights = conv0->weights + (ptrdiff_t)channel * places * COLOURS;
	const int8_t *ours = layer->weights + (ptrdiff_t)channel * places * COLOURS;
	const int32_t *thresholds = layer->thresholds + (ptrdiff_t)channel * LEVELS;
	int32_t whole = 0;
	double sum = 0;

	for (int ky = 0; ky < layer->kernel_height; ky++) {
		const uint8_t *row = pixels + ((ptrdiff_t)(y * layer->stride_height + ky) * layer->in.width +
						      (ptrdiff_t)x * layer->stride_width) *
						      COLOURS;

		for (int i = 0; i < layer->kernel_width * COLOURS; i++, weights++, ours++) {
			sum += *weights * (row[i] - conv0->mean[i % COLOURS]);
			whole += *ours * row[i];
		}
	}
	for (int k = 0; k < LEVELS; k++) {
		codes[0] += sum / 255 > conv0->thresholds[k];
		codes[1] += whole >= thresholds[k];
	}
	return codes[0] != codes[1];
}

/* On every second pixel in both directions, which is plenty. */
static void difference_tell(
	const struct qnn_mo_import *m, const struct layer *layer, const struct conv0 *conv0)
{
	uint8_t *pixels = calloc(shape_size(layer->in), 1);
	int rows = (layer->in.height - layer->kernel_height) / layer->stride_height + 1;
	int columns = (layer->in.width - layer->kernel_width) / layer->stride_width + 1;
	long different = 0, count = 0;

	if (!pixels)
		return;
	picture_make(layer, pixels);
	for (int y = 0; y < rows; y += 2)
		for (int x = 0; x < columns; x += 2)
			for (int c = 0; c < layer->out.channels; c++, count++)
				different += differs(layer, conv0, pixels, y, x, c);
	free(pixels);
	log_info(
		"%s: layer \"%s\": with weights of 8 bits, %.2f %% of the codes of a generated picture are "
		"others than with the float ones",
		m->path, m->layer, count ? 100.0 * (double)different / (double)count : 0);
}

static int numbers_make(
	const struct qnn_mo_import *m, struct layer *layer, struct conv0 *conv0, struct error *e)
{
	int rc = mean_read(m, layer, conv0->mean, e);

	if (rc || (rc = arrays_read(m, layer, conv0, e)))
		return rc;
	for (int c = 0; c < layer->out.channels; c++)
		channel_make(layer, conv0, c);
	difference_tell(m, layer, conv0);
	return 0;
}

int qnn_mo_read_conv0(const struct qnn_mo_import *m, struct layer *layer, struct error *e)
{
	size_t channels = (size_t)layer->out.channels;
	size_t taps = (size_t)layer->kernel_height * (size_t)layer->kernel_width * COLOURS;
	struct conv0 conv0 = {0};

	if (layer->in.channels != COLOURS || layer->pad_top)
		return layer_error(m, e, "input must have 3 channels, and padding must be 0, for pixels");
	layer->weights = malloc(channels * taps);
	layer->thresholds = calloc(channels * LEVELS, sizeof(*layer->thresholds));
	conv0.weights = calloc(channels * taps, sizeof(*conv0.weights));
	int rc = layer->weights && layer->thresholds && conv0.weights ? numbers_make(m, layer, &conv0, e)
								      : no_memory(m, e);
	free(conv0.weights);
	return rc;
}
