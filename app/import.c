/* SPDX-License-Identifier: MIT */
/* `twobit import`: makes a network folder from another project's files. */
#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "nn/format/save.h"
#include "nn/import/bnn_pynq.h"
#include "nn/import/npy_folder.h"
#include "nn/import/qnn_mo.h"
#include "nn/import/qonnx/qonnx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const struct {
	const char *name;
	int (*import)(const char *path, struct network **out, struct error *e);
} formats[] = {{"qonnx", import_qonnx}, {"npy", import_npy}, {"qnn-mo", import_qnn_mo},
	{"bnn-pynq", import_bnn_pynq}};

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
		printf("%-12s %-16s %16s -> %-16s %s%d-bit codes in, %d-bit %s out\n", l->name,
			layer_kind_name(l), in, out, bits, l->input_bits, l->output_bits,
			l->epilogue == EPILOGUE_SCORES ? "scores"
			: l->epilogue == EPILOGUE_SUMS ? "sums"
						       : "codes");
	}
}

static int import_to(size_t format, const char *from, const char *to)
{
	struct network *network;
	struct error e;
	int code = EX_OK;

	/* Checked before the import, which can take long; network_save checks again. */
	if (access(to, F_OK) == 0) {
		error_set(&e, -EEXIST, "%s exists already; choose another name or remove it", to);
		return fail(FAILURE_CREATE, &e);
	}
	int status = formats[format].import(from, &network, &e);
	if (status)
		return fail(FAILURE_SOURCE, &e);
	if (network_save(network, to, &e)) {
		code = fail(FAILURE_CREATE, &e);
	} else {
		print_layers(network);
		printf("%d layers written to %s\n", network->layer_count, to);
	}
	network_destroy(network);
	return code;
}

/* "qonnx, npy, qnn-mo or bnn-pynq" */
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
	int count;
	int code = options_parse(invocation, NULL, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (count < 3)
		return usage_error(invocation, "FORMAT, FROM and TO are needed");
	if (count > 3)
		return usage_error(invocation, "\"%s\" is one argument too many", invocation->argv[3]);
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(invocation->argv[0], formats[i].name) == 0)
			return output_finish(import_to(i, invocation->argv[1], invocation->argv[2]));
	char names[128];
	list_formats(names, sizeof(names));
	return usage_error(invocation, "unknown format \"%s\", it can be %s", invocation->argv[0], names);
}

const struct command import_command = {
	.name = "import",
	.summary = "Make a network folder from another project's files",
	.usage = "[OPTION]… FORMAT FROM TO",
	.details =
		"FORMAT is one of\n"
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
		"twobit import qonnx lenet5.onnx my-network\n"
		"twobit import npy my-arrays my-network\n"
		"twobit import qnn-mo dorefanet-layers.json my-network\n"
		"twobit import bnn-pynq params/mnist/lfcW1A1 my-network",
	.run = run,
};
