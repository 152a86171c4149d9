/* SPDX-License-Identifier: MIT */
/* Whole answers. A refusal ends the connection. */
#ifndef SINK_HTTP_ANSWER_H
#define SINK_HTTP_ANSWER_H

#include <microhttpd.h>
#include <stddef.h>

/* With a copy of the text. type: as Content-Type has it. */
enum MHD_Result answer_text(
	struct MHD_Connection *connection, unsigned status, const char *type, char *text, size_t size);

/* With a copy of a page of HTML. policy: what it may do, as Content-Security-Policy has it. */
enum MHD_Result answer_page(struct MHD_Connection *connection, const char *policy, char *text, size_t size);

/* With one line, without its end, for people. */
enum MHD_Result answer_line(struct MHD_Connection *connection, unsigned status, const char *text);

#endif
