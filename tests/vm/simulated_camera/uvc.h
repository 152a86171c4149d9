/* SPDX-License-Identifier: MIT */
/* The camera as USB Video Class 1.0 sees it: its descriptors, and its answers to control requests. */
#ifndef VM_UVC_H
#define VM_UVC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uvc_format { UVC_MJPEG, UVC_YUYV, UVC_NV12, UVC_GREY, UVC_FORMATS };

struct uvc_size {
	uint16_t width, height; /* pixels */
};

struct uvc_format_kind {
	const char *name;
	uint8_t guid[16]; /* not of MJPEG */
	uint8_t bits;	  /* a pixel */
	int size_count;
	struct uvc_size sizes[3];
};

extern const struct uvc_format_kind uvc_formats[UVC_FORMATS];

#define UVC_INTERVALS 3
extern const uint32_t uvc_intervals[UVC_INTERVALS]; /* 100 ns, the fastest first */

#define UVC_STREAM_ENDPOINT 1
#define UVC_BULK_PAYLOAD 16384 /* bytes */

struct uvc_identity {
	const char *name, *serial;
	bool bulk;	  /* else isochronous */
	unsigned formats; /* a bit for each enum uvc_format that is offered; not 0 */
};

/* The n-th offered format, from 0; UVC_FORMATS where there are fewer. */
enum uvc_format uvc_format_offered(const struct uvc_identity *identity, int n);
size_t uvc_frame_size(enum uvc_format format, int size); /* bytes; the largest for MJPEG */

/* Each writes a descriptor into out, of size bytes, and returns its length; 0: there is none, or not enough
 * space for it. */
#define UVC_DESCRIPTOR_MAXIMUM 1024
size_t uvc_device_descriptor(uint8_t *out, size_t size);
size_t uvc_configuration_descriptor(const struct uvc_identity *identity, uint8_t *out, size_t size);
size_t uvc_string_descriptor(const struct uvc_identity *identity, int index, uint8_t *out, size_t size);

struct uvc_stream_choice {
	enum uvc_format format;
	int size;	   /* index into its sizes */
	uint32_t interval; /* 100 ns */
};

#define UVC_PROBE_LENGTH 26
#define UVC_CONTROLS 5

struct uvc_control {
	const struct uvc_identity *identity;
	uint8_t probe[UVC_PROBE_LENGTH];
	int32_t values[UVC_CONTROLS];
	uint8_t last_error; /* the class's code for why a request was refused */
	bool probe_stalls;  /* refuse to negotiate */
	bool streaming;
	struct uvc_stream_choice choice; /* what was committed */
};

void uvc_control_begin(struct uvc_control *control, const struct uvc_identity *identity);

/*
 * Answers the request that setup and its data (length bytes, host to device) make. Fills answer, of
 * UVC_DESCRIPTOR_MAXIMUM bytes, and *size; -EPIPE: refused.
 */
int uvc_control_request(struct uvc_control *control, const uint8_t setup[8], const uint8_t *data,
	uint32_t length, uint8_t *answer, uint32_t *size);

/* One line on stderr with the monotonic time in seconds. */
void camera_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
