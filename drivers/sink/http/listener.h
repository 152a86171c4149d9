/* SPDX-License-Identifier: MIT */
/* The address of --serve, and the socket that listens there. */
#ifndef SINK_HTTP_LISTENER_H
#define SINK_HTTP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

struct error;

struct listener {
	int fd;
	bool local;    /* only programs of this machine reach it */
	char url[320]; /* "http://127.0.0.1:8080/" */
};

/*
 * text: PORT, ADDRESS:PORT or [ADDRESS]:PORT; without an address 127.0.0.1. Port 0: any that is free.
 * -EINVAL: that is no such text, and the error is a sentence without the option; else as the system says.
 */
int listener_open(const char *text, bool secure, struct listener *out, struct error *e);

#endif
