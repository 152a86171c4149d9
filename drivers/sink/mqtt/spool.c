/* SPDX-License-Identifier: MIT */
#include "sink/mqtt/spool.h"

#include "base/error.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* The file: its head, then a ring of lines, each behind its head and padded to 8 bytes. */
#define MAGIC "twobitq1"
#define RING 64

struct spool_head {
	char magic[8];
	uint64_t room, first, number; /* bytes of the ring; where its first line is, and its number */
	uint32_t check, unused;	      /* the CRC-32 of what is before */
};

struct line_head {
	uint32_t length, check; /* the CRC-32 of number and line */
	uint64_t number;
};

struct spool {
	pthread_mutex_t lock; /* guards what follows */
	int fd;
	uint64_t room, used;
	uint64_t first, taken; /* places in the ring: of the first line, of the first that is not taken */
	uint64_t taken_size;   /* of the latter in the ring, bytes */
	uint64_t first_number, taken_number, next_number;
	uint64_t dropped;
	char line[SPOOL_LINE_MOST + 8];
};

static int transfer(struct spool *s, void *data, size_t size, uint64_t place, bool write)
{
	for (char *at = data; size;) {
		uint64_t offset = place % s->room;
		size_t part = size < s->room - offset ? size : (size_t)(s->room - offset);
		ssize_t done = write ? pwrite(s->fd, at, part, (off_t)(RING + offset))
				     : pread(s->fd, at, part, (off_t)(RING + offset));
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -ENODATA;
		at += done;
		place += (uint64_t)done;
		size -= (size_t)done;
	}
	return 0;
}

static uint32_t check_of(uint64_t number, const char *line, size_t length)
{
	uint64_t little = htole64(number);
	uLong crc = crc32(0, (const Bytef *)&little, sizeof(little));

	return (uint32_t)crc32(crc, (const Bytef *)line, (uInt)length);
}

static uint64_t size_of(size_t length)
{
	return sizeof(struct line_head) + (length + 7) / 8 * 8;
}

/* Reads the line at a place into s->line. Its length; below 0: there is none of that number. */
static int64_t read_line(struct spool *s, uint64_t place, uint64_t number)
{
	struct line_head head;

	if (transfer(s, &head, sizeof(head), place, false))
		return -1;
	size_t length = le32toh(head.length);
	if (length > SPOOL_LINE_MOST || size_of(length) > s->room || le64toh(head.number) != number ||
		transfer(s, s->line, length, place + sizeof(head), false) ||
		le32toh(head.check) != check_of(number, s->line, length))
		return -1;
	s->line[length] = '\0';
	return (int64_t)length;
}

static uint32_t check_head(const struct spool_head *head)
{
	return (uint32_t)crc32(0, (const Bytef *)head, offsetof(struct spool_head, check));
}

/* Where the first line is now. What is removed may come again if this fails or is lost: never too little. */
static void write_head(struct spool *s)
{
	struct spool_head head = {
		MAGIC, htole64(s->room), htole64(s->first % s->room), htole64(s->first_number), 0, 0};

	head.check = htole32(check_head(&head));
	(void)!pwrite(s->fd, &head, sizeof(head), 0);
}

/* With all its blocks, so that no full disk stops it. In memory those that are used suffice. */
static int create_file(struct spool *s, size_t room, bool in_memory)
{
	off_t size = (off_t)(RING + room);
	int code = in_memory ? (ftruncate(s->fd, size) ? -errno : 0) : -posix_fallocate(s->fd, 0, size);

	s->room = room;
	if (!code)
		write_head(s);
	return code;
}

static int adopt_file(struct spool *s, uint64_t size)
{
	struct spool_head head;

	if (pread(s->fd, &head, sizeof(head), 0) != sizeof(head) ||
		memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0 ||
		le32toh(head.check) != check_head(&head))
		return -EBADMSG;
	s->room = le64toh(head.room);
	s->first = s->taken = le64toh(head.first);
	s->first_number = s->taken_number = s->next_number = le64toh(head.number);
	if (s->room < SPOOL_ROOM_LEAST || s->room % 8 || s->room != size - RING || s->first >= s->room ||
		s->first % 8)
		return -EBADMSG;
	for (;;) {
		int64_t length = read_line(s, s->first + s->used, s->next_number);
		if (length < 0 || s->used + size_of((size_t)length) > s->room)
			return 0;
		s->used += size_of((size_t)length);
		s->next_number++;
	}
}

static int open_file(struct spool *s, const char *path, size_t room, struct error *e)
{
	struct stat status;
	int code = 0;

	s->fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600)
		     : memfd_create("twobit-mqtt", MFD_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &status))
		return error_set(e, -errno, "%s cannot be made: %s", path ? path : "a queue in memory",
			strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(e, -EBADMSG, "%s is no regular file", path);
	if (path && flock(s->fd, LOCK_EX | LOCK_NB))
		return error_set(e, -EAGAIN, "%s: another program uses this queue", path);
	code = status.st_size ? adopt_file(s, (uint64_t)status.st_size) : create_file(s, room, !path);
	if (code == -EBADMSG)
		return error_set(e, code,
			"%s is damaged, or no queue of events: name another file, or remove it", path);
	if (!code)
		return 0;
	if (path)
		unlink(path); /* it is empty, and made here */
	return error_set(
		e, code, "%s: no room for a queue of events: %s", path ? path : "memory", strerror(-code));
}

int spool_open(const char *path, size_t room, struct spool **out, struct error *e)
{
	struct spool *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return error_set(e, -ENOMEM, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	s->first_number = s->taken_number = s->next_number = 1;
	int status = open_file(s, path, room, e);
	if (status)
		spool_close(s);
	else
		*out = s;
	return status;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* All from the first line on is lost: nothing tells where the next one begins. */
static void give_up(struct spool *s)
{
	s->dropped += s->next_number - s->taken_number;
	s->first = s->taken = s->first + s->used;
	s->used = 0;
	s->first_number = s->taken_number = s->next_number;
}

/* Removes the first line; the caller writes the head. */
static void remove_first(struct spool *s)
{
	struct line_head head;

	if (transfer(s, &head, sizeof(head), s->first, false) || le64toh(head.number) != s->first_number ||
		size_of(le32toh(head.length)) > s->used) {
		give_up(s);
		return;
	}
	s->first += size_of(le32toh(head.length));
	s->used -= size_of(le32toh(head.length));
	if (s->taken_number == s->first_number) {
		s->taken = s->first;
		s->taken_number++;
		s->dropped++;
	}
	s->first_number++;
}

static int put(struct spool *s, const char *line, size_t length)
{
	struct line_head head = {htole32((uint32_t)length), htole32(check_of(s->next_number, line, length)),
		htole64(s->next_number)};
	uint64_t place = s->first + s->used;

	if (length > SPOOL_LINE_MOST || size_of(length) > s->room)
		return -EFBIG;
	if (s->used + size_of(length) > s->room) {
		while (s->used + size_of(length) > s->room)
			remove_first(s);
		write_head(s);
		place = s->first + s->used;
	}
	memcpy(s->line, line, length);
	int status = transfer(s, s->line, length, place + sizeof(head), true);
	if (!status)
		status = transfer(s, &head, sizeof(head), place, true);
	if (status)
		return status;
	s->used += size_of(length);
	s->next_number++;
	return 0;
}

int spool_put(struct spool *s, const char *line)
{
	pthread_mutex_lock(&s->lock);
	int status = put(s, line, strlen(line));
	s->dropped += status != 0;
	pthread_mutex_unlock(&s->lock);
	return status;
}

int spool_next(struct spool *s, struct text_builder *line, uint64_t *number)
{
	int64_t length = -1;

	pthread_mutex_lock(&s->lock);
	if (s->taken_number < s->next_number) {
		length = read_line(s, s->taken, s->taken_number);
		if (length < 0) {
			give_up(s);
			write_head(s);
		}
	}
	if (length >= 0) {
		*number = s->taken_number;
		s->taken_size = size_of((size_t)length);
		text_clear(line);
		text_add(line, "%s", s->line);
	}
	pthread_mutex_unlock(&s->lock);
	return length < 0 ? -ENOENT : 0;
}

void spool_take(struct spool *s, uint64_t number)
{
	pthread_mutex_lock(&s->lock);
	if (s->taken_number == number && number < s->next_number) { /* else it made room meanwhile */
		s->taken += s->taken_size;
		s->taken_number++;
	}
	pthread_mutex_unlock(&s->lock);
}

void spool_remove(struct spool *s, uint64_t number)
{
	pthread_mutex_lock(&s->lock);
	if (s->first_number <= number) {
		while (s->first_number <= number && s->first_number < s->taken_number)
			remove_first(s);
		write_head(s);
	}
	pthread_mutex_unlock(&s->lock);
}

struct spool_counts spool_counts(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	const struct spool_counts counts = {
		s->next_number - s->first_number, s->next_number - s->taken_number, s->dropped};
	pthread_mutex_unlock(&s->lock);
	return counts;
}
