/* SPDX-License-Identifier: MIT */
/* Turns the user's options into the recorder's, for `record` and `live`. */
#ifndef APP_LIVE_RECORDING_H
#define APP_LIVE_RECORDING_H

#include "cli/command.h"
#include "cli/options.h"
#include "recorder/recorder.h"

#include <limits.h>
#include <stdint.h>

#define RECORDING_NAME "twobit-%Y%m%d-%H%M%S.mkv"

/* Bytes of memory: the largest frame that a camera of ours gives, and a few of it. */
#define RECORDING_MEMORY_LEAST 1e6
#define RECORDING_MEMORY_MOST (SIZE_MAX > UINT32_MAX ? 16e9 : 2e9)

/* The values of the command line. */
struct recording_values {
	struct option_text file;
	const char *log;
	struct amount segment, keep;
	size_t memory; /* bytes */
	struct option_texts when;
	double pre_roll, post_roll; /* seconds */
	double threshold;	    /* 0 … 1; below 0: the network's */
	double smoothing;	    /* s */
	double sync;		    /* seconds between two syncs to the disk */
	double flush;		    /* seconds for a slow disk at the end */
	int quality, top_k;
	bool burn_in, every_frame, log_only;
};

/* The defaults. */
extern const struct recording_values recording_defaults;

/* A recording's options, and what they point to. */
struct recording {
	struct recorder_options options;
	struct when when[OPTION_TEXTS_MAXIMUM];
	json_t *about;
	char pattern[PATH_MAX]; /* with log_only, of the video that there would be */
};

/* Sets the options that depend on the values alone. */
void recording_begin(struct recording *recording, const struct recording_values *values);

/* Sets what depends on the network: the threshold, the conditions. -EINVAL with a message: options.when_count
 * is the index of the invalid condition. */
int recording_set_network(struct recording *recording, const struct recording_values *values,
	const struct network *network, struct error *e);

/* Describes source, PL and kernels (NULL: auto) for the log. All strings must outlive the recording. */
void recording_describe(struct recording *recording, const struct recording_values *values,
	const char *source, const char *pl, const char *kernels);

/* Prints what recorder_check says about the file, with the option or its place. Returns the exit code. */
int recording_refuse(
	const struct invocation *invocation, const struct recording_values *values, struct error *e);

void recording_finish(struct recording *recording);

/*
 * Waits until the recorder has written all; INT or TERM shortens that with recorder_flush. Then
 * recorder_join: false, after a message, if the disk does not answer.
 */
bool recording_join(struct recorder *recorder, struct recorder_report *report);

/* Ends the program at once, with that exit code or EX_IOERR: a thread hangs in the kernel and uses all there
 * is. Call it after recording_join returned false. */
_Noreturn void recording_abandon(int code);

#endif
