/* SPDX-License-Identifier: MIT */
/*
 * Sinks take what the pipeline finds, beside display and recorder: a file of events, browsers, a broker. Each
 * kind is a driver in the table of sinks.c, which its option switches on. No call waits for a file, a network
 * or a viewer: a sink that needs time has a thread, and keeps what is newest.
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "flow/frame.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct module_part;
struct sinks;

/* What --mqtt has done so far; any thread reads it. */
struct sink_broker {
	atomic_bool connected;
	_Atomic uint64_t published; /* events that the broker has confirmed */
	_Atomic uint64_t queued;    /* events that wait for that */
	_Atomic uint64_t dropped;   /* events that found no room */
};

/* What the options say; the strings and the broker must outlive the sinks. */
struct sink_options {
	const char *events;		      /* FILE, or "-"; NULL: none */
	const char *exec;		      /* a command; NULL: none */
	const char *exec_on;		      /* its events, with commas; NULL: label_begin */
	int64_t exec_pause;		      /* ns between two starts of it at least */
	const char *serve;		      /* [ADDRESS:]PORT; NULL: nowhere */
	const char *serve_token, *serve_cert; /* NULL: none */
	const char *recordings;		      /* their pattern, for serve; NULL: it has none */
	bool serve_open;		      /* everyone may look */
	const char *mqtt;		      /* mqtt(s)://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC; NULL: none */
	const char *mqtt_password;	      /* NULL: that of the address, if any */
	const char *mqtt_authorities;	      /* FILE of certificates; NULL: the system's */
	const char *mqtt_queue;		      /* FILE for what waits; NULL: the topic's own */
	const char *mqtt_discovery;	      /* the prefix of its topics, "-": none; NULL: the usual one */
	struct sink_broker *broker;	      /* with mqtt, its counts */
	int events_every; /* events and mqtt tell of each so many-th result, too; 0: of none */
};

/* What stays as it is while the pipeline runs; it must outlive the sinks. */
struct sink_about {
	const struct network *network;
	float threshold;		  /* a label below this confidence is not shown */
	const char *source;		  /* its description */
	const char *pl;			  /* the name of what computes the later layers */
	const struct sink_broker *broker; /* NULL: none */
};

/* Where frames are lost. */
enum sink_place { SINK_AT_CAMERA, SINK_AT_DECODE, SINK_AT_INFERENCE, SINK_AT_DISPLAY, SINK_PLACES };

/* What the network finds in a frame. Valid during the call. */
struct sink_result {
	const struct frame *frame; /* with its result, stamps and cpu_fallback */
	int64_t wall;		   /* when it was captured, CLOCK_REALTIME, ns */
	const char *label;	   /* the headline; NULL: nothing is known */
	float confidence;
	const char *detail; /* the best class of a group; NULL: none */
	float detail_confidence;
	uint64_t dropped[SINK_PLACES]; /* so far; the camera's are in the frames */
	bool recording;
};

/* What a viewer asks the program to do. */
enum sink_request { SINK_REQUEST_NONE, SINK_REQUEST_RECORD, SINK_REQUEST_STOP_RECORDING };

/* A label from its begin to its end. */
struct sink_label {
	const char *name, *detail; /* detail: of a group, its best class; NULL: none */
	float confidence, detail_confidence;
	float best;	 /* the highest confidence so far */
	int64_t began;	 /* CLOCK_MONOTONIC, ns */
	uint64_t number; /* of this run's labels, from 1 */
};

/* Something that begins, ends or changes; docs/formats.md has the names. Valid during the call. */
struct sink_event {
	const char *name;
	int64_t monotonic, wall;	/* ns */
	uint64_t frame;			/* the newest one that is labelled */
	const char *text;		/* a message; NULL: none */
	const struct sink_label *label; /* of "label_begin", "label_change", "label_end"; else NULL */
};

/* The functions from `frame` on may be NULL. `event` and `result` are never called at the same time. */
struct sink_driver {
	const char *name;		/* of its option */
	const struct module_part *part; /* a sink_driver with what follows `wanted`; NULL: it is here */
	bool (*wanted)(const struct sink_options *options);
	/* Opens what the program may not open later, or checks it. *state NULL: after an error. */
	int (*open)(const struct sink_options *options, void **state, struct error *e);
	void (*close)(void *state);
	/* Begins; threads start here. The first event comes later. NULL: nothing is to be done. */
	int (*start)(void *state, const struct sink_about *about, struct error *e);
	/* Each frame of the source; it may be absent. broken: frames before it that were no pictures. The
	 * source's thread. */
	void (*frame)(void *state, const struct frame *frame, uint32_t broken);
	void (*result)(void *state, const struct sink_result *result);
	void (*event)(void *state, const struct sink_event *event);
	/* The next request of a viewer, at once. The main thread. */
	enum sink_request (*request)(void *state);
};

/* The table; a NULL is behind the last. */
const struct sink_driver *const *sink_drivers(void);

/*
 * Opens those that the options want. *out is NULL where none is. The error's `wrong` is the option's text.
 * -ENOSYS: this build lacks it; -EINVAL: the text is wrong; else as the system says.
 */
int sinks_open(const struct sink_options *options, struct sinks **out, struct error *e);

/* Starts them; tells of "start". */
int sinks_start(struct sinks *sinks, const struct sink_about *about, struct error *e);

/* Ends the label that is shown, tells of "stop", and closes all. No other call may come after it. */
void sinks_close(struct sinks *sinks); /* takes NULL, as all below do */

/* The pipeline's threads call these; as in sink_driver. */
void sinks_frame(struct sinks *sinks, const struct frame *frame, uint32_t broken);
void sinks_result(
	struct sinks *sinks, const struct frame *frame, const uint64_t dropped[SINK_PLACES], bool recording);
void sinks_event(struct sinks *sinks, const char *name, const char *text); /* any thread */

/* The next request, or SINK_REQUEST_NONE at once. */
enum sink_request sinks_request(struct sinks *sinks);

#endif
