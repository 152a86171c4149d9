/* SPDX-License-Identifier: MIT */
#include "base/build.h"
#include "cli/networks.h"
#include "internal.h"
#include "nn/reference.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *twobit_version(void)
{
	return TWOBIT_VERSION;
}

int library_error(int status, const struct error *e, struct twobit_error *out)
{
	if (status && out) {
		out->code = status;
		snprintf(out->text, sizeof(out->text), "%s", e->text);
	}
	return status;
}

int library_refuse(struct twobit_error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (error) {
		error->code = code;
		va_start(arguments, format);
		vsnprintf(error->text, sizeof(error->text), format, arguments);
		va_end(arguments);
	}
	return code;
}

int twobit_network_open(const char *name, struct twobit_network **out, struct twobit_error *error)
{
	struct error e = {0};

	*out = NULL;
	if (!name)
		return library_refuse(error, -EINVAL, "a network's name is missing");
	struct twobit_network *network = calloc(1, sizeof(*network));
	if (!network)
		return library_refuse(error, -ENOMEM, "no memory for a network");
	int status = networks_load(name, &network->network, &e);
	if (status) {
		free(network);
		return library_error(status, &e, error);
	}
	*out = network;
	return 0;
}

void twobit_network_close(struct twobit_network *network)
{
	if (!network)
		return;
	network_destroy(network->network);
	free(network);
}

const char *twobit_network_name(const struct twobit_network *network)
{
	return network->network->name;
}

const char *twobit_network_folder(const struct twobit_network *network)
{
	return network->network->folder;
}

int twobit_network_classes(const struct twobit_network *network)
{
	return network->network->class_count;
}

const char *twobit_network_label(const struct twobit_network *network, int class_index)
{
	if (class_index < 0 || class_index >= network->network->class_count)
		return NULL;
	return network->network->labels[class_index];
}

int twobit_network_layers(const struct twobit_network *network)
{
	return network->network->layer_count;
}

struct twobit_tensor twobit_network_tensor(const struct twobit_network *network, int layer)
{
	if (layer < TWOBIT_INPUT || layer >= network->network->layer_count)
		return (struct twobit_tensor){0};
	struct tensor t = network_tensor(network->network, layer);
	return (struct twobit_tensor){t.shape.height, t.shape.width, t.shape.channels, t.bits};
}

static int check_layer(const struct twobit_network *network, int layer, struct twobit_error *error)
{
	if (layer >= 0 && layer < network->network->layer_count)
		return 0;
	return library_refuse(error, -EINVAL, "%s has no layer %d: they are 0 to %d", network->network->name,
		layer, network->network->layer_count - 1);
}

int twobit_network_layer(const struct twobit_network *network, int layer, struct twobit_layer *out,
	size_t size, struct twobit_error *error)
{
	int status = check_layer(network, layer, error);

	if (status)
		return status;
	const struct layer *l = &network->network->layers[layer];
	struct twobit_layer known = {
		.name = l->name,
		.kind = layer_kinds[l->kind].key,
		.inputs = layer_reads(l),
		.kernel_height = l->kernel_height,
		.kernel_width = l->kernel_width,
		.stride_height = l->stride_height,
		.stride_width = l->stride_width,
		.groups = l->groups,
		.weight_bits = layer_has_weights(l) ? l->weight_bits : 0,
		.operations = layer_operations(l),
	};
	for (int i = 0; i < known.inputs; i++)
		known.from[i] = network_from(network->network, layer, i);
	memset(out, 0, size);
	memcpy(out, &known, size < sizeof(known) ? size : sizeof(known));
	return 0;
}

int library_check_codes(
	const char *what, struct tensor tensor, const uint8_t *codes, struct twobit_error *error)
{
	if (tensor.bits == TENSOR_SUMS || tensor.bits == 8)
		return 0;
	for (size_t i = 0; i < shape_size(tensor.shape); i++)
		if (codes[i] >> tensor.bits)
			return library_refuse(error, -EINVAL,
				"%s: an input has the code %d, which needs more than %d bits", what, codes[i],
				tensor.bits);
	return 0;
}

int twobit_layer_run(const struct twobit_network *network, int layer, const void *const *inputs, void *out,
	struct twobit_error *error)
{
	struct reference_input in[LAYER_INPUTS];
	int status = check_layer(network, layer, error);

	if (status)
		return status;
	const struct layer *l = &network->network->layers[layer];
	for (int i = 0; i < layer_reads(l) && !status; i++) {
		in[i].tensor = network_tensor(network->network, network_from(network->network, layer, i));
		in[i].data = inputs[i];
		status = library_check_codes(l->name, in[i].tensor, inputs[i], error);
	}
	if (!status)
		reference_layer(l, in, out);
	return status;
}
