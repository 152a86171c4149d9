/* SPDX-License-Identifier: MIT */
/* Makes a caption of a classification. */
#ifndef FLOW_CAPTION_H
#define FLOW_CAPTION_H

#include "image/caption.h"
#include "nn/classify.h"

/*
 * The headline, and below that of a group its best label, each only from `threshold` on; the names stay the
 * network's. shown: as a labeller says what is shown.
 */
struct caption caption_of(const struct network *network, const struct classification *shown, float threshold);

#endif
