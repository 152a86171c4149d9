/* SPDX-License-Identifier: MIT */
/* A source of frames: a camera, a video, pictures, a generated pattern. */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "flow/frame.h"

#include <stdbool.h>

struct error;
struct source;

struct source_options {
	int width, height; /* pixels wanted; 0: the source's own, or 1280×720 where it has none */
	double rate;	   /* frames a second wanted; 0: the source's own, or 30 */
	bool paced;	   /* deliver at the rate, as a camera does; false: as fast as they are taken */
	bool once;	   /* end after the last picture or frame; false: start again (pictures only) */
	int give_up;	   /* a file descriptor: once readable, a video is no longer waited for; 0: none */

	/* Cameras only; the others refuse what is set with -EINVAL. All of it outlives the source. */
	const char *format;	     /* "MJPEG", "YUYV", "NV12", …; NULL or "auto": the least work */
	const char *const *controls; /* "brightness=128", NULL-terminated; NULL: none */
	const char *exposure;	     /* "auto", or a number in the unit of 100 µs; NULL: as it is */
};

/* One kind of source. A kind takes a name when `accepts` says so; the first in the table wins. */
struct source_driver {
	const char *name;
	const char *summary; /* for `twobit list sources` */
	bool (*accepts)(const char *name);
	int (*open)(const char *name, const struct source_options *options, void **state, struct error *e);
	void (*describe)(const void *state, char *text, size_t size);
	/*
	 * Fills raw, name, lost and STAMP_CAPTURED; sequence, where the device counts by itself. 0, -ENODATA
	 * at the end, -ENOMSG at the end of a video of which no frame could be read, -EBADMSG for a broken
	 * frame (go on). While there is no picture to be had it may deliver absent frames, with a reason, a
	 * few each second.
	 */
	int (*next)(void *state, struct frame *frame, struct error *e);
	void (*close)(void *state);
	/* Wakes a waiting next, which then returns -ECANCELED. Called from another thread. */
	void (*stop)(void *state);
	/* From now on frames carry a borrowed buffer, or no longer. Called from another thread. NULL: never.
	 */
	void (*export_dmabuf)(void *state, bool wanted);
};

/*
 * name NULL: the first camera. -ENOENT: nothing there; -EINVAL: no kind takes this name, or options out of
 * bounds; -ENODEV: it is no camera; -EBUSY: another program has it; -EACCES; -EBADMSG: it is there but cannot
 * be read; -ECANCELED: given up. A video and its frames keep their own size; a camera takes the nearest that
 * it has, 1280×720 where nothing is wanted, or 640×480 where the machine has fewer than four processors.
 */
int source_open(const char *name, const struct source_options *options, struct source **out, struct error *e);
void source_close(struct source *source); /* takes NULL */

/* As the driver's next; also sets number, which counts broken frames as well, and sequence where the driver
 * does not. */
int source_next(struct source *source, struct frame *frame, struct error *e);
void source_stop(struct source *source);

/* Whether frames carry a borrowed buffer (see flow/frame.h), if the source can export any. Any thread. */
void source_export_dmabuf(struct source *source, bool wanted);

/* What is delivered, for the log: "slide show of 6 pictures, 1280×720, 30 frames a second". */
const char *source_description(const struct source *source);
const struct source_driver *const *source_drivers(void); /* NULL-terminated */

#endif
