/* SPDX-License-Identifier: MIT */
#include "nn/teach/head.h"

#include "base/error.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int head_features(const struct network *network, int *layers, struct error *e)
{
	const struct layer *last = &network->layers[network->layer_count - 1];

	*layers = network->layer_count;
	if (last->epilogue != EPILOGUE_SCORES)
		return 0;
	for (*layers = network->layer_count - 1; *layers > 0 && !network_cuts(network, *layers);)
		--*layers;
	if (*layers == 0)
		return error_set(e, -EINVAL, "%s has no layer of features before its last one, \"%s\"",
			network->name, last->name);
	return 0;
}

/* Weights of one class in 8 bits; returns the scale. */
static double round_weights(const float *weights, size_t size, int8_t *rounded)
{
	double largest = 0;

	for (size_t i = 0; i < size; i++)
		largest = fmax(largest, fabs((double)weights[i]));
	double scale = largest > 0 ? largest / 127 : 1;
	for (size_t i = 0; i < size; i++)
		rounded[i] = (int8_t)lrint((double)weights[i] / scale);
	return scale;
}

static int add_classes(struct network *network, char *const *labels, int class_count)
{
	network->labels = (char **)calloc((size_t)class_count, sizeof(char *));
	network->scale = calloc((size_t)class_count, sizeof(float));
	network->bias = calloc((size_t)class_count, sizeof(float));
	if (!network->labels || !network->scale || !network->bias)
		return -ENOMEM;
	network->class_count = class_count;
	for (int i = 0; i < class_count; i++)
		if (!(network->labels[i] = strdup(labels[i])))
			return -ENOMEM;
	return 0;
}

/* "taught", or "taught2" where an earlier layer has that name. */
static char *free_name(const struct network *network)
{
	char name[32] = "taught";

	for (int i = 0, number = 2; i < network->layer_count; i++)
		if (strcmp(network->layers[i].name, name) == 0) {
			snprintf(name, sizeof(name), "taught%d", number++);
			i = -1;
		}
	return strdup(name);
}

/* The layer behind the features, without what is in its arrays. */
static int append_layer(struct network *network, int class_count)
{
	struct layer *layers =
		realloc(network->layers, (size_t)(network->layer_count + 1) * sizeof(*network->layers));

	if (!layers)
		return -ENOMEM;
	network->layers = layers;
	struct layer *l = &layers[network->layer_count];
	struct tensor features = network_tensor(network, network->layer_count - 1);

	*l = (struct layer){
		.name = free_name(network),
		.kind = LAYER_FULLY_CONNECTED,
		.in = features.shape,
		.out = {1, 1, class_count},
		.kernel_height = features.shape.height,
		.kernel_width = features.shape.width,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = features.bits,
		.weight_bits = 8,
		.output_bits = TENSOR_SUMS,
		.weights = malloc((size_t)class_count * shape_size(features.shape)),
		.epilogue = EPILOGUE_SCORES,
	};
	network->layer_count++;
	return l->name && l->weights ? 0 : -ENOMEM;
}

int head_replace(struct network *network, const struct ridge *ridge, char *const *labels, int class_count,
	struct error *e)
{
	int features = 0;
	int rc = head_features(network, &features, e);

	if (rc)
		return rc;
	while (network->layer_count > features)
		network_remove_last(network);
	network_remove_classes(network);
	if (append_layer(network, class_count) || add_classes(network, labels, class_count))
		return error_set(e, -ENOMEM, "not enough memory for %d classes", class_count);
	const struct layer *last = &network->layers[features];
	size_t size = shape_size(last->in);
	for (int c = 0; c < class_count; c++) {
		int8_t *rounded = last->weights + (size_t)c * size;
		double scale = round_weights(ridge->weights + (size_t)c * size, size, rounded);
		double bias = ridge->bias[c];

		for (size_t i = 0; i < size; i++)
			bias -= scale * rounded[i] * ridge->mean[i];
		network->scale[c] = (float)(scale * ridge->scale);
		network->bias[c] = (float)(bias * ridge->scale);
	}
	return network_check(network, e);
}
