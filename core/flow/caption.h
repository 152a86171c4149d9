/* SPDX-License-Identifier: MIT */
/* Makes a caption of a classification. */
#ifndef FLOW_CAPTION_H
#define FLOW_CAPTION_H

#include "image/caption.h"
#include "nn/classify.h"

/* Group and label with their confidences, each only from `threshold` on; the names stay the network's. */
struct caption caption_of(
	const struct network *network, const struct classification *result, float threshold);

#endif
