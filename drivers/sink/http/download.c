/* SPDX-License-Identifier: MIT */
#include "sink/http/download.h"

#include "sink/http/answer.h"
#include "sink/http/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536

/* Digits, then `end`. NULL: it is not that. */
static const char *take_number(const char *text, char end, uint64_t *out)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 18 || text[digits] != end)
		return NULL;
	*out = strtoull(text, NULL, 10);
	return text + digits + (end != '\0');
}

enum range_kind range_parse(const char *header, uint64_t size, uint64_t *first, uint64_t *count)
{
	uint64_t last = size ? size - 1 : 0, end;

	*first = 0;
	*count = size;
	if (!header || strncmp(header, "bytes=", 6) != 0)
		return RANGE_ALL;
	header += 6;
	if (*header == '-') { /* the last so many */
		if (!take_number(header + 1, '\0', &end))
			return RANGE_ALL;
		*first = end < size ? size - end : 0;
		*count = size - *first;
		return *count ? RANGE_PART : RANGE_WRONG;
	}
	const char *rest = take_number(header, '-', first);
	if (!rest || (*rest && (!take_number(rest, '\0', &end) || end < *first))) {
		*first = 0;
		return RANGE_ALL;
	}
	if (*first >= size)
		return RANGE_WRONG;
	if (*rest && end < last)
		last = end;
	*count = last - *first + 1;
	return RANGE_PART;
}

struct download {
	int fd;
	uint64_t first;
	struct http_server *server;
	struct link *link;
};

static ssize_t read_file(void *cls, uint64_t position, char *to, size_t room)
{
	const struct download *d = cls;
	ssize_t got;

	pthread_mutex_lock(&d->server->lock);
	link_step(d->link);
	pthread_mutex_unlock(&d->server->lock);
	do
		got = pread(d->fd, to, room, (off_t)(d->first + position));
	while (got < 0 && errno == EINTR);
	return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR; /* it was cut, or the disk fails */
}

static void free_download(void *cls)
{
	struct download *d = cls;

	close(d->fd);
	free(d);
}

static enum MHD_Result answer(struct viewer *viewer, int fd, const char *type, uint64_t size)
{
	const char *header =
		MHD_lookup_connection_value(viewer->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
	struct download *d = malloc(sizeof(*d));
	uint64_t first, count;
	char range[80];

	if (!d) {
		close(fd);
		return MHD_NO;
	}
	enum range_kind kind = range_parse(header, size, &first, &count);
	*d = (struct download){fd, first, viewer->server, viewer->link};
	struct MHD_Response *response =
		kind == RANGE_WRONG
			? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
			: MHD_create_response_from_callback(count, BLOCK, read_file, d, free_download);
	if (!response || kind == RANGE_WRONG)
		free_download(d);
	if (!response)
		return MHD_NO;
	if (kind == RANGE_WRONG)
		snprintf(range, sizeof(range), "bytes */%" PRIu64, size);
	else
		snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
			first + count - 1, size);
	if (kind != RANGE_ALL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "Content-Disposition", "attachment");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	static const unsigned statuses[] = {
		[RANGE_ALL] = MHD_HTTP_OK, [RANGE_PART] = MHD_HTTP_PARTIAL_CONTENT, [RANGE_WRONG] = 416};
	enum MHD_Result done = MHD_queue_response(viewer->connection, statuses[kind], response);
	MHD_destroy_response(response);
	return done;
}

enum MHD_Result download_answer(struct viewer *viewer, int fd, const char *type)
{
	struct stat status;

	if (fstat(fd, &status)) {
		close(fd);
		return MHD_NO;
	}
	return answer(viewer, fd, type, (uint64_t)status.st_size);
}
