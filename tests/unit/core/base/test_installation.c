/* SPDX-License-Identifier: MIT */
/*
 * Where the installed data are looked for. The program looks from its own place, so the test is copied into a
 * folder that is laid out as an installation, and run there. Nothing is installed where the build would be:
 * `access` is simulated for that place.
 */
#include "base/build.h"
#include "base/installation.h"
#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder;
static char program[PATH_MAX]; /* the copy */
static bool installed;	       /* what is asked for is in TWOBIT_DATA_DIR */

int __wrap_access(const char *path, int mode);
int __real_access(const char *path, int mode);

int __wrap_access(const char *path, int mode)
{
	if (strncmp(path, TWOBIT_DATA_DIR "/", sizeof(TWOBIT_DATA_DIR)) != 0)
		return __real_access(path, mode);
	errno = ENOENT;
	return installed ? 0 : -1;
}

/* A copy, since the kernel resolves links to a program. */
static void program_copy(const char *to)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int copy = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	struct stat status;

	assert_true(from >= 0 && copy >= 0 && fstat(from, &status) == 0);
	while (sendfile(copy, from, NULL, (size_t)status.st_size) > 0)
		;
	assert_int_equal(lseek(from, 0, SEEK_CUR), status.st_size);
	close(from);
	close(copy);
}

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	folder_put(folder, "/usr/bin/empty", "");
	snprintf(program, sizeof(program), "%s/usr/bin/program", folder);
	program_copy(program);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

/* What the copy finds for a name: "STATUS PATH". `where`: "installed" or "". */
static void find(const char *name, const char *where, char *found, size_t size)
{
	char *arguments[] = {program, (char *)name, (char *)where, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	assert_int_equal(posix_spawn(&child, program, &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while ((got = read(ends[0], found + length, size - 1 - length)) > 0)
		length += (size_t)got;
	found[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void data_beside_the_program_come_first(void **state)
{
	char found[PATH_MAX + 40], wanted[PATH_MAX + 40], real[PATH_MAX];

	(void)state;
	/* TWOBIT_DATA_FROM_PROGRAM is "../share/twobit" where the build's folders are usual. */
	if (strcmp(TWOBIT_DATA_FROM_PROGRAM, "../share/twobit") != 0) {
		puts("the data are not installed in ../share/twobit of the program");
		skip();
	}
	folder_put(folder, "/usr/share/twobit/networks/one", "");
	find("networks", "installed", found, sizeof(found));
	assert_non_null(realpath(folder, real));
	snprintf(wanted, sizeof(wanted), "0 %s/usr/share/twobit/networks", real);
	assert_string_equal(found, wanted);
	/* What is not there may be where the build was to be installed. */
	find("fonts", "installed", found, sizeof(found));
	assert_string_equal(found, "0 " TWOBIT_DATA_DIR "/fonts");
}

static void data_are_found_where_the_build_puts_them(void **state)
{
	char found[PATH_MAX + 40];

	(void)state;
	find("networks", "installed", found, sizeof(found));
	assert_string_equal(found, "0 " TWOBIT_DATA_DIR "/networks");
}

static void missing_data_are_no_path(void **state)
{
	char found[PATH_MAX + 40], wanted[40];

	(void)state;
	find("networks", "", found, sizeof(found));
	snprintf(wanted, sizeof(wanted), "%d ", -ENOENT);
	assert_int_equal(strncmp(found, wanted, strlen(wanted)), 0);
}

static void path_longer_than_its_place_is_refused(void **state)
{
	char path[sizeof(TWOBIT_DATA_DIR "/name")];

	(void)state;
	installed = true;
	assert_int_equal(installation_find("name", path, sizeof(path) - 1), -ENAMETOOLONG);
	assert_int_equal(installation_find("name", path, sizeof(path)), 0);
	assert_string_equal(path, TWOBIT_DATA_DIR "/name");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(data_beside_the_program_come_first, setup, teardown),
		cmocka_unit_test_setup_teardown(data_are_found_where_the_build_puts_them, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_data_are_no_path, setup, teardown),
		cmocka_unit_test(path_longer_than_its_place_is_refused),
	};
	char path[PATH_MAX] = "";

	if (argc == 3) {
		installed = argv[2][0] != '\0';
		int rc = installation_find(argv[1], path, sizeof(path));
		printf("%d %s", rc, path);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
