/* SPDX-License-Identifier: MIT */
/*
 * Classifies pictures. Where the PL is software, one engine computes whole networks in the caller's thread,
 * of several pictures at once: they share the weights while these are in the cache. A PL in hardware takes
 * one picture after the other, behind Conv0 in an engine.
 */
#ifndef APP_PIPELINE_CLASSIFIER_H
#define APP_PIPELINE_CLASSIFIER_H

#include "base/error.h"
#include "image/picture.h"
#include "nn/classify.h"

struct classifier;
struct pool;

struct classifier_options {
	const char *pl;	     /* a name of pl_drivers or NULL for auto */
	const char *kernels; /* as for engine_create */
	struct pool *pool;   /* shares the work inside layers, as engine_use_pool says; NULL: one thread */
	int batch;	     /* the most pictures at once; 0: one */
};

/*
 * network: as networks_open gives it; must outlive the classifier. A hardware PL is self-tested first. On
 * failure *where is what *e is about.
 */
int classifier_create(const struct network *network, const struct classifier_options *options,
	struct classifier **out, enum failure *where, struct error *e);
void classifier_destroy(struct classifier *classifier); /* takes NULL */

/* Pictures at once from which a network gains, and whose feature maps still fit into a cache: 1 … 16. */
int classifier_batch(const struct network *network);

/*
 * For one thread at a time. area: where to look; NULL: the network's view decides. *out is
 * classification_none if it finds nothing to look at, and there are no scores then. Fails as pl_submit,
 * pl_wait and pl_program do, after several tries.
 */
int classifier_run(struct classifier *classifier, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, struct classification *out, struct error *e);

/*
 * classifier_run of several pictures, whose memory need not stay: classifier_look takes the next one as the
 * network's input, and returns false if it finds nothing to look at; classifier_compute computes those taken
 * since it last returned, up to `batch`. Results and scores are by their order and stay until the next look.
 */
bool classifier_look(struct classifier *classifier, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area);
int classifier_compute(struct classifier *classifier, struct error *e);
void classifier_result(struct classifier *classifier, int picture, struct classification *out);

/* Where the last picture was looked at; the middle, if there was nothing. */
const struct picture_area *classifier_area(const struct classifier *classifier);

/* int32_t [class_count] of that picture of the last classifier_compute; of classifier_run it is 0. */
const int32_t *classifier_scores(const struct classifier *classifier, int picture);

#endif
