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

/* Signals that kill: by a bug, or (from SIGINT on) from outside if the program does not handle them. */
static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define DEADLY_BUGS 5
#define DEADLY (sizeof(deadly) / sizeof(deadly[0]))
static struct sigaction deadly_before[DEADLY];

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
	for (size_t i = 0; i < DEADLY; i++)
		sigaction(deadly[i], &deadly_before[i], NULL);
}

static void deadly_arrived(int number)
{
	screen_restore();
	deadly_restore();
	raise(number); /* delivered to the previous handler when this returns */
}

static void deadly_catch(void)
{
	struct sigaction action = {.sa_handler = deadly_arrived};

	for (size_t i = 0; i < DEADLY; i++) {
		sigaction(deadly[i], NULL, &deadly_before[i]);
		if (i < DEADLY_BUGS || deadly_before[i].sa_handler == SIG_DFL)
			sigaction(deadly[i], &action, NULL);
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
