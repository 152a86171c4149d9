/* SPDX-License-Identifier: MIT */
/* One picture after the other through a network: resize, Conv0 in an engine, the rest on the PL, scores to
 * labels. */
#ifndef APP_PIPELINE_CLASSIFIER_H
#define APP_PIPELINE_CLASSIFIER_H

#include "base/error.h"
#include "image/picture.h"
#include "nn/classify.h"

struct classifier;

/*
 * network: as networks_open gives it; must outlive the classifier. pl: a name of pl_drivers or NULL for auto;
 * kernels: as for engine_create. A PL in hardware must compute something known first. On failure *where says
 * what *e is about.
 */
int classifier_create(const struct network *network, const char *pl, const char *kernels,
	struct classifier **out, enum failure *where, struct error *e);
void classifier_destroy(struct classifier *classifier); /* takes NULL */

/* One call at a time on one classifier. Fails as pl_submit, pl_wait and pl_program do, after several tries.
 */
int classifier_run(struct classifier *classifier, enum view_origin origin, const struct picture *picture,
	struct classification *out, struct error *e);

/* int32_t [class_count] of the last picture; valid until the next classifier_run. */
const int32_t *classifier_scores(const struct classifier *classifier);

#endif
