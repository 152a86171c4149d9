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

/* Adds bars of the likeliest labels, at most `most`, while there is a headline. */
void caption_add_bars(
	struct caption *caption, const struct network *network, const struct classification *shown, int most);

/* What the network sees of a camera's picture of this size. */
struct caption_view caption_view_of(const struct network *network, int width, int height);

/* The face that was found in that area of a picture. */
struct caption_view caption_view_of_face(int width, int height, const struct picture_area *area);

/* The same caption for the mirrored picture. */
struct caption caption_mirrored(const struct caption *caption);

#endif
