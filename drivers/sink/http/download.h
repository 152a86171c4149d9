/* SPDX-License-Identifier: MIT */
/* Files for download, or a range of one (RFC 9110, section 14). For this folder's own use. */
#ifndef SINK_HTTP_DOWNLOAD_H
#define SINK_HTTP_DOWNLOAD_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct viewer;

enum range_kind { RANGE_ALL, RANGE_PART, RANGE_WRONG };

/* The header's range of a file of that size; several are taken as all. RANGE_WRONG: it begins behind the end.
 */
enum range_kind range_parse(const char *header, uint64_t size, uint64_t *first, uint64_t *count);

/* Answers with the file; takes the descriptor. It goes as far as it is now, also where it grows. */
enum MHD_Result download_answer(struct viewer *viewer, int fd, const char *type);

#endif
