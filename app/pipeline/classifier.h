/* SPDX-License-Identifier: MIT */
/* Classifies one picture after the other: resize, Conv0 in an engine, the other layers on the PL, labels. */
#ifndef APP_PIPELINE_CLASSIFIER_H
#define APP_PIPELINE_CLASSIFIER_H

#include "base/error.h"
#include "image/picture.h"
#include "nn/classify.h"

struct classifier;

/*
 * network: as networks_open gives it; must outlive the classifier. pl: a name of pl_drivers or NULL for auto;
 * kernels: as for engine_create. A hardware PL is self-tested first. On failure *where is what *e is about.
 */
int classifier_create(const struct network *network, const char *pl, const char *kernels,
	struct classifier **out, enum failure *where, struct error *e);
void classifier_destroy(struct classifier *classifier); /* takes NULL */

/*
 * For one thread at a time. area: where to look; NULL: the network's view decides. *out is
 * classification_none if it finds nothing to look at, and there are no scores then. Fails as pl_submit,
 * pl_wait and pl_program do, after several tries.
 */
int classifier_run(struct classifier *classifier, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, struct classification *out, struct error *e);

/* Where the last picture was looked at; the middle, if there was nothing. */
const struct picture_area *classifier_area(const struct classifier *classifier);

/* int32_t [class_count] of the last picture; valid until the next classifier_run. */
const int32_t *classifier_scores(const struct classifier *classifier);

#endif
