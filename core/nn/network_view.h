/* SPDX-License-Identifier: MIT */
/* The field "view" of network.json: how the network looks at what a camera sees. */
#ifndef NN_NETWORK_VIEW_H
#define NN_NETWORK_VIEW_H

#include "image/view.h"

#include <jansson.h>
#include <stdbool.h>

struct error;

/*
 * Defaults of fields missing in "view". MNIST's digits fill 20 of 28 pixels. Of FER2013's pictures a found
 * face fills 0.975 of the side, in the middle: the median of 709 pictures, with borders around them.
 */
#define VIEW_SIZE_DEFAULT 0.6
#define VIEW_FILL_INK (20.0 / 28)
#define VIEW_FILL_FACE 0.975

/*
 * The value of the field "view" (NULL: the field is missing), and the other way round (NULL: all defaults, or
 * no memory). The error begins with the field.
 */
int view_parse(const json_t *value, struct view *view, struct error *e);
json_t *view_json(const struct view *view);
bool view_valid(const struct view *view);

#endif
