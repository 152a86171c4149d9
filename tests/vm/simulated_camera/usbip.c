/* SPDX-License-Identifier: MIT */
#include "usbip.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COMMAND_SUBMIT = 1, COMMAND_UNLINK, RETURN_SUBMIT, RETURN_UNLINK };

/* All numbers are big-endian. */
struct header {
	uint32_t command, sequence, device, direction, endpoint;
	union {
		struct {
			uint32_t flags, length, start_frame, packets, interval;
			uint8_t setup[8];
		} submit;
		struct {
			uint32_t status, actual, start_frame, packets, errors;
		} submitted;
		uint32_t victim;
		uint32_t status;
		uint8_t bytes[28];
	};
};
_Static_assert(sizeof(struct header) == 48, "as on the wire");

struct wire_packet {
	uint32_t offset, length, actual, status;
};

static int receive_bytes(int socket, void *bytes, size_t size)
{
	uint8_t *next = bytes;

	while (size) {
		ssize_t got = recv(socket, next, size, MSG_WAITALL);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -ECONNRESET;
		next += got;
		size -= (size_t)got;
	}
	return 0;
}

static int send_parts(int socket, struct iovec *parts, int count)
{
	while (count) {
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
		ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -ECONNRESET;
		for (; count && (size_t)sent >= parts->iov_len; parts++, count--)
			sent -= (ssize_t)parts->iov_len;
		if (count) {
			parts->iov_base = (uint8_t *)parts->iov_base + sent;
			parts->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

static int receive_packets(int socket, struct usb_request *request)
{
	struct wire_packet wire[USBIP_PACKETS_MAXIMUM];
	int failed = receive_bytes(socket, wire, request->packet_count * sizeof(*wire));

	if (failed)
		return failed;
	request->packets = calloc(request->packet_count, sizeof(*request->packets));
	if (!request->packets)
		return -ENOMEM;
	for (uint32_t i = 0; i < request->packet_count; i++) {
		struct usb_packet *packet = request->packets + i;
		packet->offset = be32toh(wire[i].offset);
		packet->length = be32toh(wire[i].length);
		if (packet->offset > request->length || packet->length > request->length - packet->offset)
			return -EBADMSG;
	}
	return 0;
}

static int receive_submit(int socket, const struct header *header, struct usb_request *request)
{
	uint32_t packets = be32toh(header->submit.packets);

	request->in = be32toh(header->direction) != 0;
	request->endpoint = be32toh(header->endpoint);
	request->length = be32toh(header->submit.length);
	memcpy(request->setup, header->submit.setup, sizeof(request->setup));
	request->packet_count = packets == UINT32_MAX ? 0 : packets; /* UINT32_MAX: not isochronous */
	if (request->length > USBIP_LENGTH_MAXIMUM || request->packet_count > USBIP_PACKETS_MAXIMUM)
		return -EBADMSG;
	if (!request->in && request->length) {
		request->data = malloc(request->length);
		if (!request->data)
			return -ENOMEM;
		int failed = receive_bytes(socket, request->data, request->length);
		if (failed)
			return failed;
	}
	return request->packet_count ? receive_packets(socket, request) : 0;
}

int usbip_receive(int socket, struct usb_request **out)
{
	struct header header;
	struct usb_request *request;
	int failed = receive_bytes(socket, &header, sizeof(header));

	if (failed)
		return failed;
	request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	request->sequence = be32toh(header.sequence);
	switch (be32toh(header.command)) {
	case COMMAND_SUBMIT:
		failed = receive_submit(socket, &header, request);
		break;
	case COMMAND_UNLINK:
		request->unlink = true;
		request->victim = be32toh(header.victim);
		break;
	default:
		failed = -EBADMSG;
	}
	if (failed)
		usbip_request_free(request);
	else
		*out = request;
	return failed;
}

void usbip_request_free(struct usb_request *request)
{
	if (!request)
		return;
	free(request->data);
	free(request->packets);
	free(request);
}

int usbip_answer(
	int socket, const struct usb_request *request, int status, const uint8_t *data, uint32_t size)
{
	struct wire_packet wire[USBIP_PACKETS_MAXIMUM];
	struct header header = {.command = htobe32(RETURN_SUBMIT), .sequence = htobe32(request->sequence)};
	uint32_t errors = 0;

	for (uint32_t i = 0; i < request->packet_count; i++) {
		const struct usb_packet *packet = request->packets + i;
		wire[i] = (struct wire_packet){htobe32(packet->offset), htobe32(packet->length),
			htobe32(packet->actual), htobe32((uint32_t)packet->status)};
		errors += packet->status != 0;
	}
	header.submitted.status = htobe32((uint32_t)status);
	header.submitted.actual = htobe32(size);
	header.submitted.packets = htobe32(request->packet_count);
	header.submitted.errors = htobe32(errors);
	struct iovec parts[] = {
		{&header, sizeof(header)},
		{(void *)data, data ? size : 0},
		{wire, request->packet_count * sizeof(*wire)},
	};
	return send_parts(socket, parts, 3);
}

int usbip_answer_unlink(int socket, uint32_t sequence, bool taken_back)
{
	struct header header = {.command = htobe32(RETURN_UNLINK), .sequence = htobe32(sequence)};
	struct iovec part = {&header, sizeof(header)};

	header.status = htobe32((uint32_t)(taken_back ? -ECONNRESET : 0));
	return send_parts(socket, &part, 1);
}
