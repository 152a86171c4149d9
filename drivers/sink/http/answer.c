/* SPDX-License-Identifier: MIT */
#include "sink/http/answer.h"

#include "recorder/text.h"

/* policy: NULL: the text is no page. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
	const char *policy, char *text, size_t size)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	if (policy)
		MHD_add_response_header(response, "Content-Security-Policy", policy);
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
			"Basic realm=\"twobit\", charset=\"UTF-8\"");
	if (status >= MHD_HTTP_BAD_REQUEST) /* what follows such a request is not read */
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result done = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return done;
}

enum MHD_Result answer_text(
	struct MHD_Connection *connection, unsigned status, const char *type, char *text, size_t size)
{
	return answer(connection, status, type, NULL, text, size);
}

enum MHD_Result answer_page(struct MHD_Connection *connection, const char *policy, char *text, size_t size)
{
	return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", policy, text, size);
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
