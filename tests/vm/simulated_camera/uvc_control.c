/* SPDX-License-Identifier: MIT */
#include "uvc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Type and request of a setup packet, together: 0x80 is to the host, 0x20 of the class, 1 to an interface, 2
 * to an endpoint. */
enum {
	GET_STATUS = 0x8000,
	GET_DESCRIPTOR = 0x8006,
	SET_CONFIGURATION = 0x0009,
	SET_INTERFACE = 0x010b,
	CLEAR_FEATURE = 0x0201,
	SET_CURRENT = 0x2101,
};

/* The request of a class request to the host. */
enum { CURRENT = 0x81, MINIMUM, MAXIMUM, RESOLUTION, LENGTH, INFORMATION, DEFAULT };
enum { ERROR_WRONG_STATE = 2, ERROR_RANGE = 4, ERROR_CONTROL = 6 };
enum { SELECT_ERROR_CODE = 2, SELECT_PROBE = 1, SELECT_COMMIT = 2 };

enum { EXPOSURE_MODE, EXPOSURE_TIME };
#define EXPOSURE_MANUAL 1

static const struct control_kind {
	const char *name;
	uint8_t unit, selector, length;
	int32_t minimum, maximum, resolution, initial;
} controls[UVC_CONTROLS] = {
	/* Modes are bits, and the resolution has those that exist: manual, and aperture priority. */
	[EXPOSURE_MODE] = {"automatic exposure", 1, 2, 1, 1, 8, 9, 8},
	[EXPOSURE_TIME] = {"exposure time", 1, 4, 4, 3, 2047, 1, 250}, /* 100 µs */
	{"brightness", 2, 2, 2, 0, 255, 1, 128},
	{"contrast", 2, 3, 2, 0, 95, 1, 32},
	{"power line frequency", 2, 5, 1, 0, 2, 1, 1},
};

static uint32_t get_number(const uint8_t *bytes, int count)
{
	uint32_t value = 0;

	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

static void set_number(uint8_t *bytes, int count, uint32_t value)
{
	for (; count-- > 0; value >>= 8)
		*bytes++ = (uint8_t)value;
}

void uvc_control_begin(struct uvc_control *control, const struct uvc_identity *identity)
{
	*control = (struct uvc_control){.identity = identity};
	for (int i = 0; i < UVC_CONTROLS; i++)
		control->values[i] = controls[i].initial;
}

/* Bytes 2 and 3 of probe and commit are format and frame from 1, 4 … the interval, 18 … the largest frame, 22
 * … the bytes of a payload, from which the host chooses an alternate setting. */
static struct uvc_stream_choice probe_settle(struct uvc_control *control)
{
	uint8_t *probe = control->probe;
	uint32_t interval = get_number(probe + 4, 4);
	struct uvc_stream_choice choice = {.interval = uvc_intervals[0]};

	if (probe[2] < 1 || uvc_format_offered(control->identity, probe[2] - 1) == UVC_FORMATS)
		probe[2] = 1;
	choice.format = uvc_format_offered(control->identity, probe[2] - 1);
	if (probe[3] < 1 || probe[3] > uvc_formats[choice.format].size_count)
		probe[3] = 1;
	choice.size = probe[3] - 1;
	for (int i = 1; i < UVC_INTERVALS; i++)
		if (interval > (uvc_intervals[i - 1] + uvc_intervals[i]) / 2)
			choice.interval = uvc_intervals[i];
	set_number(probe + 4, 4, choice.interval);
	set_number(probe + 18, 4, (uint32_t)uvc_frame_size(choice.format, choice.size));
	uint32_t payload =
		choice.format == UVC_MJPEG || uvc_formats[choice.format].sizes[choice.size].width < 640
			? 1024
			: 3072;
	set_number(probe + 22, 4, control->identity->bulk ? UVC_BULK_PAYLOAD : payload);
	return choice;
}

static int stream_request(struct uvc_control *control, int request, int selector, const uint8_t *data,
	uint32_t length, uint8_t *answer, uint32_t *size)
{
	struct uvc_stream_choice choice;

	if (control->probe_stalls || (selector != SELECT_PROBE && selector != SELECT_COMMIT))
		return -EPIPE;
	switch (request) {
	case SET_CURRENT & 0xff:
		memcpy(control->probe, data, length < UVC_PROBE_LENGTH ? length : UVC_PROBE_LENGTH);
		choice = probe_settle(control);
		if (selector == SELECT_COMMIT) {
			control->choice = choice;
			control->streaming = control->identity->bulk;
			camera_log("commit %s %ux%u %.0f", uvc_formats[choice.format].name,
				uvc_formats[choice.format].sizes[choice.size].width,
				uvc_formats[choice.format].sizes[choice.size].height, 1e7 / choice.interval);
		}
		return 0;
	case INFORMATION:
		answer[0] = 3; /* can be read and written */
		*size = 1;
		return 0;
	case LENGTH:
		set_number(answer, 2, UVC_PROBE_LENGTH);
		*size = 2;
		return 0;
	default:
		probe_settle(control);
		memcpy(answer, control->probe, UVC_PROBE_LENGTH);
		*size = UVC_PROBE_LENGTH;
		return 0;
	}
}

static int refuse(struct uvc_control *control, uint8_t why)
{
	control->last_error = why;
	return -EPIPE;
}

static int control_set(struct uvc_control *control, int i, const uint8_t *data, uint32_t length)
{
	int32_t value;

	if (length < controls[i].length)
		return refuse(control, ERROR_RANGE);
	value = (int32_t)get_number(data, controls[i].length);
	if (value < controls[i].minimum || value > controls[i].maximum)
		return refuse(control, ERROR_RANGE);
	if (i == EXPOSURE_TIME && control->values[EXPOSURE_MODE] != EXPOSURE_MANUAL)
		return refuse(control, ERROR_WRONG_STATE);
	control->values[i] = value;
	camera_log("set %s %d", controls[i].name, (int)value);
	return 0;
}

static int control_get(const struct uvc_control *control, int request, int i, uint8_t *answer, uint32_t *size)
{
	const struct control_kind *kind = controls + i;
	int32_t value;

	*size = kind->length;
	switch (request) {
	case CURRENT:
		value = control->values[i];
		break;
	case MINIMUM:
		value = kind->minimum;
		break;
	case MAXIMUM:
		value = kind->maximum;
		break;
	case RESOLUTION:
		value = kind->resolution;
		break;
	case DEFAULT:
		value = kind->initial;
		break;
	case INFORMATION:
		*size = 1;
		value = 3;
		break;
	case LENGTH:
		*size = 2;
		value = kind->length;
		break;
	default:
		return -EPIPE;
	}
	set_number(answer, (int)*size, (uint32_t)value);
	return 0;
}

static int unit_request(struct uvc_control *control, int request, int unit, int selector, const uint8_t *data,
	uint32_t length, uint8_t *answer, uint32_t *size)
{
	if (unit == 0 && selector == SELECT_ERROR_CODE && request == CURRENT) {
		answer[0] = control->last_error;
		*size = 1;
		return 0;
	}
	for (int i = 0; i < UVC_CONTROLS; i++)
		if (controls[i].unit == unit && controls[i].selector == selector)
			return request == (SET_CURRENT & 0xff)
				       ? control_set(control, i, data, length)
				       : control_get(control, request, i, answer, size);
	return refuse(control, ERROR_CONTROL);
}

static int get_descriptor(
	const struct uvc_control *control, int kind, int index, uint8_t *answer, uint32_t *size)
{
	size_t length = 0;

	if (kind == 1)
		length = uvc_device_descriptor(answer, UVC_DESCRIPTOR_MAXIMUM);
	else if (kind == 2)
		length = uvc_configuration_descriptor(control->identity, answer, UVC_DESCRIPTOR_MAXIMUM);
	else if (kind == 3)
		length = uvc_string_descriptor(control->identity, index, answer, UVC_DESCRIPTOR_MAXIMUM);
	*size = (uint32_t)length;
	return length ? 0 : -EPIPE;
}

static int answer_request(struct uvc_control *control, const uint8_t setup[8], const uint8_t *data,
	uint32_t length, uint8_t *answer, uint32_t *size)
{
	int value = (int)get_number(setup + 2, 2), index = (int)get_number(setup + 4, 2);

	switch (setup[0] << 8 | setup[1]) {
	case GET_DESCRIPTOR:
		return get_descriptor(control, value >> 8, value & 0xff, answer, size);
	case GET_STATUS:
		set_number(answer, 2, 0);
		*size = 2;
		return 0;
	case SET_CONFIGURATION:
		return 0;
	case SET_INTERFACE: /* an alternate setting of the isochronous stream: 0 stops it */
		if (index == 1 && !control->identity->bulk)
			control->streaming = value != 0;
		return 0;
	case CLEAR_FEATURE: /* halt of the bulk stream: how a host stops it */
		if (control->identity->bulk)
			control->streaming = false;
		return 0;
	default:
		break;
	}
	if ((setup[0] & 0x7f) != SET_CURRENT >> 8)
		return -EPIPE;
	if ((index & 0xff) == 1)
		return stream_request(control, setup[1], value >> 8, data, length, answer, size);
	return unit_request(control, setup[1], index >> 8, value >> 8, data, length, answer, size);
}

int uvc_control_request(struct uvc_control *control, const uint8_t setup[8], const uint8_t *data,
	uint32_t length, uint8_t *answer, uint32_t *size)
{
	uint32_t wanted = get_number(setup + 6, 2);
	int failed;

	*size = 0;
	if (!(setup[0] & 0x80) && wanted && (!data || length < wanted))
		return -EPIPE;
	failed = answer_request(control, setup, data, length, answer, size);
	if (*size > wanted)
		*size = wanted;
	return failed;
}
