/* SPDX-License-Identifier: MIT */
/* The simulated camera without a VM: its descriptors, its answers, its frames as they go over the wire. */
#include "image/decode.h"
#include "pattern.h"
#include "stream.h"
#include "usbip.h"
#include "uvc.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void camera_log(const char *format, ...)
{
	(void)format;
}

static unsigned number_at(const uint8_t *bytes, int count)
{
	unsigned value = 0;

	while (count--)
		value = value << 8 | bytes[count];
	return value;
}

/* What a walk through a configuration finds. */
struct found {
	int interfaces, endpoints, formats, frames;
	unsigned control_total, streaming_total; /* from the headers */
	unsigned control_bytes, streaming_bytes; /* as they are */
};

static struct found walk(const uint8_t *bytes, size_t size)
{
	struct found f = {0};
	int interface = -1, alternate = 0, subtype;

	for (size_t at = 0; at < size; at += bytes[at]) {
		assert_true(bytes[at] >= 2 && at + bytes[at] <= size);
		subtype = bytes[at + 1] == 0x24 ? bytes[at + 2] : 0;
		if (bytes[at + 1] == 4) {
			interface = bytes[at + 2];
			alternate = bytes[at + 3];
			f.interfaces++;
		}
		f.endpoints += bytes[at + 1] == 5;
		if (!subtype)
			continue;
		assert_int_equal(alternate, 0);
		*(interface == 0 ? &f.control_bytes : &f.streaming_bytes) += bytes[at];
		if (subtype == 1 && interface == 0)
			f.control_total = number_at(bytes + at + 5, 2);
		else if (subtype == 1)
			f.streaming_total = number_at(bytes + at + 4, 2);
		else if (interface == 1 && (subtype == 4 || subtype == 6))
			assert_int_equal(bytes[at + 3], ++f.formats);
		else if (interface == 1 && (subtype == 5 || subtype == 7))
			f.frames++;
	}
	return f;
}

static void test_configurations_add_up(void **state)
{
	uint8_t bytes[UVC_DESCRIPTOR_MAXIMUM];

	(void)state;
	for (unsigned formats = 1; formats < 1U << UVC_FORMATS; formats++)
		for (int bulk = 0; bulk < 2; bulk++) {
			struct uvc_identity identity = {"camera", "1", bulk, formats};
			size_t size = uvc_configuration_descriptor(&identity, bytes, sizeof(bytes));
			int frames = 0;
			assert_true(size > 9);
			assert_int_equal(number_at(bytes + 2, 2), size);
			struct found f = walk(bytes, size);
			for (int i = 0; i < UVC_FORMATS; i++)
				frames += formats >> i & 1 ? uvc_formats[i].size_count : 0;
			assert_int_equal(f.formats, __builtin_popcount(formats));
			assert_int_equal(f.frames, frames);
			assert_int_equal(f.control_total, f.control_bytes);
			assert_int_equal(f.streaming_total, f.streaming_bytes);
			assert_int_equal(f.interfaces, bulk ? 2 : 5);
			assert_int_equal(f.endpoints, bulk ? 1 : 3);
			assert_int_equal(uvc_configuration_descriptor(&identity, bytes, size - 1), 0);
		}
}

static void test_device_and_strings(void **state)
{
	struct uvc_identity identity = {"Eye", "S7", false, 1};
	uint8_t bytes[UVC_DESCRIPTOR_MAXIMUM];

	(void)state;
	assert_int_equal(uvc_device_descriptor(bytes, sizeof(bytes)), 18);
	assert_int_equal(bytes[0], 18);
	assert_int_equal(uvc_string_descriptor(&identity, 2, bytes, sizeof(bytes)), 8);
	assert_memory_equal(bytes,
		"\x08\x03"
		"E\0y\0e\0",
		8);
	assert_int_equal(uvc_string_descriptor(&identity, 3, bytes, sizeof(bytes)), 6);
	assert_int_equal(uvc_string_descriptor(&identity, 4, bytes, sizeof(bytes)), 0);
	assert_int_equal(uvc_string_descriptor(&identity, 0, bytes, sizeof(bytes)), 4);
}

/* A class request to `entity` (low byte the interface, high byte the unit). */
static int ask(struct uvc_control *control, int request, int selector, int entity, const uint8_t *data,
	uint32_t length, uint8_t *answer)
{
	uint8_t setup[8] = {request & 0x80 ? 0xa1 : 0x21, (uint8_t)request, 0, (uint8_t)selector,
		(uint8_t)entity, (uint8_t)(entity >> 8), (uint8_t)length, 0};
	uint32_t size;
	int failed = uvc_control_request(control, setup, data, length, answer, &size);

	return failed ? failed : (int)size;
}

static void test_stream_is_negotiated(void **state)
{
	struct uvc_identity identity = {"camera", "1", false, 1U << UVC_MJPEG | 1U << UVC_GREY};
	struct uvc_control control;
	uint8_t probe[UVC_PROBE_LENGTH] = {0}, answer[UVC_DESCRIPTOR_MAXIMUM];

	(void)state;
	uvc_control_begin(&control, &identity);
	probe[2] = 2;
	probe[3] = 7; /* no such size */
	probe[4] = 0x80;
	probe[5] = 0x4f;
	probe[6] = 0x12; /* 1200000: the slowest comes nearest */
	assert_int_equal(ask(&control, 0x01, 1, 1, probe, sizeof(probe), answer), 0);
	assert_int_equal(ask(&control, 0x81, 1, 1, NULL, sizeof(probe), answer), UVC_PROBE_LENGTH);
	assert_int_equal(answer[3], 1);
	assert_int_equal(number_at(answer + 4, 4), 1000000);
	assert_int_equal(number_at(answer + 18, 4), 320 * 240);
	assert_int_equal(ask(&control, 0x01, 2, 1, answer, UVC_PROBE_LENGTH, answer), 0);
	assert_int_equal(control.choice.format, UVC_GREY);
	assert_int_equal(control.choice.interval, 1000000);
	assert_false(control.streaming);
	control.probe_stalls = true;
	assert_int_equal(ask(&control, 0x81, 1, 1, NULL, sizeof(probe), answer), -EPIPE);
	assert_int_equal(ask(&control, 0x01, 1, 1, NULL, sizeof(probe), answer), -EPIPE);
}

static void test_controls(void **state)
{
	enum { EXPOSURE_MODE = 2, EXPOSURE_TIME = 4, BRIGHTNESS = 2, CAMERA = 0x100, PROCESSING = 0x200 };
	struct uvc_identity identity = {"camera", "1", false, 1};
	struct uvc_control control;
	uint8_t answer[UVC_DESCRIPTOR_MAXIMUM];

	(void)state;
	uvc_control_begin(&control, &identity);
	assert_int_equal(ask(&control, 0x83, BRIGHTNESS, PROCESSING, NULL, 2, answer), 2);
	assert_int_equal(number_at(answer, 2), 255);
	assert_int_equal(ask(&control, 0x01, BRIGHTNESS, PROCESSING, (uint8_t[]){77, 0}, 2, answer), 0);
	ask(&control, 0x81, BRIGHTNESS, PROCESSING, NULL, 2, answer);
	assert_int_equal(number_at(answer, 2), 77);
	assert_int_equal(ask(&control, 0x01, BRIGHTNESS, PROCESSING, (uint8_t[]){0, 1}, 2, answer), -EPIPE);
	/* The exposure time can be set once automatic exposure is off; the device reports why it refuses. */
	assert_int_equal(
		ask(&control, 0x01, EXPOSURE_TIME, CAMERA, (uint8_t[]){100, 0, 0, 0}, 4, answer), -EPIPE);
	assert_int_equal(ask(&control, 0x81, 2, 0, NULL, 1, answer), 1);
	assert_int_equal(answer[0], 2);
	assert_int_equal(ask(&control, 0x01, EXPOSURE_MODE, CAMERA, (uint8_t[]){1}, 1, answer), 0);
	assert_int_equal(ask(&control, 0x01, EXPOSURE_TIME, CAMERA, (uint8_t[]){100, 0, 0, 0}, 4, answer), 0);
}

struct wire {
	int host, device;
};

static struct wire wire_open(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	return (struct wire){pair[0], pair[1]};
}

static void wire_close(struct wire wire)
{
	close(wire.host);
	close(wire.device);
}

/* The host's side: twelve numbers, big-endian. */
static void host_sends(struct wire wire, const uint32_t numbers[12])
{
	uint32_t bytes[12];

	for (int i = 0; i < 12; i++)
		bytes[i] = htobe32(numbers[i]);
	assert_int_equal(write(wire.host, bytes, sizeof(bytes)), sizeof(bytes));
}

static void host_receives(struct wire wire, uint32_t *numbers, int count)
{
	assert_int_equal(recv(wire.host, numbers, 4 * (size_t)count, MSG_WAITALL), 4 * count);
	for (int i = 0; i < count; i++)
		numbers[i] = be32toh(numbers[i]);
}

static void test_usbip_there_and_back(void **state)
{
	struct wire wire = wire_open();
	struct usb_request *request;
	uint32_t answer[20], packets[8];

	(void)state;
	host_sends(wire, (const uint32_t[12]){1, 42, 0, 1, 1, 0, 200, 0, 2, 1});
	uint32_t sent[8] = {0, htobe32(100), 0, 0, htobe32(100), htobe32(100)};
	assert_int_equal(write(wire.host, sent, sizeof(sent)), sizeof(sent));
	assert_int_equal(usbip_receive(wire.device, &request), 0);
	assert_true(request->in && !request->unlink);
	assert_int_equal(request->sequence, 42);
	assert_int_equal(request->endpoint, 1);
	assert_int_equal(request->length, 200);
	assert_int_equal(request->packet_count, 2);
	assert_int_equal(request->packets[1].offset, 100);
	request->packets[0].actual = 3;
	request->packets[1].status = -EXDEV;
	assert_int_equal(usbip_answer(wire.device, request, 0, (const uint8_t *)"abc", 3), 0);
	host_receives(wire, answer, 12);
	assert_int_equal(answer[0], 3);
	assert_int_equal(answer[1], 42);
	assert_int_equal(answer[6], 3); /* bytes */
	assert_int_equal(answer[8], 2); /* packets */
	assert_int_equal(answer[9], 1); /* of them failed */
	char data[3];
	assert_int_equal(recv(wire.host, data, 3, MSG_WAITALL), 3);
	assert_memory_equal(data, "abc", 3);
	host_receives(wire, packets, 8);
	assert_int_equal(packets[2], 3);
	assert_int_equal((int)packets[7], -EXDEV);
	usbip_request_free(request);

	host_sends(wire, (const uint32_t[12]){2, 43, 0, 0, 0, 42});
	assert_int_equal(usbip_receive(wire.device, &request), 0);
	assert_true(request->unlink);
	assert_int_equal(request->victim, 42);
	assert_int_equal(usbip_answer_unlink(wire.device, 43, true), 0);
	host_receives(wire, answer, 12);
	assert_int_equal(answer[0], 4);
	assert_int_equal((int)answer[5], -ECONNRESET);
	usbip_request_free(request);
	wire_close(wire);
}

static void test_usbip_refuses(void **state)
{
	static const uint32_t bad[][12] = {
		{9, 1},
		{1, 1, 0, 1, 1, 0, USBIP_LENGTH_MAXIMUM + 1},
		{1, 1, 0, 1, 1, 0, 100, 0, USBIP_PACKETS_MAXIMUM + 1},
	};
	struct usb_request *request;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wire wire = wire_open();
		host_sends(wire, bad[i]);
		assert_int_equal(usbip_receive(wire.device, &request), -EBADMSG);
		wire_close(wire);
	}
	/* A packet that reaches beyond its transfer. */
	struct wire wire = wire_open();
	host_sends(wire, (const uint32_t[12]){1, 1, 0, 1, 1, 0, 100, 0, 1});
	uint32_t packet[4] = {htobe32(60), htobe32(50)};
	assert_int_equal(write(wire.host, packet, sizeof(packet)), sizeof(packet));
	assert_int_equal(usbip_receive(wire.device, &request), -EBADMSG);
	close(wire.host);
	assert_int_equal(usbip_receive(wire.device, &request), -ECONNRESET);
	close(wire.device);
}

/* A stream of one format at one size, and the frames that come out at the host's end. */
struct fixture {
	struct wire wire;
	struct uvc_identity identity;
	struct uvc_control control;
	struct video video;
	struct stream stream;
	uint32_t sequence;
	uint8_t frame[640 * 480 * 2 + 16];
	size_t size;
	bool error, toggle;
};

static struct fixture *stream_open(enum uvc_format format, int size)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->wire = wire_open();
	f->identity = (struct uvc_identity){"camera", "1", true, (1U << UVC_FORMATS) - 1};
	uvc_control_begin(&f->control, &f->identity);
	f->control.choice = (struct uvc_stream_choice){format, size, 333333};
	f->control.streaming = true;
	video_begin(&f->video, "nowhere");
	stream_begin(&f->stream, &f->video);
	return f;
}

static void stream_close(struct fixture *f)
{
	stream_reset(&f->stream);
	video_finish(&f->video);
	wire_close(f->wire);
	free(f);
}

/* One bulk payload: returns its flags. */
static unsigned take_payload(struct fixture *f)
{
	struct usb_request *request = calloc(1, sizeof(*request));
	uint32_t header[12];
	uint8_t payload[UVC_BULK_PAYLOAD];

	assert_non_null(request);
	request->sequence = f->sequence++;
	request->in = true;
	request->endpoint = UVC_STREAM_ENDPOINT;
	request->length = UVC_BULK_PAYLOAD;
	stream_take(&f->stream, request);
	f->stream.due = 0;
	assert_int_equal(stream_serve(&f->stream, f->wire.device, &f->control), 0);
	host_receives(f->wire, header, 12);
	assert_in_range(header[6], 2, UVC_BULK_PAYLOAD);
	assert_int_equal(recv(f->wire.host, payload, header[6], MSG_WAITALL), header[6]);
	assert_int_equal(payload[0], 2);
	assert_true(f->size + header[6] - 2 <= sizeof(f->frame));
	memcpy(f->frame + f->size, payload + 2, header[6] - 2);
	f->size += header[6] - 2;
	return payload[1];
}

static void take_frame(struct fixture *f)
{
	unsigned flags;
	bool first = true;

	f->size = 0;
	do {
		flags = take_payload(f);
		assert_true(first || f->toggle == (flags & 1));
		f->toggle = flags & 1;
		f->error = flags & 0x40;
		first = false;
	} while (!(flags & 2));
}

/* The number that a decoded raw frame shows. */
static int shown(const uint8_t *data, enum pixel_format format, int width, int height, unsigned *number)
{
	struct raw_picture raw = {
		format, width, height, (uint8_t *)data, pattern_size(format, width, height), 0};
	struct picture picture = {0};
	int failed = picture_decode(&raw, 1, &picture, NULL);

	if (!failed)
		failed = pattern_read_number(&picture, (struct region){0, 0, width, height}, number);
	picture_finish(&picture);
	return failed;
}

static void test_frames_are_numbered(void **state)
{
	static const struct {
		enum uvc_format format;
		int size;
		enum pixel_format pixels;
		int width, height;
	} kinds[] = {{UVC_YUYV, 0, PIXEL_YUYV, 640, 480}, {UVC_YUYV, 1, PIXEL_YUYV, 320, 240},
		{UVC_NV12, 0, PIXEL_NV12, 640, 480}, {UVC_GREY, 0, PIXEL_GREY, 320, 240}};
	unsigned number;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct fixture *f = stream_open(kinds[i].format, kinds[i].size);
		bool toggle = true;
		for (unsigned frame = 0; frame < 3; frame++) {
			take_frame(f);
			assert_int_equal(
				f->size, pattern_size(kinds[i].pixels, kinds[i].width, kinds[i].height));
			assert_int_equal(
				shown(f->frame, kinds[i].pixels, kinds[i].width, kinds[i].height, &number),
				0);
			assert_int_equal(number, frame);
			assert_true(frame == 0 || toggle != f->toggle);
			toggle = f->toggle;
		}
		assert_int_equal(f->stream.sent_whole, 3);
		f->stream.frozen_until = INT64_MAX;
		take_frame(f);
		assert_int_equal(
			shown(f->frame, kinds[i].pixels, kinds[i].width, kinds[i].height, &number), 0);
		assert_int_equal(number, 2);
		stream_close(f);
	}
}

static void test_faults_spoil_as_many_frames(void **state)
{
	struct fixture *f = stream_open(UVC_GREY, 0);
	size_t whole = 320 * 240;

	(void)state;
	f->video.faults[FAULT_TRUNCATE] = 1;
	take_frame(f);
	assert_int_equal(f->size, whole / 2);
	f->video.faults[FAULT_SHORT] = 1;
	take_frame(f);
	assert_int_equal(f->size, whole - whole / 16);
	f->video.faults[FAULT_EMPTY] = 1;
	take_frame(f);
	assert_int_equal(f->size, 0);
	f->video.faults[FAULT_ERROR] = 2;
	take_frame(f);
	assert_true(f->error);
	take_frame(f);
	assert_true(f->error);
	take_frame(f);
	assert_false(f->error);
	assert_int_equal(f->size, whole);
	assert_int_equal(f->stream.sent_spoiled, 5);
	assert_int_equal(f->stream.sent_whole, 1);
	stream_close(f);
}

static void test_lost_packet_spoils_its_frame(void **state)
{
	struct fixture *f = stream_open(UVC_GREY, 0);
	struct usb_request *request = calloc(1, sizeof(*request));
	uint32_t header[12], packets[8];
	uint8_t data[2000];

	(void)state;
	f->identity.bulk = false;
	assert_non_null(request);
	request->in = true;
	request->packet_count = 2;
	request->packets = calloc(2, sizeof(*request->packets));
	request->length = 2000;
	request->packets[0].length = request->packets[1].length = request->packets[1].offset = 1000;
	f->video.faults[FAULT_LOST_PACKETS] = 1;
	stream_take(&f->stream, request);
	assert_int_equal(stream_serve(&f->stream, f->wire.device, &f->control), 0);
	host_receives(f->wire, header, 12);
	assert_int_equal(header[6], 1000);
	assert_int_equal(recv(f->wire.host, data, 1000, MSG_WAITALL), 1000);
	host_receives(f->wire, packets, 8);
	assert_int_equal((int)packets[3], -EXDEV);
	assert_int_equal(packets[6], 1000);
	assert_int_equal((int)packets[7], 0);
	assert_true(f->stream.spoiled);
	assert_int_equal(f->stream.position, 2 * 998);
	stream_close(f);
}

static void test_stream_waits(void **state)
{
	struct fixture *f = stream_open(UVC_GREY, 0);

	(void)state;
	assert_true(stream_next(&f->stream, &f->control) == INT64_MAX);
	take_frame(f);
	int64_t next;
	struct usb_request *request = calloc(1, sizeof(*request));
	assert_non_null(request);
	request->sequence = 77;
	stream_take(&f->stream, request);
	f->stream.due = next = stream_now() + 1000000000000;
	assert_true(stream_next(&f->stream, &f->control) == next);
	f->stream.stalled_until = next + 5;
	assert_true(stream_next(&f->stream, &f->control) == next + 5);
	f->control.streaming = false;
	assert_true(stream_next(&f->stream, &f->control) == INT64_MAX);
	assert_false(stream_take_back(&f->stream, 76));
	assert_true(stream_take_back(&f->stream, 77));
	assert_null(f->stream.waiting);
	stream_close(f);
}

static void test_torn_frames_are_seen(void **state)
{
	enum { WIDTH = 320, HEIGHT = 240 };
	uint8_t data[WIDTH * HEIGHT], other[WIDTH * HEIGHT];
	struct canvas canvas = pattern_canvas(PIXEL_GREY, data, WIDTH, HEIGHT);
	struct canvas second = pattern_canvas(PIXEL_GREY, other, WIDTH, HEIGHT);
	unsigned number;

	(void)state;
	pattern_draw(&canvas);
	assert_int_equal(shown(data, PIXEL_GREY, WIDTH, HEIGHT, &number), -ENODATA);
	pattern_draw_number(&canvas, 0xa5c3);
	assert_int_equal(shown(data, PIXEL_GREY, WIDTH, HEIGHT, &number), 0);
	assert_int_equal(number, 0xa5c3);
	pattern_draw(&second);
	pattern_draw_number(&second, 0xa5c4);
	memcpy(data + sizeof(data) / 2, other + sizeof(data) / 2, sizeof(data) / 2);
	assert_int_equal(shown(data, PIXEL_GREY, WIDTH, HEIGHT, &number), -EILSEQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configurations_add_up),
		cmocka_unit_test(test_device_and_strings),
		cmocka_unit_test(test_stream_is_negotiated),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_usbip_there_and_back),
		cmocka_unit_test(test_usbip_refuses),
		cmocka_unit_test(test_frames_are_numbered),
		cmocka_unit_test(test_faults_spoil_as_many_frames),
		cmocka_unit_test(test_lost_packet_spoils_its_frame),
		cmocka_unit_test(test_stream_waits),
		cmocka_unit_test(test_torn_frames_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
