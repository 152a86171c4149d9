/* SPDX-License-Identifier: MIT */
/* What the files of the V4L2 camera share. */
#ifndef SOURCE_V4L2_V4L2_H
#define SOURCE_V4L2_V4L2_H

#include "source/cameras.h"
#include "source/source.h"

#include <linux/videodev2.h>

/* node.c: which node. */

#define V4L2_DEV "/dev"
#define V4L2_SYSFS "/sys/class/video4linux"
#define V4L2_NODES 256 /* device numbers are lower */

/* What identifies a camera that comes back under another number; from sysfs. */
struct v4l2_identity {
	char vendor[8], product[8], serial[128]; /* of the USB device; "": it is none */
	char interface[8], index[8];		 /* which of the device's nodes */
	char name[64];
	char place[512]; /* where it is plugged in */
};

struct v4l2_node {
	int number;
	char path[32]; /* "/dev/video0" */
	struct v4l2_identity identity;
	struct v4l2_capability capability; /* zeroed until queried */
	char name[64];			   /* the camera's, given once */
};

/* 0, or -ENOENT if sysfs (its folder video4linux) has no such node. */
int v4l2_identify(const char *sysfs, int number, struct v4l2_identity *identity);
bool v4l2_same_camera(const struct v4l2_identity *a, const struct v4l2_identity *b);

/* The numbers of all nodes, ascending. Returns their count, at most V4L2_NODES. */
int v4l2_numbers(const char *sysfs, int numbers[V4L2_NODES]);

/*
 * Opens the node that `source` names (see source.h), or for NULL the first that gives pictures. Returns a
 * file descriptor that does not block, or a negative errno value with a message.
 */
int v4l2_node_open(const char *source, struct v4l2_node *node, struct error *e);

/* The same by number. -ENODEV with a message: the node gives no pictures. */
int v4l2_number_open(int number, struct v4l2_node *node, struct error *e);

/* The number of the node behind a path, or -ENOENT. */
int v4l2_number_of(const char *path);

/* hotplug.c: a camera that comes back is found at once. */

/* A descriptor that is readable once `dev` changes, or -1 where inotify is not available. */
int v4l2_hotplug_open(const char *dev);

/*
 * Discards the changes so far, and notices those of the folders of `source` below `dev` too. To be called
 * before each look for the camera, so that no later change is lost.
 */
void v4l2_hotplug_rearm(int fd, const char *dev, const char *source);

/* formats.c: which format, size and rate. */

/* The request, with the defaults filled in. */
struct v4l2_request {
	const char *format; /* NULL: any */
	int width, height;
	double rate;	 /* frames a second */
	double enough;	 /* a mode with this rate is fast enough */
	bool size_first; /* prefer a lower rate to another size */
};

struct v4l2_choice {
	const struct camera_format *format;
	int width, height;
	double rate; /* 0: the camera's own */
};

/* processors: of this machine; they decide the size if the options do not. */
struct v4l2_request v4l2_request_of(const struct source_options *options, int processors);

/* Reads what the camera offers. Returns the count, or a negative errno value. */
int v4l2_formats_read(int fd, struct camera_format **out);
void v4l2_formats_free(struct camera_format *formats, int count);

/* The mode nearest to the request with the least work. -EINVAL: the format is not offered or not readable. */
int v4l2_choose(const struct camera_format *formats, int count, const struct v4l2_request *request,
	struct v4l2_choice *choice, struct error *e);

/* Sets a format's name, and whether it is readable. */
void v4l2_format_name(uint32_t code, struct camera_format *format);

/* The format in which frames of a readable code are delivered: I420 for converted ones. */
enum pixel_format v4l2_pixel_format(uint32_t code);

/* controls.c */

struct v4l2_control_kind {
	char name[40]; /* as v4l2-ctl writes it: "white_balance_automatic" */
	uint32_t id, type, flags;
	int64_t minimum, maximum;
};

/* "White Balance, Automatic" → "white_balance_automatic" */
void v4l2_control_name(const char *title, char *name, size_t size);

/*
 * The value that text stands for. menu: the entries of a menu by value up to maximum, NULL for an unused
 * value; NULL if the control is no menu. -EINVAL with what is possible.
 */
int v4l2_control_value(const struct v4l2_control_kind *kind, const char *const *menu, const char *text,
	int64_t *value, struct error *e);

/* Exposure first, then the controls in their order. */
int v4l2_controls_set(int fd, const char *exposure, const char *const *controls, struct error *e);

/* stream.c: buffers. */

struct v4l2_stream;

struct v4l2_dequeued {
	int buffer;
	const uint8_t *data;
	size_t size; /* bytes that the camera gave */
	uint32_t flags, sequence;
	int64_t time; /* the driver's stamp, ns */
};

/* Starts to stream into `buffers` buffers; fd stays the caller's. */
int v4l2_stream_begin(int fd, int buffers, struct v4l2_stream **out, struct error *e);

/*
 * The next filled buffer; v4l2_stream_queue or v4l2_stream_export returns it to the driver. -ETIMEDOUT at the
 * deadline (clock_now's ns), -ECANCELED when `stop` becomes readable, -ENODEV when the camera is gone, else
 * the driver's error.
 */
int v4l2_stream_dequeue(
	struct v4l2_stream *stream, int stop, int64_t deadline, struct v4l2_dequeued *dequeued);
int v4l2_stream_queue(struct v4l2_stream *stream, int buffer);

/* Exports the buffer as `borrowed` if the camera keeps enough others; else queues it again. */
int v4l2_stream_export(
	struct v4l2_stream *stream, int buffer, size_t stride, struct borrowed_buffer *borrowed);

/* Restarts the camera; filled buffers are lost. */
int v4l2_stream_restart(struct v4l2_stream *stream);

/* The caller closes fd after this. A borrowed buffer stays valid until it is released. Takes NULL. */
void v4l2_stream_end(struct v4l2_stream *stream);

/* device.c: a camera that is open and streams. */

struct v4l2_device {
	int fd; /* -1: closed; the rest is then invalid */
	struct v4l2_node node;
	struct camera_format format; /* the name and code only */
	struct v4l2_pix_format picture;
	enum pixel_format delivers;
	double rate;			 /* frames a second; 0: not known */
	struct v4lconvert_data *convert; /* NULL: not needed */
	struct v4l2_stream *stream;
};

/* Configures and starts the camera, and owns fd from now on. The message names the camera. */
int v4l2_device_open(struct v4l2_device *device, int fd, const struct v4l2_node *node,
	const struct source_options *options, struct error *e);
void v4l2_device_close(struct v4l2_device *device);

/* Whether a display can show its buffers without a copy. */
bool v4l2_device_can_export(const struct v4l2_device *device);

/* Copies a picture into frame->raw. -EBADMSG with a message: the picture is broken; -ENOMEM. */
int v4l2_device_copy(const struct v4l2_device *device, const struct v4l2_dequeued *dequeued,
	struct frame *frame, struct error *e);

/* "MJPEG 640×480, 30 frames a second" */
void v4l2_device_mode(const struct v4l2_device *device, char *text, size_t size);

/* frame.c: what is in a buffer. */

/* Bytes of a picture whose rows have no gaps; 0 for JPEG. */
size_t v4l2_picture_size(enum pixel_format format, int width, int height);

/* Copies a picture whose rows are `stride` bytes apart to rows without gaps. -EBADMSG: size is too short. */
int v4l2_picture_copy(enum pixel_format format, int width, int height, size_t stride, const uint8_t *from,
	size_t size, uint8_t *to);

/* The bytes of a JPEG up to its end marker, without padding; 0: it is not whole. */
size_t v4l2_jpeg_length(const uint8_t *data, size_t size);

/* Frames missing between two sequence numbers; 0 if the camera counts anew. */
uint32_t v4l2_sequence_gap(uint32_t before, uint32_t now);

/* The time of capture: the driver's stamp if it is from our clock and plausible, else now. */
int64_t v4l2_capture_time(uint32_t flags, int64_t stamp, int64_t now);

/* Detects that the same picture, bit for bit, comes again and again. */
struct v4l2_frozen {
	bool begun, full_known, reported;
	uint64_t sample, full; /* hashes of a part, and of all */
	int same, different;   /* pictures in a row */
	int64_t since;	       /* time of the first equal one, ns */
	int64_t timeout;       /* until the next restart, ns */
};

enum v4l2_motion {
	MOTION_USUAL,
	MOTION_FROZEN, /* restart the camera and report it */
	MOTION_STILL,  /* restart it again */
	MOTION_BACK,   /* it moves again */
};

enum v4l2_motion v4l2_frozen_look(struct v4l2_frozen *frozen, const uint8_t *data, size_t size, int64_t now);

#endif
