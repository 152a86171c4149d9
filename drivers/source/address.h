/* SPDX-License-Identifier: MIT */
/* Network addresses of sources: SCHEME://…. Messages name them without what is secret in them. */
#ifndef SOURCE_ADDRESS_H
#define SOURCE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of an address as messages show it, with its end. */
#define ADDRESS_TEXT_BYTES 128

/* Whether the name begins with SCHEME://. */
bool address_is(const char *name);

/* Whether it is an address that the driver of streams opens: rtsp, rtsps, http or https. */
bool address_is_stream(const char *name);

/*
 * The name for messages. Of an address: without user, password and query, and without a part of the path that
 * sets values (user=admin&password=…, as some cameras want it), "…" in their places and for what is too long;
 * it is made in `text`. A name that is no address is returned as it is.
 */
const char *address_show(const char *name, char text[ADDRESS_TEXT_BYTES]);

#endif
