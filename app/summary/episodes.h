/* SPDX-License-Identifier: MIT */
/* What logs of labels tell, as episodes: a label from when it is shown until it is not any more. */
#ifndef APP_SUMMARY_EPISODES_H
#define APP_SUMMARY_EPISODES_H

#include <stddef.h>
#include <stdint.h>

struct error;

/* A frame without a label behind it in this time ends an episode: the camera was away, or all stood still.
 * ns. */
#define EPISODE_GAP INT64_C(2000000000)

struct episode {
	size_t label;	    /* of summary_data.labels */
	int64_t begin, end; /* CLOCK_REALTIME, ns */
};

struct label_sum {
	char *name;
	uint64_t times;	     /* episodes */
	int64_t shown;	     /* ns in all */
	int64_t first, last; /* its first begin, its last end; CLOCK_REALTIME, ns */
	double best;	     /* the highest confidence */
};

/* All zero: nothing is known. */
struct summary_data {
	struct label_sum *labels;
	size_t label_count;
	const struct label_sum *
		*ranked;	  /* the one that was shown longest is the first; NULL behind the last */
	struct episode *episodes; /* in each log in the order of time */
	size_t episode_count, episode_room;
	uint64_t logs, frames;
	int64_t begin, end; /* of the frames, CLOCK_REALTIME, ns */
	int64_t watched;    /* ns, without gaps */
};

/* Adds a log; one that breaks off counts to its last whole line. -ENOENT …, -EBADMSG, -ENOMEM. */
int summary_add(struct summary_data *data, const char *path, struct error *e);

/* Makes `ranked`. After it nothing is added. -ENOMEM */
int summary_rank(struct summary_data *data, struct error *e);

void summary_finish(struct summary_data *data);

#endif
