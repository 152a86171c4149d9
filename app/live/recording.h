/* SPDX-License-Identifier: MIT */
/* What `record` and `live` have in common: from the user's options to the recorder's. */
#ifndef APP_LIVE_RECORDING_H
#define APP_LIVE_RECORDING_H

#include "cli/options.h"
#include "recorder/recorder.h"

#include <stdint.h>

#define RECORDING_NAME "twobit-%Y%m%d-%H%M%S.mkv"

/* Bytes of memory: the largest frame that a camera of ours gives, and a few of it. */
#define RECORDING_MEMORY_LEAST 1e6
#define RECORDING_MEMORY_MOST (SIZE_MAX > UINT32_MAX ? 16e9 : 2e9)

/* As the command line has them. */
struct recording_values {
	struct option_text file;
	const char *log;
	struct amount segment, keep;
	size_t memory; /* bytes */
	struct option_texts when;
	double pre_roll, post_roll, threshold, smoothing; /* seconds; 0 … 1 */
	int quality, top_k;
	bool burn_in, every_frame;
};

/* What holds where nothing else is given. */
extern const struct recording_values recording_defaults;

/* Of a recording; the rest is in `options`. */
struct recording {
	struct recorder_options options;
	struct when when[OPTION_TEXTS_MAXIMUM];
	json_t *about;
};

/* The options, but for what follows. */
void recording_begin(struct recording *recording, const struct recording_values *values);

/* Once the network is known: the conditions. -EINVAL with a message: options.when_count is the index of the
 * one that makes no sense. */
int recording_parse_when(struct recording *recording, const struct recording_values *values,
	const struct network *network, struct error *e);

/* Once all is open. `kernels`: as given; NULL: by itself. What is pointed to outlives the recording. */
void recording_describe(struct recording *recording, const struct recording_values *values,
	const char *source, const char *pl, const char *kernels);

void recording_finish(struct recording *recording);

#endif
