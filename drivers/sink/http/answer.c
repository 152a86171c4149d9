/* SPDX-License-Identifier: MIT */
#include "sink/http/answer.h"

#include "recorder/text.h"

enum MHD_Result answer_text(
	struct MHD_Connection *connection, unsigned status, const char *type, char *text, size_t size)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
			"Basic realm=\"twobit\", charset=\"UTF-8\"");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status >= MHD_HTTP_BAD_REQUEST) /* what follows such a request is not read */
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result done = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return done;
}

enum MHD_Result answer_line(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct text_builder line = {0};

	text_add(&line, "%s\n", text);
	enum MHD_Result done = line.failed ? MHD_NO
					   : answer_text(connection, status, "text/plain; charset=utf-8",
						     line.data, line.length);
	text_finish(&line);
	return done;
}
