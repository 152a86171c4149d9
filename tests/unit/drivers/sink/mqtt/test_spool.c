/* SPDX-License-Identifier: MIT */
/* The queue of --mqtt on the disk: order, room, kills, damage. */
#include "base/error.h"
#include "sink/mqtt/spool.h"
#include "support/folder.h"
#include "support/random.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM 4096

struct spool_fixture {
	char *folder, path[100];
	struct spool *spool;
	struct text_builder line;
	struct error e;
};

static void open_again(struct spool_fixture *f)
{
	spool_close(f->spool);
	if (spool_open(f->path, ROOM, &f->spool, &f->e))
		fail_msg("%s", f->e.text);
}

static void fixture_begin(struct spool_fixture *f)
{
	*f = (struct spool_fixture){.folder = folder_create()};
	snprintf(f->path, sizeof(f->path), "%s/queue", f->folder);
	open_again(f);
}

static void fixture_end(struct spool_fixture *f)
{
	spool_close(f->spool);
	text_finish(&f->line);
	folder_destroy(f->folder);
}

/* The next line is that number's, and is taken. */
static void take(struct spool_fixture *f, const char *line, uint64_t *number)
{
	assert_int_equal(spool_next(f->spool, &f->line, number), 0);
	assert_string_equal(f->line.data, line);
	spool_take(f->spool, *number);
}

static void in_order_and_kept(void **state)
{
	struct spool_fixture f;
	uint64_t number, first;

	(void)state;
	fixture_begin(&f);
	assert_int_equal(spool_next(f.spool, &f.line, &number), -ENOENT);
	assert_int_equal(spool_put(f.spool, "one"), 0);
	assert_int_equal(spool_put(f.spool, ""), 0);
	assert_int_equal(spool_put(f.spool, "three"), 0);
	take(&f, "one", &first);
	take(&f, "", &number);
	assert_int_equal(number, first + 1);
	spool_remove(f.spool, first);
	spool_remove(f.spool, first); /* once more: nothing is left to remove */
	assert_int_equal(spool_counts(f.spool).lines, 2);
	assert_int_equal(spool_counts(f.spool).waiting, 1);
	open_again(&f); /* what was taken and not removed comes again */
	take(&f, "", &number);
	assert_int_equal(number, first + 1);
	take(&f, "three", &number);
	spool_remove(f.spool, UINT64_MAX);
	assert_int_equal(spool_counts(f.spool).lines, 0);
	assert_int_equal(spool_put(f.spool, "four"), 0);
	open_again(&f);
	take(&f, "four", &number);
	assert_int_equal(number, first + 3);
	assert_int_equal(spool_counts(f.spool).dropped, 0);
	fixture_end(&f);
}

/* One process is killed while it writes; what it had put before is there. */
static void killed(void **state)
{
	struct spool_fixture f;
	char text[20];
	uint64_t number;
	int ends[2], said;

	(void)state;
	fixture_begin(&f);
	spool_close(f.spool);
	f.spool = NULL;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (!child) {
		if (spool_open(f.path, ROOM, &f.spool, &f.e))
			_exit(1);
		for (int i = 0;; i++) {
			snprintf(text, sizeof(text), "line %d", i);
			if (spool_put(f.spool, text) || write(ends[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
			if (spool_counts(f.spool).lines > 20) { /* as confirmed */
				spool_next(f.spool, &f.line, &number);
				spool_take(f.spool, number);
				spool_remove(f.spool, number);
			}
		}
	}
	do
		assert_int_equal(read(ends[0], &said, sizeof(said)), sizeof(said));
	while (said < 1000);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ends[1]);
	while (read(ends[0], &said, sizeof(said)) == sizeof(said))
		;
	close(ends[0]);
	open_again(&f);
	assert_in_range(spool_counts(f.spool).lines, 19, 22);
	int last = -1;
	while (!spool_next(f.spool, &f.line, &number)) {
		int line = atoi(f.line.data + strlen("line "));
		assert_true(last < 0 || line == last + 1);
		last = line;
		spool_take(f.spool, number);
	}
	assert_in_range(last, said, said + 1);
	fixture_end(&f);
}

/* What the queue should hold, in an array. */
struct spool_model {
	int first, taken, next, dropped;
	int sizes[20000]; /* in the file, by line */
};

static void put_both(struct spool_fixture *f, struct spool_model *m, int used)
{
	char text[600];
	int length = 10 + m->next * 7 % 500;

	memset(text, 'x', sizeof(text));
	snprintf(text, 10, "%09d", m->next);
	text[9] = ' ';
	text[length] = '\0';
	m->sizes[m->next] = 16 + (length + 7) / 8 * 8;
	for (; used + m->sizes[m->next] > ROOM; m->first++) {
		used -= m->sizes[m->first];
		m->dropped += m->first >= m->taken;
	}
	if (m->taken < m->first)
		m->taken = m->first;
	m->next++;
	assert_int_equal(spool_put(f->spool, text), 0);
}

/* At random: put, take, remove, open again; the oldest make room, and those that were not taken count. */
static void as_the_model(void **state)
{
	struct spool_fixture f;
	static struct spool_model m;
	uint32_t seed = 1;

	(void)state;
	fixture_begin(&f);
	for (int step = 0; step < 4000; step++) {
		uint32_t what = random_next(&seed) % 16;
		int used = 0;
		uint64_t number;
		for (int i = m.first; i < m.next; i++)
			used += m.sizes[i];
		if (what < 8) {
			put_both(&f, &m, used);
		} else if (what < 12) {
			int status = spool_next(f.spool, &f.line, &number);
			assert_int_equal(status, m.taken < m.next ? 0 : -ENOENT);
			if (status)
				continue;
			assert_int_equal(atoi(f.line.data), m.taken);
			assert_int_equal(number, m.taken + 1);
			spool_take(f.spool, number);
			m.taken++;
		} else if (what < 15 && m.taken > m.first) {
			m.first += 1 + (int)(random_next(&seed) % (uint32_t)(m.taken - m.first));
			spool_remove(f.spool, (uint64_t)m.first);
		} else if (what == 15 && step % 8 == 0) {
			open_again(&f);
			m.taken = m.first;
			m.dropped = 0;
		}
		const struct spool_counts counts = spool_counts(f.spool);
		assert_int_equal(counts.lines, m.next - m.first);
		assert_int_equal(counts.waiting, m.next - m.taken);
		assert_int_equal(counts.dropped, m.dropped);
	}
	fixture_end(&f);
}

static void too_long(void **state)
{
	struct spool_fixture f;
	char *text = calloc(SPOOL_LINE_MOST + 2, 1);

	(void)state;
	fixture_begin(&f);
	memset(text, 'x', SPOOL_LINE_MOST + 1);
	assert_int_equal(spool_put(f.spool, text), -EFBIG);
	text[ROOM - 8] = '\0';
	assert_int_equal(spool_put(f.spool, text), -EFBIG);
	text[ROOM - 16] = '\0';
	assert_int_equal(spool_put(f.spool, "short"), 0);
	assert_int_equal(spool_put(f.spool, text), 0);
	assert_int_equal(spool_counts(f.spool).dropped, 3);
	uint64_t number;
	take(&f, text, &number);
	free(text);
	fixture_end(&f);
}

static void damage(const char *path, long place, const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, place), size);
	close(fd);
}

static void damaged_lines(void **state)
{
	struct spool_fixture f;
	uint64_t number;

	(void)state;
	fixture_begin(&f);
	for (int i = 0; i < 5; i++)
		assert_int_equal(spool_put(f.spool, "a line"), 0);
	damage(f.path, 64 + 24 * 2 + 17, "?", 1); /* the third, while it is open */
	take(&f, "a line", &number);
	take(&f, "a line", &number);
	assert_int_equal(spool_next(f.spool, &f.line, &number), -ENOENT);
	assert_int_equal(spool_counts(f.spool).dropped, 3);
	assert_int_equal(spool_put(f.spool, "next"), 0);
	take(&f, "next", &number);
	fixture_end(&f);
}

/* It is somebody's file: it is not touched. */
static void not_ours(void **state)
{
	static const char *const texts[] = {"hello",
		"twobitq1 and what follows is something else, quite another "
		"file, of more than 64 bytes"};
	struct spool_fixture f;
	char back[200];

	(void)state;
	fixture_begin(&f);
	for (int i = 0; i < 3; i++) {
		spool_close(f.spool);
		FILE *file = fopen(f.path, i < 2 ? "w" : "r+");
		assert_non_null(file);
		if (i == 2)
			assert_int_equal(ftruncate(fileno(file), ROOM), 0); /* cut off */
		else
			fputs(texts[i], file);
		fclose(file);
		assert_int_equal(spool_open(f.path, ROOM, &f.spool, &f.e), -EBADMSG);
		assert_non_null(strstr(f.e.text, "no queue of events"));
		if (i == 2)
			break;
		file = fopen(f.path, "r");
		assert_string_equal(fgets(back, sizeof(back), file), texts[i]);
		fclose(file);
		unlink(f.path);
		open_again(&f);
	}
	fixture_end(&f);
}

static void not_to_be_had(void **state)
{
	struct spool_fixture f;
	struct spool *second;
	struct rlimit limit, old;
	char path[200];

	(void)state;
	fixture_begin(&f);
	assert_int_equal(spool_open(f.path, ROOM, &second, &f.e), -EAGAIN);
	assert_non_null(strstr(f.e.text, "another program uses"));
	snprintf(path, sizeof(path), "%s/no/queue", f.folder);
	assert_int_equal(spool_open(path, ROOM, &second, &f.e), -ENOENT);
	snprintf(path, sizeof(path), "%s/pipe", f.folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(spool_open(path, ROOM, &second, &f.e), -EBADMSG);
	/* No room: nothing is left behind. */
	snprintf(path, sizeof(path), "%s/full", f.folder);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){1000, old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int status = spool_open(path, ROOM, &second, &f.e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(status, -EFBIG);
	assert_int_equal(access(path, F_OK), -1);
	fixture_end(&f);
}

static void in_memory(void **state)
{
	struct spool_fixture f = {0};
	uint64_t number;

	(void)state;
	assert_int_equal(spool_open(NULL, ROOM, &f.spool, &f.e), 0);
	assert_int_equal(spool_put(f.spool, "line"), 0);
	take(&f, "line", &number);
	spool_close(f.spool);
	text_finish(&f.line);
	spool_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_and_kept),
		cmocka_unit_test(killed),
		cmocka_unit_test(as_the_model),
		cmocka_unit_test(too_long),
		cmocka_unit_test(damaged_lines),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(not_to_be_had),
		cmocka_unit_test(in_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
