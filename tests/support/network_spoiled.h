/* SPDX-License-Identifier: MIT */
/* Comparing networks, and network folders that would load but for one thing. Tests of cmocka use it: what is
 * wrong fails them. */
#ifndef TEST_SUPPORT_NETWORK_SPOILED_H
#define TEST_SUPPORT_NETWORK_SPOILED_H

#include "nn/network.h"

#include <jansson.h>

/* Compares all that a network's folder keeps. */
void assert_network_equal(const struct network *a, const struct network *b);

/* Saves the network in a new folder, for folder_destroy. */
char *network_saved(const struct network *network);

/* Loads the network of a folder, for network_destroy. */
struct network *network_loaded(const char *folder);

/* A saved tiny_network to spoil: its folder and the parsed network.json. */
struct spoiled {
	char *folder;
	json_t *root;
};

/* For spoiled_end, or for spoiled_refused. */
struct spoiled spoiled_begin(void);
void spoiled_end(struct spoiled *s);

/* The layer's object in network.json; it belongs to s->root. */
json_t *spoiled_layer(const struct spoiled *s, size_t index);

/* Writes s->root to network.json. */
void spoiled_write(const struct spoiled *s);

/* Writes a file of the folder. */
void spoiled_put(const struct spoiled *s, const char *name, const void *data, size_t size);

/* Loading fails, and the whole message is FOLDER/ and then `message`. Ends it. */
void spoiled_refused(struct spoiled *s, const char *message);

/*
 * Sets a field of a layer (NULL: removes it) in a folder of its own, and expects `layer "NAME": MESSAGE`.
 * Takes the reference to value.
 */
void spoiled_field_refused(size_t index, const char *field, json_t *value, const char *message);

#endif
