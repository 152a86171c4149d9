/* SPDX-License-Identifier: MIT */
/* `twobit import`: makes a network folder from another project's files. */
#include "base/error.h"
#include "base/log.h"
#include "base/output_folder.h"
#include "base/printable.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "import/onnx_options.h"
#include "import/pictures.h"
#include "nn/format/save.h"
#include "nn/import/bnn_pynq.h"
#include "nn/import/lower/lower.h"
#include "nn/import/npy_folder.h"
#include "nn/import/onnx/import_onnx.h"
#include "nn/import/qnn_mo.h"
#include "nn/import/qonnx/qonnx.h"
#include "nn/network_names.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { FEW_PICTURES = 20 /* to calibrate with: fewer seldom show the range of all layers */ };

struct import_values {
	struct onnx_values onnx;
};

static const struct option options[] = {
	OPTION_ROWS_ONNX(struct import_values),
	{0},
};

/* What one call imports. */
struct import_task {
	const struct invocation *invocation;
	const struct import_values *values;
	const char *from;
	struct network *network;
	struct layer_report report;
};

/* Each importer sets the network, or returns an exit code, with the message printed. */
#define IMPORTER(name, import)                                                                               \
	static int name(struct import_task *task)                                                            \
	{                                                                                                    \
		struct error e;                                                                              \
                                                                                                             \
		return import(task->from, &task->network, &e) ? fail(FAILURE_SOURCE, &e) : EX_OK;            \
	}

IMPORTER(from_npy, import_npy)
IMPORTER(from_qnn_mo, import_qnn_mo)
IMPORTER(from_bnn_pynq, import_bnn_pynq)

static void log_calibration(const char *folder, int count)
{
	if (count < FEW_PICTURES)
		log_warning(
			"%s: only %d picture%s to calibrate with; some hundred, like those that the network "
			"will see, make it more accurate",
			folder, count, count == 1 ? "" : "s");
	else
		log_info("calibrating with %d pictures of %s; this can take minutes", count, folder);
}

static int from_onnx(struct import_task *task)
{
	const char *folder = task->values->onnx.calibrate.text;
	struct import_onnx_options onnx;
	struct calibration calibration = {0};
	struct error e;
	int code = onnx_options_take(task->invocation, &task->values->onnx, &onnx);

	if (code != OPTIONS_GO_ON)
		return code;
	if (folder && calibration_open(folder, &onnx.view, &calibration, &e))
		return fail(FAILURE_SOURCE, &e);
	if (folder)
		log_calibration(folder, calibration.count);
	onnx.pictures = (struct calibration_pictures){calibration.count, calibration_read, &calibration};
	code = import_onnx(task->from, &onnx, &task->network, &task->report, &e) ? fail(FAILURE_SOURCE, &e)
										 : EX_OK;
	calibration_close(&calibration);
	return code;
}

/* One number for all channels stands beside one for each. */
static int from_qonnx(struct import_task *task)
{
	struct import_onnx_options given;
	struct lower_options model = {0};
	struct error e;
	int code = onnx_options_take(task->invocation, &task->values->onnx, &given);

	if (code != OPTIONS_GO_ON)
		return code;
	model.channels = given.mean_count > given.std_count ? given.mean_count : given.std_count;
	if (given.mean_count > 1 && given.std_count > 1 && given.mean_count != given.std_count)
		return usage_error(task->invocation, "--mean and --std are not for the same channels");
	for (int i = 0; i < model.channels && i < IMPORT_CHANNELS; i++) {
		if (given.mean_count <= 1)
			given.mean[i] = given.mean_count ? given.mean[0] : 0;
		if (given.std_count <= 1)
			given.std[i] = given.std_count ? given.std[0] : 1;
	}
	model.mean = model.channels ? given.mean : NULL;
	model.std = given.std;
	model.labels = given.labels;
	return import_qonnx_as(task->from, &model, &task->network, &e) ? fail(FAILURE_SOURCE, &e) : EX_OK;
}

static const struct {
	const char *name;
	int (*import)(struct import_task *task);
	bool unnamed; /* its files do not say what the network is called */
} formats[] = {{"onnx", from_onnx, true}, {"qonnx", from_qonnx, true}, {"npy", from_npy},
	{"qnn-mo", from_qnn_mo}, {"bnn-pynq", from_bnn_pynq}};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static void print_layers(const struct network *network)
{
	for (int i = 0; i < network->layer_count; i++) {
		const struct layer *l = &network->layers[i];
		char in[48], out[48], bits[48] = "";
		snprintf(in, sizeof(in), "%d x %d x %d", l->in.height, l->in.width, l->in.channels);
		snprintf(out, sizeof(out), "%d x %d x %d", l->out.height, l->out.width, l->out.channels);
		if (layer_has_weights(l))
			snprintf(bits, sizeof(bits), "%d-bit weights, ", l->weight_bits);
		printf("%-12s %-16s %16s -> %-16s %s%d-bit %s in, %d-bit %s out\n", l->name,
			layer_kind_name(l), in, out, bits, l->input_bits,
			l->input_bits == TENSOR_SUMS ? "sums" : "codes", l->output_bits,
			l->epilogue == EPILOGUE_SCORES ? "scores"
			: l->epilogue == EPILOGUE_SUMS ? "sums"
						       : "codes");
	}
}

/* What would stop the import only at its end, which can be minutes away; network_save checks again. */
static int check_files(const char *to, const char *labels)
{
	struct error e;

	if (output_folder_check(to, false, &e))
		return fail(FAILURE_CREATE, &e);
	if (!labels || access(labels, R_OK) == 0)
		return EX_OK;
	error_set(&e, -errno, "%s: %s", labels, strerror(errno));
	return fail(FAILURE_SOURCE, &e);
}

/* Called as its folder, which says more than "model.onnx", if a network can be called so. */
static int name_after(struct network *network, const char *folder, struct error *e)
{
	char *copy = strdup(folder), *base = copy ? basename(copy) : NULL;
	bool usable = base && !label_fault(base, strlen(base));
	char *name = usable ? strdup(base) : NULL;

	free(copy);
	if (!copy || (usable && !name))
		return error_set(e, -ENOMEM, "not enough memory for the network's name");
	if (name) {
		free(network->name);
		network->name = name;
	}
	return 0;
}

static int import_to(struct import_task *task, size_t format, const char *to)
{
	struct error e;
	int code = check_files(to, task->values->onnx.labels.text);

	log_debug("reading %s as %s", task->from, formats[format].name);
	code = code ? code : formats[format].import(task);
	if (code)
		return code;
	int rc = formats[format].unnamed ? name_after(task->network, to, &e) : 0;
	rc = rc ? rc : network_save(task->network, to, &e);
	if (rc) {
		code = fail(FAILURE_CREATE, &e);
	} else {
		print_layers(task->network);
		if (task->values->onnx.layer_report)
			layer_report_print(&task->report);
		printf("%d layers written to %s\n", task->network->layer_count, PRINTABLE(to));
	}
	network_destroy(task->network);
	layer_report_finish(&task->report);
	return code;
}

static int import_as(struct import_task *task, size_t format, const char *to)
{
	const char *option = onnx_option_given(&task->values->onnx);

	if (formats[format].import != from_onnx && option)
		return usage_error(task->invocation, "%s is for the format onnx", option);
	option = model_option_given(&task->values->onnx);
	if (formats[format].import != from_onnx && formats[format].import != from_qonnx && option)
		return usage_error(task->invocation, "%s is for the formats onnx and qonnx", option);
	return output_finish(import_to(task, format, to));
}

/* "onnx, qonnx, npy, qnn-mo or bnn-pynq" */
static void list_formats(char *out, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < FORMATS && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%s%s",
			i == 0		  ? ""
			: i + 1 < FORMATS ? ", "
					  : " or ",
			formats[i].name);
}

static int run(struct invocation *invocation)
{
	struct import_values values = {0};
	struct import_task task = {.invocation = invocation, .values = &values};
	int count;
	int code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (count < 3)
		return usage_error(invocation, "FORMAT, FROM and TO are needed");
	if (count > 3)
		return usage_error(invocation, "\"%s\" is one argument too many", invocation->argv[3]);
	task.from = invocation->argv[1];
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(invocation->argv[0], formats[i].name) == 0)
			return import_as(&task, i, invocation->argv[2]);
	char names[128];
	struct closest closest = {.word = invocation->argv[0]};
	list_formats(names, sizeof(names));
	for (size_t i = 0; i < FORMATS; i++)
		closest_offer(&closest, formats[i].name);
	if (closest.best)
		return usage_error(invocation, "unknown format \"%s\", did you mean %s? It can be %s",
			invocation->argv[0], closest.best, names);
	return usage_error(invocation, "unknown format \"%s\", it can be %s", invocation->argv[0], names);
}

const struct command import_command = {
	.name = "import",
	.summary = "Make a network folder from another project's files",
	.usage = "[OPTION]… FORMAT FROM TO",
	.details =
		"FORMAT is one of\n"
		"  onnx      a model of 8-bit integers (QDQ or QOperator, as onnxruntime's\n"
		"            quantize_static and PyTorch write them; Brevitas' QCDQ), or one of floats,\n"
		"            which --calibrate quantises. FROM is MODEL.onnx.\n"
		"  qonnx     a model that Brevitas exports. FROM is MODEL.onnx; labels.txt beside it\n"
		"            names the classes.\n"
		"  npy       your own .npy arrays. FROM is the folder that holds them and a list of\n"
		"            layers, layers.json.\n"
		"  qnn-mo    a network of QNN-MO-PYNQ. FROM is its list of layers, NAME-layers.json, or\n"
		"            the folder that holds it.\n"
		"  bnn-pynq  a network of BNN-PYNQ: LFC-W1A1, LFC-W1A2, CNV-W1A1, CNV-W1A2 or CNV-W2A2.\n"
		"            FROM is the folder with its files N-M-weights.bin and N-M-thres.bin.\n"
		"TO is the folder to make. It must not exist yet.",
	.examples =
		"twobit import onnx --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --calibrate photos \\\n"
		"    mobilenet.onnx my-network\n"
		"twobit import qonnx lenet5.onnx my-network\n"
		"twobit import npy my-arrays my-network\n"
		"twobit import qnn-mo dorefanet-layers.json my-network\n"
		"twobit import bnn-pynq params/mnist/lfcW1A1 my-network",
	.options = options,
	.run = run,
};
