/* SPDX-License-Identifier: MIT */
#include "sink/http/clip.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Elements of Matroska (RFC 9559). */
enum {
	EBML = 0x1a45dfa3,
	SEGMENT = 0x18538067,
	CLUSTER = 0x1f43b675,
	TIMESTAMP = 0xe7,
	GROUP = 0xa0,
	BLOCK = 0xa1,
	SIMPLE_BLOCK = 0xa3,
	DURATION = 0x9b,
};

enum { TRACK_PICTURE = 1, TRACK_LABEL = 2 };

#define UNKNOWN UINT64_MAX

/* A file is searched in halves down to so many bytes, and read one cluster after the other then. */
#define NEAR (4u << 20)

/* No cluster that is looked for begins further from a place than this: a picture's limit. */
#define REACH (64u << 20)

struct element {
	uint32_t id;
	uint64_t data, size; /* where its data begins; UNKNOWN: up to the end of what is around it */
};

/* So many bytes at a place; NULL: they are not there. */
static const uint8_t *look(struct clip *c, uint64_t at, size_t size)
{
	if (at < c->window_at || at + size > c->window_at + c->window_size) {
		ssize_t got = at < c->size ? pread(c->fd, c->window, sizeof(c->window), (off_t)at) : 0;
		c->window_at = at;
		c->window_size = got > 0 ? (size_t)got : 0;
		if (c->window_size < size)
			return NULL;
	}
	return c->window + (at - c->window_at);
}

/* A number of EBML: the zeros in front of its first 1 tell its length. 0: there is none. */
static int number(struct clip *c, uint64_t at, bool with_mark, uint64_t *out)
{
	const uint8_t *byte = look(c, at, 1);

	if (!byte || !*byte)
		return 0;
	int length = __builtin_clz(*byte) - 23;
	uint64_t value = with_mark ? *byte : *byte & (0xffu >> length);
	bool ones = (*byte | (0xff00 >> length & 0xff)) == 0xff;
	byte = look(c, at, (size_t)length);
	if (!byte)
		return 0;
	for (int i = 1; i < length; i++) {
		value = value << 8 | byte[i];
		ones &= byte[i] == 0xff;
	}
	*out = ones && !with_mark ? UNKNOWN : value;
	return length;
}

static bool element_at(struct clip *c, uint64_t at, uint64_t end, struct element *out)
{
	uint64_t id, size;
	int id_length = number(c, at, true, &id);

	if (!id_length || id_length > 4)
		return false;
	int size_length = number(c, at + (unsigned)id_length, false, &size);
	if (!size_length)
		return false;
	uint64_t data = at + (unsigned)id_length + (unsigned)size_length;
	*out = (struct element){(uint32_t)id, data, size};
	return data <= end && (size == UNKNOWN || size <= end - data);
}

static uint64_t unsigned_of(struct clip *c, const struct element *e)
{
	const uint8_t *bytes = e->size <= 8 ? look(c, e->data, (size_t)e->size) : NULL;
	uint64_t value = 0;

	for (uint64_t i = 0; bytes && i < e->size; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Reads the head of the cluster at a place. False: there is no whole one. */
static bool enter(struct clip *c, uint64_t place)
{
	struct element cluster, child;

	if (!element_at(c, place, c->size, &cluster) || cluster.id != CLUSTER || cluster.size == UNKNOWN)
		return false;
	uint64_t end = cluster.data + cluster.size;
	for (uint64_t at = cluster.data; at < end; at = child.data + child.size) {
		if (!element_at(c, at, end, &child) || child.size == UNKNOWN)
			return false;
		if (child.id != TIMESTAMP)
			continue;
		c->time = (int64_t)(unsigned_of(c, &child) & INT64_MAX >> 16);
		c->cluster = place;
		c->at = child.data + child.size;
		c->next = end;
		return true;
	}
	return false;
}

int clip_open(int fd, struct clip *out)
{
	struct element element;
	struct stat status;

	*out = (struct clip){.fd = fd};
	if (fstat(fd, &status))
		return -errno;
	out->size = (uint64_t)status.st_size;
	if (!element_at(out, 0, out->size, &element) || element.id != EBML || element.size == UNKNOWN)
		return -EBADMSG;
	if (!element_at(out, element.data + element.size, UNKNOWN, &element) || element.id != SEGMENT)
		return -EBADMSG;
	uint64_t at = element.data;
	while (element_at(out, at, out->size, &element) && element.id != CLUSTER && element.size != UNKNOWN)
		at = element.data + element.size;
	out->first = out->next = out->at = at;
	return 0;
}

/* Of a block at a place: its track, and where its bytes begin. */
static bool block_at(struct clip *c, const struct element *e, uint64_t *track, struct clip_block *out)
{
	int length = number(c, e->data, false, track);
	const uint8_t *head =
		length && e->size >= (unsigned)length + 3 ? look(c, e->data + (unsigned)length, 3) : NULL;

	if (!head)
		return false;
	out->time = c->time + (int16_t)(head[0] << 8 | head[1]);
	out->offset = e->data + (unsigned)length + 3;
	out->size = e->size - (unsigned)length - 3;
	out->cluster = c->cluster;
	out->duration = 0;
	return true;
}

/* A block in a group, with its duration. */
static bool group_at(struct clip *c, const struct element *group, uint64_t *track, struct clip_block *out)
{
	struct element child;
	bool found = false;
	uint64_t duration = 0, end = group->data + group->size;

	for (uint64_t at = group->data; at < end && element_at(c, at, end, &child) && child.size != UNKNOWN;
		at = child.data + child.size) {
		if (child.id == BLOCK)
			found = block_at(c, &child, track, out);
		if (child.id == DURATION)
			duration = unsigned_of(c, &child);
	}
	out->duration = (int64_t)(duration & INT32_MAX);
	return found;
}

enum clip_kind clip_next(struct clip *c, struct clip_block *out)
{
	struct element e;
	uint64_t track = 0;

	for (;;) {
		if (c->at >= c->next && !enter(c, c->next))
			return CLIP_END;
		if (c->at >= c->next)
			continue; /* it is empty */
		if (!element_at(c, c->at, c->next, &e) || e.size == UNKNOWN)
			return CLIP_END;
		c->at = e.data + e.size;
		bool found = e.id == SIMPLE_BLOCK ? block_at(c, &e, &track, out)
			     : e.id == GROUP	  ? group_at(c, &e, &track, out)
						  : false;
		if (found && (track == TRACK_PICTURE || track == TRACK_LABEL))
			return track == TRACK_PICTURE ? CLIP_PICTURE : CLIP_LABEL;
	}
}

/* Enters the first cluster from a place on that has another one, or the file's end, behind it. */
static bool enter_from(struct clip *c, uint64_t place, uint64_t end)
{
	static const uint8_t mark[] = {0x1f, 0x43, 0xb6, 0x75};
	uint64_t stop = end - place > REACH ? place + REACH : end;
	uint8_t bytes[65536];

	while (place < stop) {
		ssize_t got = pread(c->fd, bytes, sizeof(bytes), (off_t)place);
		if (got < (ssize_t)sizeof(mark))
			return false;
		const uint8_t *found = memmem(bytes, (size_t)got, mark, sizeof(mark));
		if (!found) {
			place += (uint64_t)got - (sizeof(mark) - 1);
			continue;
		}
		place += (uint64_t)(found - bytes);
		const uint8_t *behind = enter(c, place) ? look(c, c->next, sizeof(mark)) : NULL;
		if (behind && memcmp(behind, mark, sizeof(mark)) == 0)
			return true;
		place++;
	}
	return false;
}

void clip_seek(struct clip *c, int64_t time)
{
	uint64_t low = c->first, high = c->size;

	while (high > low && high - low > NEAR) {
		uint64_t middle = low + (high - low) / 2;
		if (enter_from(c, middle, high) && c->time <= time && c->cluster < high)
			low = c->cluster;
		else
			high = middle;
	}
	c->next = c->at = low;
}
