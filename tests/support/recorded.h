/* SPDX-License-Identifier: MIT */
/* What a recording holds, read back by libavformat and line by line, without the project's own readers. */
#ifndef TEST_SUPPORT_RECORDED_H
#define TEST_SUPPORT_RECORDED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recorded_packet {
	int64_t time; /* ms from the file's begin */
	int64_t duration;
	size_t size;
	uint8_t *data; /* ends in a NUL behind size */
};

struct recorded {
	int width, height;
	size_t frames, texts;
	struct recorded_packet *frame, *text;
	size_t lines; /* whole ones */
	json_t **line;
	bool breaks_off; /* the log ends within a line */
};

/* Adds the frames and texts of a video. false: it is no video. */
bool recorded_read_video(const char *path, struct recorded *r);

/* Adds the lines of a log. Each whole one must be what the schema (NULL: any JSON) allows; false: one is not.
 */
bool recorded_read_log(const char *path, const json_t *schema, struct recorded *r);

/* Both, from NAME.mkv and NAME.jsonl of a folder. recorded_free in any case. */
bool recorded_read(const char *folder, const char *name, const json_t *schema, struct recorded *r);
void recorded_free(struct recorded *r);

/* The value at a path of members, "dropped.line", of a line; 0 where there is none. */
int64_t recorded_number(const json_t *line, const char *path);

/* The first event of that name, which belongs to r; NULL: there is none. */
const json_t *recorded_event(const struct recorded *r, const char *name);

#endif
