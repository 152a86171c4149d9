/* SPDX-License-Identifier: MIT */
/* A source of frames: a camera, a video, pictures, a generated pattern. */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "base/module.h"
#include "flow/frame.h"

#include <stdbool.h>

struct error;
struct source;

struct source_options {
	int width, height; /* requested pixels; 0: the source's own, or 1280×720 where it has none */
	double rate;	   /* requested frames a second; 0: the source's own, or 30 */
	bool paced;	   /* deliver at the rate, as a camera does; false: as fast as the consumer goes */
	bool once;	   /* end after the last picture; false: start again (pictures only) */
	bool loop;	   /* a video starts again at its end; -EINVAL for a pipe, which cannot */
	int give_up;	   /* a file descriptor: once readable, opening a video stops waiting; 0: none */

	/* For cameras only; other sources refuse them with -EINVAL. The pointers outlive the source. */
	const char *format; /* "MJPEG", "YUYV", "NV12", …; NULL or "auto": the one with the least work */
	const char *const *controls; /* "brightness=128", NULL-terminated; NULL: none */
	const char *exposure;	     /* "auto", or a number in the unit of 100 µs; NULL: unchanged */
};

/* One kind of source. The first in the table whose `accepts` returns true opens the name. */
struct source_driver {
	const char *name;
	const char *summary; /* for `twobit list sources` */
	bool (*accepts)(const char *name);
	const struct module_part *part; /* a source_driver with what follows; NULL: it is here */
	int (*open)(const char *name, const struct source_options *options, void **state, struct error *e);
	void (*describe)(const void *state, char *text, size_t size);
	/*
	 * Fills raw, name, lost and STAMP_CAPTURED, and sequence if the device counts by itself. Returns 0,
	 * -ENODATA at the end, -ENOMSG at the end of a video of which no frame could be read, -EBADMSG for a
	 * broken frame (go on). While there is no picture it may deliver a few absent frames with a reason
	 * each second.
	 */
	int (*next)(void *state, struct frame *frame, struct error *e);
	void (*close)(void *state);
	/* Wakes `next`, which then returns -ECANCELED. Called from another thread. */
	void (*stop)(void *state);
	/* Whether frames carry a borrowed buffer from now on. Called from another thread. NULL: never. */
	void (*export_dmabuf)(void *state, bool enabled);
};

/*
 * name NULL: the first camera. -ENOENT: it does not exist; -EINVAL: no kind accepts this name, or options are
 * out of bounds; -ENODEV: it is no camera; -EBUSY: another program uses it; -EACCES; -EBADMSG: it cannot be
 * read; -ECANCELED: given up. A video keeps its own size. A camera uses the nearest size that it has; without
 * a request that is to 1280×720, or to 640×480 on a machine with fewer than four processors.
 */
int source_open(const char *name, const struct source_options *options, struct source **out, struct error *e);
void source_close(struct source *source); /* takes NULL */

/* Whether source_open takes the name for a camera's: only those have the last three options. */
bool source_is_camera(const char *name);

/*
 * Like the driver's next. It also sets number, which counts broken frames too, and sequence where the driver
 * does not.
 */
int source_next(struct source *source, struct frame *frame, struct error *e);
void source_stop(struct source *source);

/* Whether frames carry a borrowed buffer (see flow/frame.h), if the source can export it. Any thread. */
void source_export_dmabuf(struct source *source, bool enabled);

/* What the source delivers, for the log: "slide show of 6 pictures, 1280×720, 30 frames a second". */
const char *source_description(const struct source *source);
const struct source_driver *const *source_drivers(void); /* NULL-terminated */

#endif
