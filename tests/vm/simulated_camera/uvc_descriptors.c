/* SPDX-License-Identifier: MIT */
/* Names and numbers: USB Device Class Definition for Video Devices, revision 1.1, chapter 3 and its payload
 * formats. */
#include "uvc.h"

#include <string.h>

#define GUID_TAIL 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71

const struct uvc_format_kind uvc_formats[UVC_FORMATS] = {
	[UVC_MJPEG] = {"mjpeg", {0}, 16, 3, {{640, 480}, {1280, 720}, {320, 240}}},
	[UVC_YUYV] = {"yuyv", {'Y', 'U', 'Y', '2', GUID_TAIL}, 16, 2, {{640, 480}, {320, 240}}},
	[UVC_NV12] = {"nv12", {'N', 'V', '1', '2', GUID_TAIL}, 12, 1, {{640, 480}}},
	[UVC_GREY] = {"grey", {'Y', '8', '0', '0', GUID_TAIL}, 8, 1, {{320, 240}}},
};

const uint32_t uvc_intervals[UVC_INTERVALS] = {333333, 666666, 1000000};

enum { STRING_MAKER = 1, STRING_NAME, STRING_SERIAL };
enum { TERMINAL_CAMERA = 1, UNIT_PROCESSING, TERMINAL_USB };
enum { CLASS_INTERFACE = 0x24, CLASS_VIDEO = 14, FRAMES_UNCOMPRESSED = 4, FRAMES_MJPEG = 6, COLOURS = 13 };

struct writer {
	uint8_t *out;
	size_t used, size; /* bytes; used goes on beyond size, where nothing is written */
};

static void put(struct writer *w, int bytes, uint32_t value)
{
	for (; bytes > 0; bytes--, value >>= 8, w->used++)
		if (w->used < w->size)
			w->out[w->used] = (uint8_t)value;
}

/* Single bytes: PUT_BYTES(w, 9, 4, 0). */
static void put_bytes(struct writer *w, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(w, 1, bytes[i]);
}
#define PUT_BYTES(w, ...) put_bytes(w, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Writes the bytes since `begin` as the 16-bit total at `at`. */
static void put_total(struct writer *w, size_t begin, size_t at)
{
	size_t total = w->used - begin;

	if (at + 2 > w->size)
		return;
	w->out[at] = (uint8_t)total;
	w->out[at + 1] = (uint8_t)(total >> 8);
}

static size_t finish(const struct writer *w)
{
	return w->used <= w->size ? w->used : 0;
}

enum uvc_format uvc_format_offered(const struct uvc_identity *identity, int n)
{
	for (int format = 0; format < UVC_FORMATS; format++)
		if (identity->formats >> format & 1 && n-- == 0)
			return (enum uvc_format)format;
	return UVC_FORMATS;
}

size_t uvc_frame_size(enum uvc_format format, int size)
{
	struct uvc_size s = uvc_formats[format].sizes[size];

	return (size_t)s.width * s.height * uvc_formats[format].bits / 8;
}

size_t uvc_device_descriptor(uint8_t *out, size_t size)
{
	struct writer w = {out, 0, size};

	PUT_BYTES(&w, 18, 1, 0x00, 0x02, 0xef, 2, 1,
		64);	    /* USB 2.0, interface association, 64 bytes on endpoint 0 */
	put(&w, 2, 0x1d6b); /* the Linux Foundation */
	put(&w, 2, 0x0102);
	put(&w, 2, 0x0100);
	PUT_BYTES(&w, STRING_MAKER, STRING_NAME, STRING_SERIAL, 1);
	return finish(&w);
}

static void put_interface(struct writer *w, int number, int alternate, int endpoints, int subclass)
{
	PUT_BYTES(w, 9, 4, (uint8_t)number, (uint8_t)alternate, (uint8_t)endpoints, CLASS_VIDEO,
		(uint8_t)subclass, 0, 0);
}

/* Camera, with automatic exposure and exposure time, to processing unit, with brightness, contrast and power
 * line frequency, to USB. */
static void put_control_interface(struct writer *w)
{
	size_t begin;

	put_interface(w, 0, 0, 0, 1);
	begin = w->used;
	PUT_BYTES(w, 13, CLASS_INTERFACE, 1, 0x00, 0x01, 0, 0);
	put(w, 4, 6000000); /* Hz */
	PUT_BYTES(w, 1, 1);
	PUT_BYTES(w, 18, CLASS_INTERFACE, 2, TERMINAL_CAMERA, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0x0a, 0,
		0);
	PUT_BYTES(w, 11, CLASS_INTERFACE, 5, UNIT_PROCESSING, TERMINAL_CAMERA, 0, 0, 2, 0x03, 0x04, 0);
	PUT_BYTES(w, 9, CLASS_INTERFACE, 3, TERMINAL_USB, 0x01, 0x01, 0, UNIT_PROCESSING, 0);
	put_total(w, begin, begin + 5);
}

static void put_frame(struct writer *w, enum uvc_format format, int index)
{
	struct uvc_size s = uvc_formats[format].sizes[index];
	uint32_t bits = (uint32_t)uvc_frame_size(format, index) * 8;

	PUT_BYTES(w, 26 + 4 * UVC_INTERVALS, CLASS_INTERFACE, format == UVC_MJPEG ? 7 : 5,
		(uint8_t)(index + 1), 0);
	put(w, 2, s.width);
	put(w, 2, s.height);
	put(w, 4, bits * 10);
	put(w, 4, bits * 30);
	put(w, 4, bits / 8);
	put(w, 4, uvc_intervals[0]);
	put(w, 1, UVC_INTERVALS);
	for (int i = 0; i < UVC_INTERVALS; i++)
		put(w, 4, uvc_intervals[i]);
}

static void put_format(struct writer *w, enum uvc_format format, int number)
{
	const struct uvc_format_kind *kind = uvc_formats + format;

	if (format == UVC_MJPEG) {
		PUT_BYTES(
			w, 11, CLASS_INTERFACE, FRAMES_MJPEG, (uint8_t)number, (uint8_t)kind->size_count, 1);
	} else {
		PUT_BYTES(w, 27, CLASS_INTERFACE, FRAMES_UNCOMPRESSED, (uint8_t)number,
			(uint8_t)kind->size_count);
		put_bytes(w, kind->guid, sizeof(kind->guid));
		put(w, 1, kind->bits);
	}
	PUT_BYTES(w, 1, 0, 0, 0, 0);
	for (int i = 0; i < kind->size_count; i++)
		put_frame(w, format, i);
	PUT_BYTES(w, 6, CLASS_INTERFACE, COLOURS, 1, 1, 4);
}

static void put_endpoint(struct writer *w, int attributes, int packet)
{
	PUT_BYTES(w, 7, 5, 0x80 | UVC_STREAM_ENDPOINT, (uint8_t)attributes);
	put(w, 2, (uint32_t)packet);
	put(w, 1, 1);
}

/* Isochronous alternates 1 … 3 carry as many packets of 1024 bytes in each microframe of 125 µs. */
static void put_streaming_interface(struct writer *w, const struct uvc_identity *identity)
{
	int count = __builtin_popcount(identity->formats);
	size_t begin;

	put_interface(w, 1, 0, identity->bulk ? 1 : 0, 2);
	begin = w->used;
	PUT_BYTES(w, (uint8_t)(13 + count), CLASS_INTERFACE, 1, (uint8_t)count, 0, 0,
		0x80 | UVC_STREAM_ENDPOINT, 0, TERMINAL_USB, 0, 0, 0, 1);
	for (int i = 0; i < count; i++)
		put(w, 1, 0);
	for (int i = 0; i < count; i++)
		put_format(w, uvc_format_offered(identity, i), i + 1);
	put_total(w, begin, begin + 4);
	if (identity->bulk) {
		put_endpoint(w, 2, 512);
		return;
	}
	for (int alternate = 1; alternate <= 3; alternate++) {
		put_interface(w, 1, alternate, 1, 2);
		put_endpoint(w, 5, 1024 | (alternate - 1) << 11);
	}
}

size_t uvc_configuration_descriptor(const struct uvc_identity *identity, uint8_t *out, size_t size)
{
	struct writer w = {out, 0, size};

	PUT_BYTES(&w, 9, 2, 0, 0, 2, 1, 0, 0x80, 250); /* powered by the bus, 500 mA */
	PUT_BYTES(&w, 8, 11, 0, 2, CLASS_VIDEO, 3, 0, 0);
	put_control_interface(&w);
	put_streaming_interface(&w, identity);
	put_total(&w, 0, 2);
	return finish(&w);
}

size_t uvc_string_descriptor(const struct uvc_identity *identity, int index, uint8_t *out, size_t size)
{
	struct writer w = {out, 0, size};
	const char *text = index == STRING_MAKER    ? "Simulated Cameras"
			   : index == STRING_NAME   ? identity->name
			   : index == STRING_SERIAL ? identity->serial
						    : NULL;

	if (index == 0) {
		PUT_BYTES(&w, 4, 3, 0x09, 0x04); /* English */
		return finish(&w);
	}
	if (!text || strlen(text) > 126)
		return 0;
	PUT_BYTES(&w, (uint8_t)(2 + 2 * strlen(text)), 3);
	for (; *text; text++)
		put(&w, 2, (uint8_t)*text);
	return finish(&w);
}
