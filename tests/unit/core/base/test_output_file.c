/* SPDX-License-Identifier: MIT */
/* Files written as a whole: the old one or the new one, whatever happens, and nothing else left behind. */
#include "base/error.h"
#include "base/output_file.h"
#include "base/output_folder.h"
#include "support/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define STRANGER 65534

static char *folder;
static bool named_only;	 /* the file system has no files without a name */
static int read_failure; /* of an open to read */

int __real_openat64(int from, const char *path, int flags, mode_t mode);
int __wrap_openat64(int from, const char *path, int flags, mode_t mode);

int __wrap_openat64(int from, const char *path, int flags, mode_t mode)
{
	if (named_only && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (read_failure && (flags & (O_ACCMODE | O_PATH)) == O_RDONLY) {
		errno = read_failure;
		return -1;
	}
	return __real_openat64(from, path, flags, mode);
}

static const char *path_of(const char *name)
{
	static char paths[4][300];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void assert_holds(const char *name, const char *text)
{
	char got[100] = "";
	FILE *file = fopen(path_of(name), "r");

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

static mode_t mode_of(const char *name)
{
	struct stat status;

	assert_int_equal(lstat(path_of(name), &status), 0);
	return status.st_mode & 07777;
}

static int entries(void)
{
	DIR *open = opendir(folder);
	int count = -2; /* "." and ".." */

	assert_non_null(open);
	while (readdir(open))
		count++;
	closedir(open);
	return count;
}

static int write_text(const char *name, unsigned flags, const char *text)
{
	struct output_file out;
	struct error e;
	int status = output_file_open(&out, path_of(name), flags, &e);

	if (status)
		return status;
	fputs(text, out.file);
	return output_file_close(&out, 0, &e);
}

static void a_file_is_replaced_when_it_is_whole(void **state)
{
	struct output_file out;
	struct error e;

	(void)state;
	assert_int_equal(write_text("a", 0, "old"), 0);
	assert_int_equal(output_file_open(&out, path_of("a"), 0, &e), 0);
	fputs("new", out.file);
	fflush(out.file);
	assert_holds("a", "old");
	assert_int_equal(output_file_close(&out, 0, &e), 0);
	assert_holds("a", "new");
	assert_int_equal(output_file_open(&out, path_of("a"), 0, &e), 0);
	assert_int_equal(output_file_close(&out, -EPROTO, &e), -EPROTO);
	assert_int_equal(output_file_open(&out, path_of("a"), 0, &e), 0);
	output_file_drop(&out);
	output_file_drop(&out); /* closed already */
	assert_holds("a", "new");
	assert_int_equal(entries(), 1);
}

static void a_new_file_replaces_nothing(void **state)
{
	struct output_file out;
	struct error e;

	(void)state;
	assert_int_equal(write_text("a", OUTPUT_NEW, "first"), 0);
	assert_int_equal(write_text("a", OUTPUT_NEW, "second"), -EEXIST);
	assert_int_equal(symlink("nowhere", path_of("link")), 0);
	assert_int_equal(write_text("link", OUTPUT_NEW, "second"), -EEXIST);
	/* One that comes while it is written. */
	assert_int_equal(output_file_open(&out, path_of("b"), OUTPUT_NEW, &e), 0);
	folder_put(folder, "/b", "another's");
	assert_int_equal(output_file_close(&out, 0, &e), -EEXIST);
	assert_holds("a", "first");
	assert_holds("b", "another's");
	assert_int_equal(entries(), 3);
}

static void modes_follow_the_umask_and_stay(void **state)
{
	struct stat status;

	(void)state;
	mode_t before = umask(027);
	assert_int_equal(write_text("a", 0, "new"), 0);
	assert_int_equal(mode_of("a"), 0640);
	assert_int_equal(chmod(path_of("a"), 0606), 0);
	assert_int_equal(write_text("a", 0, "newer"), 0);
	assert_int_equal(mode_of("a"), 0606);
	umask(before);
	if (geteuid() != 0) {
		assert_int_equal(chmod(path_of("a"), 0400), 0);
		assert_int_equal(write_text("a", 0, "no"), -EACCES);
		return;
	}
	assert_int_equal(chown(path_of("a"), STRANGER, STRANGER), 0);
	assert_int_equal(write_text("a", 0, "root's"), 0);
	assert_int_equal(stat(path_of("a"), &status), 0);
	assert_int_equal(status.st_uid, STRANGER);
	assert_int_equal(status.st_gid, STRANGER);
	assert_int_equal(mode_of("a"), 0606);
}

static void a_link_stays(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("sub"), 0755), 0);
	assert_int_equal(symlink("sub/second", path_of("first")), 0);
	assert_int_equal(symlink("../there", path_of("sub/second")), 0);
	assert_int_equal(write_text("first", 0, "new"), 0); /* there is nothing behind it */
	assert_int_equal(write_text("first", 0, "newer"), 0);
	assert_holds("there", "newer");
	assert_true(S_ISREG(mode_of("there") | S_IFREG));
	assert_int_equal(symlink("loop", path_of("loop")), 0);
	assert_int_equal(write_text("loop", 0, "x"), -ELOOP);
	assert_int_equal(entries(), 4);
}

/* As in /tmp. */
static void what_a_stranger_has_put_there_is_refused(void **state)
{
	struct output_file out;
	struct error e;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can make another user's links\n");
		skip();
	}
	folder_put(folder, "/victim", "precious");
	assert_int_equal(mkdir(path_of("shared"), 0755), 0);
	assert_int_equal(chown(path_of("shared"), STRANGER - 1, 0), 0);
	assert_int_equal(chmod(path_of("shared"), 01777), 0);
	assert_int_equal(symlink("../victim", path_of("shared/link")), 0);
	assert_int_equal(symlink("shared/link", path_of("indirect")), 0);
	assert_int_equal(mkfifo(path_of("shared/pipe"), 0666), 0);
	assert_int_equal(lchown(path_of("shared/link"), STRANGER, STRANGER), 0);
	assert_int_equal(lchown(path_of("shared/pipe"), STRANGER, STRANGER), 0);
	assert_int_equal(output_file_open(&out, path_of("shared/link"), 0, &e), -EACCES);
	assert_non_null(strstr(e.text, "another user has put a link there"));
	assert_int_equal(write_text("indirect", 0, "x"), -EACCES);
	assert_int_equal(write_text("shared/pipe", 0, "x"), -EACCES);
	assert_holds("victim", "precious");
	/* Of one's own, of the folder's owner, and elsewhere. */
	assert_int_equal(lchown(path_of("shared/link"), 0, 0), 0);
	assert_int_equal(write_text("shared/link", 0, "own"), 0);
	assert_int_equal(lchown(path_of("shared/link"), STRANGER - 1, 0), 0);
	assert_int_equal(write_text("shared/link", 0, "owner's"), 0);
	assert_int_equal(lchown(path_of("shared/link"), STRANGER, 0), 0);
	assert_int_equal(chmod(path_of("shared"), 0777), 0);
	assert_int_equal(write_text("shared/link", 0, "elsewhere"), 0);
	assert_holds("victim", "elsewhere");
}

static void pipes_and_open_files_are_written_directly(void **state)
{
	char path[64], got[32] = "";
	struct output_file out;
	struct error e;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
	assert_int_equal(output_file_open(&out, path, 0, &e), 0);
	fputs("through a pipe", out.file);
	assert_int_equal(output_file_close(&out, 0, &e), 0);
	assert_int_equal(read(ends[0], got, sizeof(got)), 14);
	assert_string_equal(got, "through a pipe");
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(output_file_open(&out, path, 0, &e), -EBADF);
	assert_int_equal(output_file_open(&out, "/dev/null", OUTPUT_REGULAR, &e), -ENXIO);
	close(ends[0]);
	close(ends[1]);
	/* A shell's >FILE, in which something stands already. */
	int fd = open(path_of("a"), O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, "before ", 7), 7);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	assert_int_equal(output_file_open(&out, path, 0, &e), 0);
	fputs("behind", out.file);
	assert_int_equal(output_file_close(&out, 0, &e), 0);
	close(fd);
	assert_holds("a", "before behind");
}

static void bad_places_are_refused(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(write_text("nowhere/a", 0, "x"), -ENOENT);
	assert_int_equal(write_text("", 0, "x"), -EISDIR);
	assert_int_equal(write_text(".", 0, "x"), -EISDIR);
	folder_put(folder, "/file", "");
	assert_int_equal(write_text("file/", 0, "x"), -EISDIR);
	assert_int_equal(write_text("file/a", 0, "x"), -ENOTDIR);
	name[255] = '\0';
	assert_int_equal(symlink(name, path_of("link")), 0);
	assert_int_equal(write_text("link", 0, "x"), 0); /* the longest name */
	assert_int_equal(write_text("/dev/full", 0, "x"), -ENOENT);
	if (geteuid() != 0) {
		assert_int_equal(chmod(folder, 0555), 0);
		assert_int_equal(write_text("a", 0, "x"), -EACCES);
		assert_int_equal(chmod(folder, 0755), 0);
	}
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	struct rlimit before;
	char large[5000];
	struct output_file out;
	struct error e;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(write_text("a", 0, "old"), 0);
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, before.rlim_max}), 0);
	int status = write_text("a", 0, large);
	int fresh = write_text("b", 0, large);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(status, -EFBIG);
	assert_int_equal(fresh, -EFBIG);
	assert_holds("a", "old");
	assert_int_equal(entries(), 1);
	assert_int_equal(output_file_open(&out, "/dev/full", 0, &e), 0);
	fputs("x", out.file);
	assert_int_equal(output_file_close(&out, -EIO, &e), -ENOSPC); /* the cause, not that there is one */
}

/* Opens a folder or a file in a process of its own, begins to write and is killed. */
static void kill_in_the_middle(bool whole_folder)
{
	struct output_folder to;
	struct output_file out;
	struct error e;
	int status;

	pid_t child = fork();
	if (!child) {
		if (whole_folder ? output_folder_open(&to, path_of("folder"), false, &e) ||
					   output_folder_file(&to, "file", &out, &e)
				 : output_file_open(&out, path_of("a"), 0, &e))
			_exit(1);
		fputs("half", out.file);
		fflush(out.file);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void a_kill_leaves_the_old_file(void **state)
{
	struct output_file out, other;
	struct error e;

	(void)state;
	assert_int_equal(write_text("a", 0, "old"), 0);
	kill_in_the_middle(false);
	assert_holds("a", "old");
	assert_int_equal(entries(), named_only ? 2 : 1);
	kill_in_the_middle(true);
	assert_int_equal(entries(), 2); /* one removed, one left */
	/* The next removes them, and nothing that is being written or has another's name. */
	folder_put(folder, "/.twobit-notes.tmp", "mine");
	assert_int_equal(output_file_open(&out, path_of("b"), 0, &e), 0);
	assert_int_equal(entries(), named_only ? 3 : 2);
	assert_int_equal(output_file_open(&other, path_of("c"), 0, &e), 0);
	assert_int_equal(output_file_close(&other, 0, &e), 0);
	assert_int_equal(output_file_close(&out, 0, &e), 0);
	assert_int_equal(entries(), 4);
}

/* A folder that cannot be read may be empty: that it exists is not what is wrong. */
static void an_old_folder_is_told_from_one_that_fails(void **state)
{
	struct output_folder to;
	struct error e;

	(void)state;
	assert_int_equal(mkdir(path_of("net"), 0777), 0);
	read_failure = EMFILE;
	assert_int_equal(output_folder_open(&to, path_of("net"), false, &e), -EMFILE);
	read_failure = 0;
	assert_non_null(strstr(e.text, strerror(EMFILE)));
	folder_put(path_of("net"), "/file", "mine");
	assert_int_equal(output_folder_open(&to, path_of("net"), false, &e), -EEXIST);
	assert_int_equal(write_text("a", 0, "old"), 0);
	assert_int_equal(output_folder_open(&to, path_of("a"), false, &e), -EEXIST);
}

static int folder_make(void **state)
{
	folder = folder_create();
	named_only = *state != NULL;
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

/* With files that have no name until they are whole, and where the file system knows none. */
#define BOTH(test)                                                                                           \
	cmocka_unit_test_setup_teardown(test, folder_make, folder_remove),                                   \
	{                                                                                                    \
#test " (named)", test, folder_make, folder_remove, &named_only                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_file_is_replaced_when_it_is_whole),
		BOTH(a_new_file_replaces_nothing),
		BOTH(modes_follow_the_umask_and_stay),
		BOTH(a_link_stays),
		BOTH(what_a_stranger_has_put_there_is_refused),
		BOTH(pipes_and_open_files_are_written_directly),
		BOTH(bad_places_are_refused),
		BOTH(a_full_disk_leaves_the_old_file),
		BOTH(a_kill_leaves_the_old_file),
		BOTH(an_old_folder_is_told_from_one_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
