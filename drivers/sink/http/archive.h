/* SPDX-License-Identifier: MIT */
/*
 * The recordings, for this folder's own use: their list, their pictures and labels, and the files themselves.
 * Only files of the recorder's pattern in its folder are reached. A thread of its own reads what is looked
 * for, so that a slow disk holds up no other viewer.
 *
 *     GET /api/recordings                              the list
 *     GET /recordings/NAME.mkv, NAME.jsonl, NAME.csv   a file, or a range of it
 *     GET /recordings/NAME.mkv/picture.jpg?at=MS       the picture at that time
 *     GET /recordings/NAME.mkv/labels                  what was shown when
 */
#ifndef SINK_HTTP_ARCHIVE_H
#define SINK_HTTP_ARCHIVE_H

#include <microhttpd.h>

struct archive;
struct archive_job;
struct viewer;

#define ARCHIVE_PATH "/recordings/"

/* pattern: of the recordings (recorder/names.h); it must outlive the archive. The folder is opened. 0, or a
 * negative errno value. */
int archive_create(const char *pattern, struct archive **out);

/* Starts its thread. As thread_start. */
int archive_start(struct archive *archive);

/* All who wait get an answer; then its thread ends. */
void archive_stop(struct archive *archive);    /* takes NULL, … */
void archive_destroy(struct archive *archive); /* … as this does, after archive_stop */

/* Answers these requests; NULL: there is no archive. A viewer who waits for the thread asks again. */
enum MHD_Result archive_list(struct viewer *viewer);
enum MHD_Result archive_answer(struct viewer *viewer, const char *url);

void archive_job_destroy(struct archive_job *job); /* takes NULL */

#endif
