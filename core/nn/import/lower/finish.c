/* SPDX-License-Identifier: MIT */
/*
 * The end: scores of the output's signal; then layers that belong together become one, and those that nobody
 * reads go.
 */
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "nn/format/labels.h"
#include "nn/import/lower/parts.h"
#include "nn/limits.h"
#include "nn/requantise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LABELS_LIMIT ((size_t)CHANNEL_LIMIT * (LABEL_LIMIT + 2) + 3) /* bytes of labels.txt */

static int out_of_memory(const struct lowering *l, struct error *e)
{
	return graph_error(l->graph, NULL, -ENOMEM, e, "out of memory");
}

/* The scale and summand of each class; the score is one number of the layer `source`. */
static int classes_make(struct lowering *l, const struct signal *signal, struct error *e)
{
	const struct term *term = &signal->terms[0];
	struct network *network = l->network;
	size_t classes = (size_t)signal->shape.channels;

	network->scale = calloc(classes, sizeof(*network->scale));
	network->bias = calloc(classes, sizeof(*network->bias));
	if (!network->scale || !network->bias)
		return out_of_memory(l, e);
	network->class_count = (int)classes;
	for (size_t c = 0; c < classes; c++) {
		network->scale[c] = (float)term->scale[c];
		network->bias[c] = (float)(term->scale[c] * term->offset[c] + signal->summand[c]);
	}
	return 0;
}

static int scores_build(struct lowering *l, const struct signal *signal, int *index, struct error *e)
{
	int source = signal->terms[0].source;
	int rc = add_build(l, &source, 1, index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer;
	layer->epilogue = EPILOGUE_SCORES;
	for (int c = 0; c < layer->out.channels; c++)
		layer->factors[c] = 1;
	return reach_make(l, *index, e);
}

/* The last layer: scores; or codes, where they are those of a picture. */
static int output_build(struct lowering *l, const struct signal *output, int *index, struct error *e)
{
	struct signal signal = *output;
	int rc = 0;

	while (signal.step_count && signal.steps[signal.step_count - 1].ends_scores)
		signal.step_count--;
	if (signal.step_count)
		return node_error(l, -EBADMSG, e,
			"a function without a Quant stands behind the last layer; leave it out, or put a "
			"quantiser behind it");
	*index = signal.terms[0].source;
	if (signal.shape.height * signal.shape.width != 1) {
		if (signal_is_codes(l, &signal) && *index != NETWORK_INPUT)
			return 0;
		return node_error(l, -EBADMSG, e,
			"the network ends in [%d, %d, %d] numbers, not in a score for each class",
			signal.shape.channels, signal.shape.height, signal.shape.width);
	}
	if ((rc = signal_combine(l, &signal, e)) || (rc = scores_build(l, &signal, index, e)))
		return rc;
	return classes_make(l, &signal, e);
}

/* How many layers read each, and which layer stands in its place. */
struct plan {
	int *readers, *place;
};

static void readers_count(const struct lowering *l, int output, struct plan *plan)
{
	plan->readers[output] = 1;
	for (int i = l->built_count - 1; i >= 0; i--)
		for (int k = 0; plan->readers[i] && k < l->built[i].layer.from_count; k++)
			if (l->built[i].layer.from[k] != NETWORK_INPUT)
				plan->readers[l->built[i].layer.from[k]]++;
}

static bool all_ones(const struct layer *add)
{
	for (int c = 0; c < add->out.channels; c++)
		if (add->factors[c] != 1)
			return false;
	return true;
}

static bool unscaled(const struct layer *add)
{
	for (int c = 0; c < add->out.channels; c++)
		if (add->bias[c] || add->shift[c])
			return false;
	return true;
}

/* Whether the layer that makes the sums can have the end of the add of one input that reads them. */
static bool merges(const struct layer *sums, const struct layer *add)
{
	if (add->kind != LAYER_ADD || add->from_count != 1 || sums->epilogue != EPILOGUE_SUMS ||
		!all_ones(add))
		return false;
	if (add->epilogue == EPILOGUE_SUMS)
		return false;
	if (sums->kind != LAYER_ADD)
		return add->epilogue == EPILOGUE_REQUANTISE || unscaled(add);
	if (add->epilogue == EPILOGUE_REQUANTISE)
		return unscaled(sums);
	return unscaled(add) && (add->epilogue != EPILOGUE_SCORES || sums->from_count == 1);
}

static int merge(struct lowering *l, struct layer *sums, struct layer *add, struct error *e)
{
	size_t channels = (size_t)sums->out.channels;

	sums->epilogue = add->epilogue;
	sums->output_bits = add->output_bits;
	sums->thresholds = add->thresholds;
	sums->invert = add->invert;
	add->thresholds = NULL;
	add->invert = NULL;
	if (add->epilogue != EPILOGUE_REQUANTISE)
		return 0;
	free(sums->bias);
	free(sums->shift);
	sums->bias = add->bias;
	sums->shift = add->shift;
	add->bias = NULL;
	add->shift = NULL;
	if (sums->kind == LAYER_ADD)
		return 0;
	sums->multiplier = calloc(channels, sizeof(*sums->multiplier));
	if (!sums->multiplier)
		return out_of_memory(l, e);
	for (size_t c = 0; c < channels; c++)
		sums->multiplier[c] = 1;
	return 0;
}

/* Adds of one input go into the layers before them. */
static int layers_merge(struct lowering *l, struct plan *plan, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < l->built_count && rc == 0; i++) {
		struct layer *layer = &l->built[i].layer;

		plan->place[i] = i;
		for (int k = 0; k < layer->from_count; k++)
			if (layer->from[k] != NETWORK_INPUT)
				layer->from[k] = plan->place[layer->from[k]];
		int source = layer->from[0];
		if (plan->readers[i] == 0 || source == NETWORK_INPUT || plan->readers[source] != 1 ||
			!merges(&l->built[source].layer, layer))
			continue;
		rc = merge(l, &l->built[source].layer, layer, e);
		plan->place[i] = source;
		plan->readers[source] = plan->readers[i];
		plan->readers[i] = 0;
	}
	return rc;
}

static void requantise_drop(struct layer *layer)
{
	free(layer->multiplier);
	layer->multiplier = NULL;
	if (layer->kind == LAYER_ADD) {
		memset(layer->bias, 0, (size_t)layer->out.channels * sizeof(*layer->bias));
		memset(layer->shift, 0, (size_t)layer->out.channels);
		return;
	}
	free(layer->shift);
	free(layer->bias);
	layer->shift = NULL;
	layer->bias = NULL;
}

static void requantise_take(struct layer *layer)
{
	layer->epilogue = EPILOGUE_REQUANTISE;
	free(layer->thresholds);
	free(layer->invert);
	layer->thresholds = NULL;
	layer->invert = NULL;
	if (layer->kind != LAYER_ADD)
		return;
	memcpy(layer->factors, layer->multiplier, (size_t)layer->out.channels * sizeof(*layer->factors));
	free(layer->multiplier);
	layer->multiplier = NULL;
}

static int requantise_make(struct lowering *l, struct layer *layer, struct error *e)
{
	size_t channels = (size_t)layer->out.channels;

	layer->multiplier = calloc(channels, sizeof(*layer->multiplier));
	if (layer->kind != LAYER_ADD) {
		layer->shift = calloc(channels, sizeof(*layer->shift));
		layer->bias = calloc(channels, sizeof(*layer->bias));
	}
	return layer->multiplier && layer->shift && layer->bias ? 0 : out_of_memory(l, e);
}

/* Takes a requantisation in place of thresholds of 8 bits when it gives the same codes. */
static int requantise_try(struct lowering *l, int index, struct error *e)
{
	struct layer *layer = &l->built[index].layer;
	bool add = layer->kind == LAYER_ADD;
	int c = 0;

	if (layer->epilogue != EPILOGUE_THRESHOLDS || layer->output_bits != 8 ||
		(add && (layer->from_count != 1 || layer->input_bits != TENSOR_SUMS)))
		return 0;
	int rc = requantise_make(l, layer, e);
	if (rc)
		return rc;
	for (; c < layer->out.channels; c++) {
		int64_t low = add ? reach_low(l, layer->from[0], c) : l->built[index].low[c];
		int64_t high = add ? reach_high(l, layer->from[0], c) : l->built[index].high[c];

		if (!requantise_fit(layer, c, (int32_t)low, (int32_t)high))
			break;
	}
	if (c == layer->out.channels) {
		requantise_take(layer);
		return 0;
	}
	log_debug("%s: layer %s keeps thresholds: no requantisation of channel %d is exact", l->graph->path,
		layer->name, c);
	requantise_drop(layer);
	return 0;
}

/* Sums that scores are made of: their bounds let the check of the network see that they fit. */
static void scores_bound(struct lowering *l, int output)
{
	struct layer *last = &l->built[output].layer;

	if (last->kind != LAYER_ADD || last->epilogue != EPILOGUE_SCORES || last->from[0] == NETWORK_INPUT)
		return;
	struct built *sums = &l->built[last->from[0]];
	if (sums->layer.kind != LAYER_ADD || sums->layer.epilogue != EPILOGUE_SUMS)
		return;
	int64_t low = 0, high = 0;
	for (int c = 0; c < last->out.channels; c++) {
		low = sums->low[c] < low ? sums->low[c] : low;
		high = sums->high[c] > high ? sums->high[c] : high;
	}
	sums->layer.clamp_low = (int)low;
	sums->layer.clamp_high = (int)high;
}

/* The layers that are read, in their order. */
static int layers_take(struct lowering *l, struct plan *plan, struct error *e)
{
	struct network *network = l->network;
	int numbers[LAYER_KINDS] = {0}, rc = 0;

	network->layers = calloc((size_t)l->built_count + 1, sizeof(*network->layers));
	if (!network->layers)
		return out_of_memory(l, e);
	for (int i = 0; i < l->built_count && rc == 0; i++) {
		struct layer *layer = &l->built[i].layer;

		if (!plan->readers[i])
			continue;
		if (network->layer_count == LAYER_LIMIT)
			return graph_error(
				l->graph, NULL, -EOVERFLOW, e, "has more than %d layers", LAYER_LIMIT);
		if (asprintf(&layer->name, "%s%d", layer_kinds[layer->kind].stem, numbers[layer->kind]++) <
			0) {
			layer->name = NULL;
			return out_of_memory(l, e);
		}
		if ((rc = requantise_try(l, i, e)))
			return rc;
		for (int k = 0; k < layer->from_count; k++)
			if (layer->from[k] != NETWORK_INPUT)
				layer->from[k] = plan->place[layer->from[k]];
		if (layer->from_count == 1 && layer->from[0] == network->layer_count - 1)
			layer->from_count = 0;
		plan->place[i] = network->layer_count;
		network->layers[network->layer_count++] = *layer;
		*layer = (struct layer){.kind = layer->kind};
	}
	return rc;
}

static int plan_apply(struct lowering *l, int output, struct error *e)
{
	size_t count = (size_t)l->built_count + 1;
	struct plan plan = {calloc(count, sizeof(int)), calloc(count, sizeof(int))};
	int rc;

	if (!plan.readers || !plan.place) {
		free(plan.readers);
		free(plan.place);
		return out_of_memory(l, e);
	}
	readers_count(l, output, &plan);
	rc = layers_merge(l, &plan, e);
	if (rc == 0) {
		scores_bound(l, plan.place[output]);
		rc = layers_take(l, &plan, e);
	}
	free(plan.readers);
	free(plan.place);
	return rc;
}

static int labels_make(struct lowering *l, struct error *e)
{
	struct network *network = l->network;
	char *path = NULL;
	struct error cause;
	uint8_t *text = NULL;
	size_t size;
	int rc;

	if (network->class_count == 0)
		return 0;
	if (asprintf(&path, "%s%s", l->options->labels ? "" : l->graph->model->folder,
		    l->options->labels ? l->options->labels : "labels.txt") < 0)
		return out_of_memory(l, e);
	if (l->options->labels || access(path, F_OK) == 0) {
		rc = file_read(AT_FDCWD, path, LABELS_LIMIT, &text, &size, &cause);
		rc = rc ? error_set(e, rc, "%s: %s", path, cause.text)
			: labels_parse(network, path, (const char *)text, size, e);
		free(text);
	} else {
		rc = labels_number(network, e);
	}
	free(path);
	return rc;
}

/* The file's name without its suffix. */
static int network_make(struct lowering *l, struct error *e)
{
	const char *name = path_last(l->graph->path);
	size_t length = strlen(name);

	if (length > 5 && strcasecmp(name + length - 5, ".onnx") == 0)
		length -= 5;
	l->network = calloc(1, sizeof(*l->network));
	if (l->network)
		l->network->name = strndup(name, length);
	return l->network && l->network->name ? 0 : out_of_memory(l, e);
}

int lowering_finish(struct lowering *l, const struct signal *output, struct error *e)
{
	struct error fault = {0};
	int index, rc;

	if (!output->known || output->term_count == 0)
		return graph_error(l->graph, NULL, -EBADMSG, e, "its output does not depend on its input");
	if ((rc = network_make(l, e)) || (rc = output_build(l, output, &index, e)) ||
		(rc = plan_apply(l, index, e)))
		return rc;
	bool weights = false;
	for (int i = 0; i < l->network->layer_count; i++)
		weights = weights || layer_has_weights(&l->network->layers[i]);
	if (!weights)
		return graph_error(l->graph, NULL, -EBADMSG, e, "holds no layer with weights");
	if ((rc = labels_make(l, e)))
		return rc;
	rc = network_check(l->network, &fault);
	return rc ? graph_error(l->graph, NULL, rc, e, "%.300s", fault.text) : 0;
}
