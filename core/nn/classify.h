/* SPDX-License-Identifier: MIT */
/* From integer scores to readable results: logits, softmax, the best classes, the best group. */
#ifndef NN_CLASSIFY_H
#define NN_CLASSIFY_H

#include "nn/network.h"

#define TOP_MAXIMUM 10

struct prediction {
	int index;	  /* class, or group */
	float confidence; /* softmax, 0 … 1 */
};

struct classification {
	struct prediction top[TOP_MAXIMUM]; /* best first; equal logits: the lower class first */
	int count;			    /* min(TOP_MAXIMUM, classes) */
	struct prediction group;	    /* sum of its members' confidences; index −1: no groups */
	struct prediction member;	    /* the best class in that group; index −1: no groups */
	bool background;		    /* the best class is LABEL_BACKGROUND */
};

/* Of a picture in which there is nothing to look at, such as no face. */
static const struct classification classification_none = {.group = {-1, 0}, .member = {-1, 0}};

/* The label of a class of pictures that show nothing to be named: where it is best, nothing is known. */
#define LABEL_BACKGROUND "none of these"

/* Of a network that has no threshold of its own. */
#define UNKNOWN_BELOW_DEFAULT 0.1

/*
 * The confidence from which on a label or a group is shown. wanted: what the user asks for; negative: the
 * network's own threshold, or else UNKNOWN_BELOW_DEFAULT.
 */
float classification_threshold(const struct network *network, double wanted);

enum headline_kind { HEADLINE_NONE, HEADLINE_GROUP, HEADLINE_LABEL };

/* The one name for a picture. All zero: nothing is known. */
struct headline {
	enum headline_kind kind;
	int index; /* of the group, or of the class */
	float confidence;
};

/*
 * The best group, or the best class where that is likelier: then it is in no group. So no label is likelier
 * than the headline. HEADLINE_NONE if it does not reach the threshold, or if the best is LABEL_BACKGROUND.
 */
struct headline classification_headline(const struct classification *result, float threshold);

/* The headline's confidence in another picture. shares: as classify_scores leaves them. */
float headline_confidence(
	const struct headline *headline, const struct network *network, const double *shares);

static inline bool classification_known(const struct classification *result, float threshold)
{
	return classification_headline(result, threshold).kind != HEADLINE_NONE;
}

/* Whether both have the same name. */
static inline bool headline_same(const struct headline *a, const struct headline *b)
{
	return a->kind == b->kind && (a->kind == HEADLINE_NONE || a->index == b->index);
}

/* NULL: nothing is known. */
const char *headline_name(const struct headline *headline, const struct network *network);

/* The logit of a class, before the network's temperature divides it. */
static inline double class_logit(const struct network *network, const int32_t *scores, int index)
{
	return (double)network->scale[index] * scores[index] + (double)network->bias[index];
}

/*
 * scores: int32_t [class_count]. work: double [class_count], for the caller to keep, so that nothing is
 * allocated; it is left with each class's share, of which the softmax is work[i] / (sum of all). The ranking
 * is that of scale · score + bias in double precision, whatever the temperature.
 */
void classify_scores(
	const struct network *network, const int32_t *scores, double *work, struct classification *out);

#endif
