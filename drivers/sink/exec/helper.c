/* SPDX-License-Identifier: MIT */
#include "sink/exec/helper.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Variables that commands inherit, at most. */
#define INHERITED 1000

/* Descriptors that are closed. */
#define FILES_MOST 4096

enum { SOCKET = 3, SIGNALS = 4 };

struct command_runner {
	struct helper_options options;
	struct exec_answer answer;
	pid_t command; /* 0: none runs */
	int64_t next;  /* when the next may start */
	bool closing;  /* no more messages come */
	size_t waits;  /* bytes of the message that waits; 0: none */
	char message[EXEC_MESSAGE_BYTES];
};

/* The variables of this process and those of the event. */
static void make_environment(const struct command_runner *h, char **variables)
{
	int count = 0;

	for (char **inherited = environ; *inherited && count < INHERITED; inherited++)
		if (strncmp(*inherited, "EVENT", 5) != 0)
			variables[count++] = *inherited;
	const char *end = h->message + h->waits;
	for (const char *at = h->message; at < end; at += strlen(at) + 1)
		if (count < INHERITED + EXEC_VARIABLES)
			variables[count++] = (char *)at;
	variables[count] = NULL;
}

/* In the command's process. What it prints goes where messages go: standard output may be for events. */
_Noreturn static void become_command(const struct command_runner *h)
{
	char *variables[INHERITED + EXEC_VARIABLES + 1];
	sigset_t none;

	make_environment(h, variables);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close(SOCKET);
	close(SIGNALS);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(h->options.path, h->options.arguments, variables);
	_exit(126); /* as a shell says it */
}

static void tell(struct command_runner *h)
{
	(void)!send(SOCKET, &h->answer, sizeof(h->answer), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void start_command(struct command_runner *h)
{
	h->command = fork();
	if (!h->command)
		become_command(h);
	h->waits = 0;
	h->next = clock_now() + h->options.pause;
	if (h->command < 0) {
		h->answer.failure = errno;
		h->command = 0;
		tell(h);
	}
}

static void take_message(struct command_runner *h)
{
	bool waited = h->waits;
	ssize_t got = recv(SOCKET, h->message, sizeof(h->message), 0);

	if (got <= 0) {
		h->closing = got == 0 || errno != EINTR;
		return;
	}
	h->waits = (size_t)got;
	h->answer.skipped += waited;
}

static void end_commands(struct command_runner *h)
{
	struct signalfd_siginfo ended;
	int status;

	(void)!read(SIGNALS, &ended, sizeof(ended));
	while (waitpid(-1, &status, WNOHANG) > 0) {
		h->command = 0;
		h->answer.status = status;
		tell(h);
	}
}

/* Until when to wait, ms; -1: without limit. */
static int patience(const struct command_runner *h)
{
	int64_t left = h->next - clock_now();

	if (!h->waits || h->command)
		return -1;
	return left > 0 && !h->closing ? (int)(left / NS_PER_MS) + 1 : 0;
}

static void run(struct command_runner *h)
{
	struct pollfd events[] = {{SIGNALS, POLLIN, 0}, {SOCKET, POLLIN, 0}};

	while (!h->closing || h->waits || h->command) {
		events[1].fd = h->closing ? -1 : SOCKET;
		if (poll(events, 2, patience(h)) > 0) {
			if (events[0].revents)
				end_commands(h);
			if (events[1].revents)
				take_message(h);
		}
		if (!patience(h))
			start_command(h);
	}
}

_Noreturn static void become_helper(struct command_runner *h, int fd)
{
	sigset_t child;

	prctl(PR_SET_NAME, "twobit-exec");
	setpgid(0, 0); /* Ctrl-C is for the program, which ends its helper */
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	if (fd != SOCKET)
		dup2(fd, SOCKET);
	for (int i = SOCKET + 1; i < FILES_MOST; i++)
		close(i);
	if (signalfd(-1, &child, SFD_NONBLOCK) != SIGNALS)
		_exit(1);
	run(h);
	_exit(0);
}

int helper_start(const struct helper_options *options, struct exec_helper *out)
{
	static struct command_runner helper;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	helper = (struct command_runner){.options = *options};
	pid_t child = fork();
	int code = child < 0 ? -errno : 0;
	if (!child)
		become_helper(&helper, ends[1]);
	close(ends[1]);
	if (code)
		close(ends[0]);
	else
		*out = (struct exec_helper){child, ends[0]};
	return code;
}
