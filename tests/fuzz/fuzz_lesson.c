/* SPDX-License-Identifier: MIT */
/*
 * A taught network's folder, which `teach --add` goes on with: examples.txt up to a zero byte, then
 * examples.npy. The byte before them tells how many examples are left out of the header that is put before
 * the codes; 255: the input has a header of its own.
 */
#include "fuzz.h"

#include "base/error.h"
#include "support/network_builder.h"
#include "teach/lesson.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/twobit-fuzz-lesson-XXXXXX";
static struct lesson lesson;

static void end(void)
{
	lesson_finish(&lesson);
	if (chdir(folder) == 0) {
		unlink("examples.npy");
		unlink("examples.txt");
	}
	rmdir(folder);
}

/* One lesson for all inputs: to make the engine takes longer than to read the files. */
static void begin(void)
{
	struct error e;

	promise(mkdtemp(folder));
	promise(lesson_begin(&lesson, tiny_network(7), NULL, &e) == 0);
	atexit(end);
}

static void put(const char *name, const void *head, size_t head_size, const void *data, size_t size)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	promise(fd >= 0 && write(fd, head, head_size) == (ssize_t)head_size);
	promise(write(fd, data, size) == (ssize_t)size);
	close(fd);
}

/* A header for the examples that the codes make. */
static size_t header_make(char header[128], size_t codes, size_t fewer)
{
	size_t count = codes / lesson.size;

	memset(header, ' ', 128);
	memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
	int length =
		snprintf(header + 10, 118, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu, %zu), }",
			count > fewer ? count - fewer : 0, lesson.size);
	header[10 + length] = ' ';
	header[127] = '\n';
	return 128;
}

/* What has been read is as it may be, and is forgotten again. */
static void check(int status, const struct error *e)
{
	if (status < 0)
		promise(e->code == status && e->text[0]);
	promise(lesson.count <= lesson.room && lesson.class_count <= lesson.count + 1);
	for (int i = 0; i < lesson.count; i++)
		promise(lesson.classes[i] >= 0 && lesson.classes[i] < lesson.class_count);
	for (int i = 0; i < lesson.class_count; i++)
		promise(lesson.labels[i][0]);
	while (lesson.count > 0)
		lesson_drop(&lesson);
	lesson_drop_empty(&lesson);
	promise(lesson.class_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = {0};
	char header[128];

	if (!lesson.network)
		begin();
	if (size < 2)
		return 0;
	const uint8_t *text = data + 1, *zero = memchr(text, 0, size - 1);
	size_t length = zero ? (size_t)(zero - text) : size - 1, used = 1 + length + (zero != NULL);
	size_t head = data[0] == 255 ? 0 : header_make(header, size - used, data[0]);
	put("examples.txt", NULL, 0, text, length);
	put("examples.npy", header, head, data + used, size - used);
	check(lesson_read(&lesson, folder, &e), &e);
	return 0;
}
