/* SPDX-License-Identifier: MIT */
/*
 * What a caption shows of a network's scores: smoothed over time, and steady. A name that is shown gives way
 * only to one that has been ahead of it for a moment; meanwhile what was shown last stays. It goes at once
 * when its own confidence is below the threshold. Pictures that are further apart than that moment speak for
 * themselves.
 */
#ifndef NN_LABELLER_H
#define NN_LABELLER_H

#include "nn/classify.h"
#include "nn/smoothing.h"

/* How long a name must be ahead, as a part of the time constant. */
#define LABELLER_HOLD 0.5

/* What is shown, and since when another name is ahead. */
struct label_state {
	struct headline shown;	    /* its confidence is that of the last picture in which it was ahead */
	struct headline challenger; /* its confidence is not used */
	int64_t since; /* the time of the last picture in which the challenger was not ahead, ns; INT64_MIN:
			  none */
};

/* All that the pictures before decide. */
struct label_past {
	struct smoothing smoothing;
	struct label_state state;
};

struct labeller {
	const struct network *network;
	float threshold;
	struct label_past past;
	double *shares; /* [class_count], of the last picture, smoothed: as classify_scores leaves them */
	struct classification smoothed; /* of the last picture */
	struct classification shown;	/* of the picture that past.state.shown is from; count 0: of none */
};

/* seconds: the time constant; 0: each picture speaks for itself. -ENOMEM. End with labeller_finish, which
 * takes what is all zero, too. The network must outlive it. */
int labeller_init(struct labeller *l, const struct network *network, double seconds, float threshold);
void labeller_finish(struct labeller *l);

/*
 * scores, time: as for smoothing_add. scores NULL: there was nothing to look at; nothing is shown, and the
 * past is forgotten. Sets past, smoothed and shown.
 */
void labeller_add(struct labeller *l, const int32_t *scores, int64_t time);

#endif
