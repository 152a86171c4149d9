/* SPDX-License-Identifier: MIT */
/* The fields "temperature" and "unknown_below" of network.json: what a network's confidences are worth. */
#ifndef NN_NETWORK_CONFIDENCE_H
#define NN_NETWORK_CONFIDENCE_H

#include "nn/network.h"

#include <jansson.h>
#include <stdio.h>

/* Logits are divided by a temperature within these. Beyond them all confidences are alike, or 0 and 1. */
#define TEMPERATURE_LEAST 0.01
#define TEMPERATURE_MOST 100.0

/* root: all of network.json; missing fields leave 0. The error begins with the field. */
int confidence_parse(const json_t *root, struct network *network, struct error *e);

/* Writes the fields that are not 0, each a line of network.json. 0 or -ENOMEM. */
int confidence_write(FILE *file, const struct network *network);

/* network_check's part. */
int confidence_check(const struct network *network, struct error *e);

#endif
