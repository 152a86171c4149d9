/* SPDX-License-Identifier: MIT */
/* Messages about devices that refuse: which programs use them, and which users may. */
#include "device/device.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/twobit-device-XXXXXX";
static char path[64];

/* A child called `name` that has the pipe open, until it is killed. */
static pid_t holder_start(const char *name)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_NAME, name);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (open(path, O_RDWR) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(child > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void holder_end(pid_t child)
{
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void holders_are_named(void **state)
{
	(void)state;
	char text[200];
	char wanted[64];
	pid_t children[4];

	assert_int_equal(device_holders(path, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	int own = device_open(path, O_RDWR, NULL);
	assert_true(own >= 0);
	assert_int_equal(device_holders(path, text, sizeof(text)), 0);
	close(own);

	children[0] = holder_start("cheese");
	assert_int_equal(device_holders(path, text, sizeof(text)), 1);
	snprintf(wanted, sizeof(wanted), "cheese (pid %d)", (int)children[0]);
	assert_string_equal(text, wanted);
	struct error e;
	assert_int_equal(device_error(path, -EBUSY, &e), -EBUSY);
	assert_non_null(strstr(e.text, wanted));
	assert_non_null(strstr(e.text, path));

	for (int i = 1; i < 4; i++)
		children[i] = holder_start("other");
	assert_int_equal(device_holders(path, text, sizeof(text)), 4);
	assert_non_null(strstr(text, " and 1 more"));
	char little[8];
	assert_int_equal(device_holders(path, little, sizeof(little)), 4);
	assert_int_equal(strlen(little), 7);
	for (int i = 0; i < 4; i++)
		holder_end(children[i]);
	assert_int_equal(device_holders(path, text, sizeof(text)), 0);
	assert_int_equal(device_holders("/nowhere", text, sizeof(text)), 0);
}

static void permissions_are_explained(void **state)
{
	(void)state;
	char text[256];
	const struct group *video = getgrnam("video");

	assert_int_equal(chmod(path, 0600), 0);
	device_permission_hint(path, text, sizeof(text));
	assert_non_null(strstr(text, "mode 600"));
	device_permission_hint("/nowhere/at/all", text, sizeof(text));
	assert_non_null(strstr(text, "closed to this user"));
	if (!video || chown(path, 0, video->gr_gid) < 0) {
		print_message("skipped: only root can give a file to the group video\n");
		skip();
	}
	assert_int_equal(chmod(path, 0660), 0);
	device_permission_hint(path, text, sizeof(text));
	assert_non_null(strstr(text, "the group video: `sudo usermod -aG video $USER`, then log in again"));
}

static void open_says_why_not(void **state)
{
	(void)state;
	struct error e;

	assert_int_equal(device_open("/dev/no-such-device", O_RDWR, &e), -ENOENT);
	assert_string_equal(e.text, "/dev/no-such-device: No such file or directory");
	assert_int_equal(e.code, -ENOENT);
	assert_int_equal(device_error("/dev/video7", -ENODEV, &e), -ENODEV);
	assert_string_equal(e.text, "/dev/video7: the device is gone");
	int fd = device_open(path, O_RDWR, &e);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(device_ioctl(fd, 0x5413, &e), -ENOTTY);
	close(fd);
}

static int pipe_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/device", folder);
	return mkfifo(path, 0600);
}

static int pipe_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holders_are_named),
		cmocka_unit_test(permissions_are_explained),
		cmocka_unit_test(open_says_why_not),
	};

	return cmocka_run_group_tests(tests, pipe_make, pipe_remove);
}
