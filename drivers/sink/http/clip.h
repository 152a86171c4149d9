/* SPDX-License-Identifier: MIT */
/*
 * Reads the pictures and the labels of a recording, also of one that is being written or that broke off. It
 * reads the Matroska that the recorder writes (a cluster for each picture, times in ms) and no other.
 */
#ifndef SINK_HTTP_CLIP_H
#define SINK_HTTP_CLIP_H

#include <stddef.h>
#include <stdint.h>

#define CLIP_WINDOW 512

/* All that is not below is for this module. */
struct clip {
	int fd; /* the caller's */
	uint64_t size;
	uint64_t first, cluster,
		next; /* places of clusters: of the first, of the one that is read, of the next */
	uint64_t at;  /* of the next block in it */
	int64_t time; /* of the cluster, ms */
	uint64_t window_at;
	size_t window_size;
	uint8_t window[CLIP_WINDOW];
};

enum clip_kind { CLIP_END, CLIP_PICTURE, CLIP_LABEL };

struct clip_block {
	int64_t time, duration; /* ms; duration: of a label */
	uint64_t offset, size;	/* of its bytes in the file */
	uint64_t cluster;	/* where it can be sought */
};

/* -EBADMSG: it is no such file; or as the system says. */
int clip_open(int fd, struct clip *out);

/* The next block. CLIP_END: there is none that is whole. */
enum clip_kind clip_next(struct clip *c, struct clip_block *out);

/* Goes to a cluster that is not behind that time, ms; not far before it in a long file. */
void clip_seek(struct clip *c, int64_t time);

#endif
