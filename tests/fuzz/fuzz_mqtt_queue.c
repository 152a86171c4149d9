/* SPDX-License-Identifier: MIT */
/* A queue of --mqtt: a file with a good head opens, gives as many lines as it counts, and works on. */
#include "fuzz.h"

#include "base/error.h"
#include "sink/mqtt/spool.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

/* Its place in the file: the CRC-32 of what is before. */
#define CHECK 32

static void use(struct spool *spool)
{
	struct text_builder line = {0};
	uint64_t number = 0, before = 0, count = 0;
	const uint64_t lines = spool_counts(spool).lines;

	while (!spool_next(spool, &line, &number)) {
		promise(!count || number == before + 1);
		before = number;
		count++;
		spool_take(spool, number);
	}
	promise(count == lines && !spool_counts(spool).dropped);
	spool_remove(spool, before - count / 2);
	for (int i = 0; i < 20; i++)
		promise(!spool_put(spool, "what is put behind it"));
	while (!spool_next(spool, &line, &number))
		spool_take(spool, number);
	promise(strcmp(line.data, "what is put behind it") == 0 && !spool_counts(spool).waiting);
	spool_remove(spool, number);
	promise(!spool_counts(spool).lines);
	text_finish(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[40];
	struct spool *spool;
	struct error e = {0};
	int fd = memfd_create("queue", 0);

	promise(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (size >= CHECK + 4) {
		uint32_t check = (uint32_t)crc32(0, data, CHECK);
		promise(pwrite(fd, &check, sizeof(check), CHECK) == sizeof(check));
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!size || spool_open(path, SPOOL_ROOM_LEAST, &spool, &e)) {
		promise(!size || (e.code < 0 && e.text[0]));
	} else {
		use(spool);
		spool_close(spool);
	}
	close(fd);
	return 0;
}
