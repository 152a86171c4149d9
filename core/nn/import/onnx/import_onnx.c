/* SPDX-License-Identifier: MIT */
#include "nn/import/onnx/import_onnx.h"

#include "base/error.h"
#include "nn/import/lower/lower.h"
#include "nn/import/onnx/calibrate.h"
#include "nn/import/onnx/integers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether anything in the graph is quantised already. */
static bool is_quantised(const struct graph *graph)
{
	for (int i = 0; i < graph->node_count; i++)
		if (graph->nodes[i]->quantisation)
			return true;
	return false;
}

/* QONNX's quantisers are read by another command. */
static int dialect_check(const struct graph *graph, struct error *e)
{
	for (int i = 0; i < graph->node_count; i++) {
		const char *op = graph->nodes[i]->type;
		if (strcmp(op, "Quant") == 0 || strcmp(op, "BipolarQuant") == 0)
			return graph_error(graph, graph->nodes[i], -EBADMSG, e,
				"is of QONNX, as Brevitas exports it: use `twobit import qonnx`");
	}
	return 0;
}

static int options_check(const struct graph *graph, const struct import_onnx_options *o, struct error *e)
{
	const int *dims = graph->input->dims;
	int channels = dims[1], counts[] = {o->mean_count, o->std_count};

	if (o->height && (graph->input->rank != 4 || dims[2] != o->height || dims[3] != o->width))
		return graph_error(graph, NULL, -EBADMSG, e,
			"--size is %dx%d, but the model has another size of its own", o->width, o->height);
	for (int i = 0; i < 2; i++)
		if (counts[i] > 1 && (graph->input->rank != 4 || counts[i] != channels))
			return graph_error(graph, NULL, -EBADMSG, e,
				"--%s has %d numbers, but the model's picture has %d channels",
				i ? "std" : "mean", counts[i], graph->input->rank == 4 ? channels : 1);
	if (o->pictures.count && graph->input->rank != 4)
		return graph_error(graph, NULL, -EBADMSG, e,
			"takes numbers, not pictures [1, channels, height, width]: pictures cannot calibrate "
			"it; quantise "
			"it with onnxruntime's quantize_static");
	return 0;
}

/* Brings the model into floats with quantisation points. */
static int model_prepare(struct graph *graph, const struct import_onnx_options *options,
	struct layer_report *report, struct error *e)
{
	int rc = dialect_check(graph, e);

	if (rc || (rc = picture_turn(graph, e)) || (rc = options_check(graph, options, e)) ||
		(rc = graph_fold(graph, view_point, e)) || (rc = qoperators_rewrite(graph, e)) ||
		(rc = pads_rewrite(graph, e)) || (rc = graph_sort(graph, e)) ||
		(rc = graph_fold(graph, qdq_point, e)))
		return rc;
	if (is_quantised(graph))
		return 0;
	if (options->pictures.count == 0)
		return graph_error(graph, NULL, -EBADMSG, e,
			"is a model of floats; give --calibrate FOLDER with some hundred pictures like those "
			"that it "
			"will see, or a quantised model");
	if ((rc = calibrate(graph, options, report, e)) || (rc = graph_sort(graph, e)))
		return rc;
	return graph_fold(graph, NULL, e);
}

static int model_lower(
	struct graph *graph, const struct import_onnx_options *options, struct network **out, struct error *e)
{
	double mean[IMPORT_CHANNELS], std[IMPORT_CHANNELS];
	int channels = options->mean_count > options->std_count ? options->mean_count : options->std_count;
	const struct lower_options lower_options = {
		.mean = channels ? mean : NULL,
		.std = channels ? std : NULL,
		.channels = channels,
		.single = true,
		.labels = options->labels,
		.advice =
			"quantise it too (onnxruntime's quantize_static does), or give the model of floats "
			"and "
			"--calibrate",
		.weights_advice =
			"quantise them too (of onnxruntime's formats QOperator leaves ConvTranspose in "
			"floats; quant_format=QuantFormat.QDQ does not), or give the model of floats and "
			"--calibrate",
	};

	for (int i = 0; i < channels; i++) {
		mean[i] = options->mean_count ? options->mean[options->mean_count == 1 ? 0 : i] : 0;
		std[i] = options->std_count ? options->std[options->std_count == 1 ? 0 : i] : 1;
	}
	int rc = lower(graph, &lower_options, out, e);
	if (rc == 0)
		(*out)->view = options->view;
	return rc;
}

int import_onnx(const char *path, const struct import_onnx_options *options, struct network **out,
	struct layer_report *report, struct error *e)
{
	struct layer_report unwanted = {0};
	struct graph *graph;
	int rc = graph_load_sized(path, options->height, options->width, &graph, e);

	*out = NULL;
	if (report)
		*report = unwanted;
	if (rc)
		return rc;
	rc = model_prepare(graph, options, report, e);
	rc = rc ? rc : model_lower(graph, options, out, e);
	graph_destroy(graph);
	if (rc && report)
		layer_report_finish(report);
	return rc;
}

void layer_report_finish(struct layer_report *report)
{
	for (int i = 0; i < report->count; i++) {
		free(report->layers[i].name);
		free(report->layers[i].type);
	}
	free(report->layers);
	*report = (struct layer_report){0};
}
