/* SPDX-License-Identifier: MIT */
/* What `record` and `live` have in common: from the user's words to a recorder's options. */
#ifndef APP_RECORDING_H
#define APP_RECORDING_H

#include "options.h"
#include "recorder/recorder.h"

#define RECORDING_NAME "twobit-%Y%m%d-%H%M%S.mkv"

/* As the command line has them. */
struct recording_values {
	const char *file, *log, *segment, *keep, *memory;
	struct option_texts when;
	double pre_roll, post_roll, threshold, smoothing; /* seconds; 0 … 1 */
	int quality, top_k;
	bool burn_in, every_frame;
};

/* What holds where nothing else is said. */
extern const struct recording_values recording_defaults;

/* Of a recording; the rest is in `options`. */
struct recording {
	struct recorder_options options;
	struct when when[OPTION_TEXTS_MAXIMUM];
	json_t *about;
};

/* -EINVAL with a sentence for what makes no sense. */
int recording_parse(struct recording *recording, const struct recording_values *values, struct error *e);

/* Once the network is known: the conditions, likewise. */
int recording_parse_when(struct recording *recording, const struct recording_values *values,
	const struct network *network, struct error *e);

/* Once all is open. `kernels`: as given; NULL: by itself. What is pointed to outlives the recording. */
void recording_describe(struct recording *recording, const struct recording_values *values,
	const char *source, const char *pl, const char *kernels);

void recording_finish(struct recording *recording);

#endif
