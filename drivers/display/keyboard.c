/* SPDX-License-Identifier: MIT */
#include "display/keyboard.h"

#include "base/clock.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define TYPED_BYTES 32
/* ns; bytes that follow Escape within this time belong to a function key's sequence. */
#define ESCAPE_TIME INT64_C(50000000)

static struct {
	unsigned char bytes[TYPED_BYTES];
	size_t count;
	int64_t at;
} typed;

/* What restoring needs, also in a signal handler. */
static struct {
	volatile sig_atomic_t active;
	int keys; /* −1: there are no keys */
	struct termios before;
	void (*leave)(void);
} screen = {.keys = -1};

/* By their numbers. Those that are not caught keep what they had. */
static struct sigaction deadly_before[NSIG];
static bool deadly_caught[NSIG];

/* Async-signal-safe. */
static void screen_restore(void)
{
	if (!screen.active)
		return;
	screen.active = 0;
	if (screen.leave)
		screen.leave();
	if (screen.keys >= 0)
		tcsetattr(screen.keys, TCSANOW, &screen.before);
}

static void deadly_restore(void)
{
	for (int i = 1; i < NSIG; i++) {
		if (deadly_caught[i])
			sigaction(i, &deadly_before[i], NULL);
		deadly_caught[i] = false;
	}
}

static void deadly_arrived(int number)
{
	screen_restore();
	deadly_restore();
	raise(number); /* delivered to the previous handler when this returns */
}

/* Whether the signal ends a program that does not handle it (signal(7)): all do, except these. */
static bool ends_by_default(int number)
{
	switch (number) {
	case SIGCHLD:
	case SIGCONT:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGURG:
	case SIGWINCH:
		return false;
	default:
		return true;
	}
}

/* A bug of the program raises it, so what watches for bugs may handle it already. */
static bool tells_of_a_bug(int number)
{
	return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
	       number == SIGABRT || number == SIGSYS;
}

/* SIGKILL and the two that the C library keeps for itself cannot be caught: sigaction refuses them. */
static void deadly_catch(void)
{
	struct sigaction action = {.sa_handler = deadly_arrived};

	for (int i = 1; i < NSIG; i++) {
		struct sigaction *before = &deadly_before[i];
		if (ends_by_default(i) && !sigaction(i, NULL, before) &&
			(before->sa_handler == SIG_DFL || tells_of_a_bug(i)))
			deadly_caught[i] = !sigaction(i, &action, NULL);
	}
}

/* Keys arrive at once and without echo. Ctrl-C still interrupts; Ctrl-Z and Ctrl-S do not stop the program.
 */
static void keys_open(void)
{
	screen.keys = -1;
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &screen.before))
		return;
	struct termios raw = screen.before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_iflag &= ~(tcflag_t)IXON;
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (!tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		screen.keys = STDIN_FILENO;
}

void keyboard_open(void (*leave)(void))
{
	static bool at_exit;

	if (!at_exit)
		at_exit = !atexit(screen_restore);
	typed.count = 0;
	screen.leave = leave;
	keys_open();
	deadly_catch();
	screen.active = 1;
}

void keyboard_close(void)
{
	screen_restore();
	deadly_restore();
}

bool keyboard_active(void)
{
	return screen.active;
}

/*
 * Bytes of the first typed key; 0: more may follow. A function key sends Escape, '[' or 'O', then digits and
 * the like, and a last byte from '@' on; F1 to F5 of the Linux console send a second '['.
 */
static size_t key_length(const unsigned char *bytes, size_t count, bool late)
{
	size_t i = 2;

	if (bytes[0] != '\033')
		return 1;
	if (count == 1)
		return late;
	if (bytes[1] != '[' && bytes[1] != 'O')
		return 2; /* Alt with a key */
	if (count > 2 && bytes[2] == '[')
		i = 3;
	for (; i < count; i++)
		if (bytes[i] >= '@')
			return i + 1;
	return late || count == TYPED_BYTES ? count : 0;
}

int keyboard_descriptor(void)
{
	return screen.keys;
}

int keyboard_read(void)
{
	int character = -1;

	if (screen.keys < 0)
		return -1;
	ssize_t count = read(screen.keys, typed.bytes + typed.count, TYPED_BYTES - typed.count);
	if (count > 0) {
		typed.count += (size_t)count;
		typed.at = clock_now();
	}
	while (character < 0 && typed.count) {
		size_t length = key_length(typed.bytes, typed.count, clock_now() - typed.at >= ESCAPE_TIME);
		if (!length)
			break;
		if (length == 1)
			character = typed.bytes[0];
		typed.count -= length;
		memmove(typed.bytes, typed.bytes + length, typed.count);
	}
	return character;
}
