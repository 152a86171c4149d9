/* SPDX-License-Identifier: MIT */
/* A process that has entered the sandbox tries what is forbidden, and what must go on. */
#include "base/error.h"
#include "sandbox/sandbox.h"
#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char inside[PATH_MAX], outside[PATH_MAX], readable[PATH_MAX];

/* Where a check of a child fails, its line is the exit code's message on stderr. */
#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "line %d: not %s (errno %d)\n", __LINE__, #condition, errno);        \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

#define REFUSED(error, call)                                                                                 \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		CHECK((call) == -1 && errno == (error));                                                     \
	} while (0)

/* Runs it in a process of its own, which must end well and not by a signal. */
static void in_child(void (*run)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void enter_calls(void)
{
	struct error e = {0};

	CHECK(sandbox_calls_enter(false, false, &e) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void try_processes(void)
{
	char *const arguments[] = {(char *)"false", NULL};

	enter_calls();
	REFUSED(EPERM, execve("/bin/false", arguments, NULL));
	REFUSED(EPERM, syscall(SYS_execveat, AT_FDCWD, "/bin/false", arguments, NULL, 0));
	REFUSED(EPERM, fork());
	REFUSED(EPERM, vfork());
	REFUSED(ENOSYS, syscall(SYS_clone3, NULL, 0));
	REFUSED(EPERM, ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	REFUSED(EPERM, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
	REFUSED(EPERM, syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0));
	REFUSED(EPERM, syscall(SYS_pidfd_open, getppid(), 0));
	REFUSED(EPERM, kill(getppid(), 0));
	REFUSED(EPERM, kill(0, 0));
	REFUSED(EPERM, syscall(SYS_tgkill, getppid(), getppid(), 0));
	REFUSED(EPERM, syscall(SYS_tkill, getppid(), 0));
}

static void try_kernel(void)
{
	enter_calls();
	REFUSED(EPERM, syscall(SYS_bpf, 0, NULL, 0));
	REFUSED(EPERM, syscall(SYS_kexec_load, 0, 0, NULL, 0));
	REFUSED(EPERM, syscall(SYS_finit_module, -1, "", 0));
	REFUSED(EPERM, syscall(SYS_init_module, NULL, 0, ""));
	REFUSED(EPERM, syscall(SYS_delete_module, "", 0));
	REFUSED(EPERM, mount("none", outside, "tmpfs", 0, NULL));
	REFUSED(EPERM, umount2(outside, 0));
	REFUSED(EPERM, syscall(SYS_fsopen, "tmpfs", 0));
	REFUSED(EPERM, syscall(SYS_unshare, 0));
	REFUSED(EPERM, syscall(SYS_setns, -1, 0));
	REFUSED(EPERM, syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	REFUSED(EPERM, syscall(SYS_add_key, "user", "x", "x", 1, 0));
	REFUSED(EPERM, syscall(SYS_userfaultfd, 0));
	REFUSED(EPERM, syscall(SYS_io_uring_setup, 1, NULL));
	REFUSED(EPERM, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	REFUSED(EPERM, syscall(SYS_personality, 0xffffffff));
	REFUSED(EPERM, syscall(SYS_setuid, getuid()));
	REFUSED(EPERM, syscall(SYS_fchmodat, AT_FDCWD, outside, 0700));
	REFUSED(EPERM, syscall(SYS_fchownat, AT_FDCWD, outside, -1, -1, 0));
	REFUSED(EPERM, ioctl(STDERR_FILENO, TIOCSTI, "x"));
	REFUSED(ENOSYS, syscall(449)); /* newer than the list */
}

static void *write_one(void *number)
{
	*(int *)number = 1;
	return NULL;
}

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
	caught = number;
}

static void try_what_goes_on(void)
{
	pthread_t thread;
	int number = 0, pair[2];

	enter_calls();
	CHECK(pthread_create(&thread, NULL, write_one, &number) == 0);
	CHECK(pthread_join(thread, NULL) == 0 && number == 1);
	CHECK(signal(SIGUSR1, catch_signal) != SIG_ERR && raise(SIGUSR1) == 0 && caught == SIGUSR1);
	CHECK(kill(getpid(), 0) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	CHECK(ioctl(pair[0], FIONREAD, &number) == 0);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0); /* not yet */
}

static void enter_sockets(unsigned allowed)
{
	struct error e = {0};

	enter_calls();
	CHECK(sandbox_sockets_enter(allowed, false, &e) == 0);
}

static void try_no_sockets(void)
{
	int pair[2];

	enter_sockets(0);
	REFUSED(EACCES, socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(EACCES, socket(AF_INET6, SOCK_DGRAM, 0));
	REFUSED(EACCES, socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(EACCES, socket(AF_UNIX, SOCK_DGRAM, 0));
	REFUSED(EACCES, socket(AF_NETLINK, SOCK_RAW, 0));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	REFUSED(EPERM, listen(pair[0], 1));
}

static void try_notify(void)
{
	enter_sockets(SANDBOX_SOCKETS_NOTIFY);
	CHECK(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
	REFUSED(EACCES, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	REFUSED(EACCES, socket(AF_INET, SOCK_DGRAM, 0));
}

static void try_network(void)
{
	enter_sockets(SANDBOX_SOCKETS_NETWORK);
	CHECK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
	REFUSED(EACCES, socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(EACCES, socket(AF_PACKET, SOCK_RAW, 0));
}

static void *open_nothing(void *path)
{
	return open(path, O_RDONLY) < 0 && errno == EACCES ? path : NULL;
}

static void try_files(void)
{
	struct sandbox_files *files;
	struct error e = {0};
	pthread_t thread;
	void *refused;

	CHECK(sandbox_files_create(&files, &e) == 0);
	sandbox_files_allow(files, inside, SANDBOX_WRITE);
	sandbox_files_allow(files, readable, SANDBOX_READ);
	sandbox_files_allow(files, "/nowhere/at/all", SANDBOX_WRITE);
	CHECK(sandbox_files_enter(files, &e) == 0);
	sandbox_files_destroy(files);
	CHECK(chdir(inside) == 0);
	CHECK(open("new", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0);
	CHECK(rename("new", "newer") == 0 && unlink("newer") == 0);
	CHECK(mkdir("folder", 0700) == 0 && rmdir("folder") == 0);
	CHECK(open(readable, O_RDONLY) >= 0);
	REFUSED(EACCES, open(readable, O_RDWR));
	CHECK(chdir(outside) == 0);
	REFUSED(EACCES, open("file", O_RDONLY));
	REFUSED(EACCES, open("file", O_WRONLY));
	REFUSED(EACCES, open("new", O_WRONLY | O_CREAT, 0600));
	REFUSED(EACCES, unlink("file"));
	REFUSED(EACCES, mkdir("folder", 0700));
	CHECK(pthread_create(&thread, NULL, open_nothing, outside) == 0);
	CHECK(pthread_join(thread, &refused) == 0 && refused);
}

static void test_files(void **state)
{
	char *folder = folder_create();

	(void)state;
	if (!sandbox_support().files) {
		folder_destroy(folder);
		print_message("this kernel or this build has no Landlock\n");
		skip();
	}
	folder_put(folder, "/in/file", "");
	folder_put(folder, "/out/file", "");
	folder_put(folder, "/readable", "");
	snprintf(inside, sizeof(inside), "%s/in", folder);
	snprintf(outside, sizeof(outside), "%s/out", folder);
	snprintf(readable, sizeof(readable), "%s/readable", folder);
	in_child(try_files);
	folder_destroy(folder);
}

static void test_calls(void **state)
{
	static void (*const tries[])(void) = {
		try_processes, try_kernel, try_what_goes_on, try_no_sockets, try_notify, try_network};

	(void)state;
	if (!sandbox_support().calls) {
		print_message("this kernel or this build has no seccomp\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		in_child(tries[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
