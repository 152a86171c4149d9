/* SPDX-License-Identifier: MIT */
#include "display/drm/console.h"

#include "display/keyboard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vt.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The kernel requests a switch by these. They go to the main thread, which owns the display, and have no
 * other use. */
#define SIGNAL_LEAVE (SIGRTMIN)
#define SIGNAL_RETURN (SIGRTMIN + 1)

static struct {
	int tty; /* −1: no virtual terminal */
	volatile sig_atomic_t leave, come_back;
	struct sigaction before[2];
} console = {.tty = -1};

static void asked(int number)
{
	if (number == SIGNAL_LEAVE)
		console.leave = 1;
	else
		console.come_back = 1;
}

/* Async-signal-safe. If the program is killed without it, the kernel notices at the next switch. */
static void console_leave(void)
{
	struct vt_mode mode = {.mode = VT_AUTO};

	if (console.tty >= 0)
		ioctl(console.tty, VT_SETMODE, &mode);
}

/* Standard input or the controlling terminal, if it is a virtual one that no other program controls. */
static int tty_open(void)
{
	struct vt_mode mode;
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd >= 0 && !ioctl(fd, VT_GETMODE, &mode) && mode.mode == VT_AUTO)
		return fd;
	if (fd >= 0)
		close(fd);
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && !ioctl(fd, VT_GETMODE, &mode) && mode.mode == VT_AUTO)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool is_active(void)
{
	struct vt_stat state;
	unsigned int device;

	return ioctl(console.tty, VT_GETSTATE, &state) || ioctl(console.tty, TIOCGDEV, &device) ||
	       minor(device) == state.v_active;
}

static void signals_take(void)
{
	struct sigaction action = {.sa_handler = asked, .sa_flags = SA_RESTART};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL_LEAVE);
	sigaddset(&set, SIGNAL_RETURN);
	sigaction(SIGNAL_LEAVE, &action, &console.before[0]);
	sigaction(SIGNAL_RETURN, &action, &console.before[1]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void signals_give_back(void)
{
	sigaction(SIGNAL_LEAVE, &console.before[0], NULL);
	sigaction(SIGNAL_RETURN, &console.before[1], NULL);
}

bool drm_console_open(void)
{
	struct vt_mode mode = {
		.mode = VT_PROCESS, .relsig = (short)SIGNAL_LEAVE, .acqsig = (short)SIGNAL_RETURN};

	/* Before the keyboard, which catches the signals that nobody handles. */
	signals_take();
	keyboard_open(console_leave);
	console.leave = console.come_back = 0;
	console.tty = tty_open();
	if (console.tty < 0)
		return true;
	if (ioctl(console.tty, VT_SETMODE, &mode)) {
		/* This program may not control it: a switch then changes the text only. */
		close(console.tty);
		console.tty = -1;
		return true;
	}
	return is_active();
}

void drm_console_close(void)
{
	keyboard_close();
	signals_give_back();
	if (console.tty < 0)
		return;
	close(console.tty);
	console.tty = -1;
}

enum console_event drm_console_poll(void)
{
	if (console.tty < 0)
		return CONSOLE_NONE;
	if (console.leave) {
		console.leave = 0;
		return CONSOLE_LEAVE;
	}
	if (console.come_back) {
		console.come_back = 0;
		ioctl(console.tty, VT_RELDISP, VT_ACKACQ);
		return CONSOLE_RETURN;
	}
	return CONSOLE_NONE;
}

void drm_console_left(void)
{
	ioctl(console.tty, VT_RELDISP, 1);
}
