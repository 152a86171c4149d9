/* SPDX-License-Identifier: MIT */
/*
 * The device's side of USB/IP, as Documentation/usb/usbip_protocol.rst of the kernel describes it: requests
 * of the host come over a socket, and each is answered once, in any order.
 */
#ifndef VM_USBIP_H
#define VM_USBIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USBIP_LENGTH_MAXIMUM (1 << 20) /* bytes of a transfer */
#define USBIP_PACKETS_MAXIMUM 1024

/* One isochronous packet of a transfer. */
struct usb_packet {
	uint32_t offset, length, actual; /* bytes */
	int32_t status;			 /* 0 or a negative errno */
};

struct usb_request {
	uint32_t sequence;
	bool unlink; /* takes back the request `victim`; nothing below is set */
	uint32_t victim;
	bool in;	   /* device to host */
	uint32_t endpoint; /* 0: control */
	uint32_t length;   /* bytes wanted, or in data */
	uint8_t setup[8];
	uint8_t *data; /* host to device */
	uint32_t packet_count;
	struct usb_packet *packets;
	struct usb_request *next; /* for the list of its current owner */
};

/* Waits for a request; the caller frees it. -ECONNRESET: the host is gone; -EBADMSG: not the protocol;
 * -ENOMEM. */
int usbip_receive(int socket, struct usb_request **out);
void usbip_request_free(struct usb_request *request); /* takes NULL */

/* status: 0 or a negative errno. data: what goes to the host, size bytes, packets without gaps; NULL:
 * nothing. */
int usbip_answer(
	int socket, const struct usb_request *request, int status, const uint8_t *data, uint32_t size);
/* taken_back: the request was still waiting, and gets no answer of its own. */
int usbip_answer_unlink(int socket, uint32_t sequence, bool taken_back);

#endif
