/* SPDX-License-Identifier: MIT */
/*
 * The terminal, seen from its other side: a child shows pictures on a pseudo terminal, and a small emulator
 * reads its output and refuses every unknown sequence.
 */
#include "base/error.h"
#include "base/log.h"
#include "display/display.h"
#include "terminal_emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define COLUMNS 20
#define ROWS 11 /* ten of picture, one of text */
#define OUTPUT_BYTES (1 << 20)
#define BELL "\a"

/* How a child ended. */
struct trial {
	char *output;
	size_t used;
	int status; /* as waitpid gives it */
	char report[64];
	size_t reported;
	struct termios before, after;
	struct emulator screen;
};

static int report_pipe[2], master = -1;

/* Reads what there is into a buffer; false at its end. */
static bool drain(int fd, char *to, size_t room, size_t *used)
{
	char spill[4096];
	ssize_t got = read(fd, spill, sizeof(spill));

	if (got <= 0)
		return false;
	assert_true(*used + (size_t)got < room);
	memcpy(to + *used, spill, (size_t)got);
	*used += (size_t)got;
	return true;
}

static void child_run(int slave, void (*scene)(void))
{
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	dup2(slave, STDIN_FILENO);
	dup2(slave, STDOUT_FILENO);
	alarm(60);
	scene();
	exit(0);
}

/* Runs a scene in a child; writes `typed` to it when it reports 'T'. Reads nothing while it is asked to be
 * slow. */
static struct trial *try_out(void (*scene)(void), const char *typed, bool slow)
{
	struct winsize size = {.ws_row = ROWS, .ws_col = COLUMNS};
	struct trial *t = calloc(1, sizeof(*t));
	int slave;

	t->output = calloc(1, OUTPUT_BYTES);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(tcgetattr(slave, &t->before), 0);
	assert_int_equal(pipe(report_pipe), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child)
		child_run(slave, scene);
	close(report_pipe[1]);
	struct pollfd fds[2] = {{.fd = report_pipe[0], .events = POLLIN}, {.fd = master, .events = POLLIN}};
	bool running = true;
	while (running) {
		assert_true(poll(fds, slow ? 1 : 2, 30000) > 0);
		if (fds[1].revents & POLLIN)
			drain(master, t->output, OUTPUT_BYTES, &t->used);
		if (!fds[0].revents)
			continue;
		running = drain(report_pipe[0], t->report, sizeof(t->report) - 1, &t->reported);
		if (running && t->report[t->reported - 1] == 'T')
			assert_int_equal(write(master, typed, strlen(typed)), (ssize_t)strlen(typed));
		slow = slow && running;
	}
	waitpid(child, &t->status, 0);
	tcgetattr(slave, &t->after);
	fcntl(master, F_SETFL, O_NONBLOCK);
	while (drain(master, t->output, OUTPUT_BYTES, &t->used))
		;
	close(slave);
	close(master);
	close(report_pipe[0]);
	emulate(&t->screen, t->output);
	return t;
}

static void trial_free(struct trial *t)
{
	free(t->output);
	free(t);
}

static void assert_restored(const struct trial *t)
{
	assert_non_null(strstr(t->output, "\033[?1049h"));
	assert_false(t->screen.other_screen);
	assert_false(t->screen.cursor_hidden);
	assert_false(t->screen.no_wrap);
	assert_int_equal(t->screen.fore, 0);
	assert_int_equal(t->after.c_lflag, t->before.c_lflag);
	assert_int_equal(t->after.c_iflag, t->before.c_iflag);
	assert_memory_equal(t->after.c_cc, t->before.c_cc, sizeof(t->before.c_cc));
}

/* --- in the child, where a failure is an exit status --- */

static void require(bool condition)
{
	if (!condition)
		_exit(99);
}

static void ring(void)
{
	require(write(STDOUT_FILENO, BELL, 1) == 1);
}

static void report(char what)
{
	require(write(report_pipe[1], &what, 1) == 1);
}

static struct display *display_new(void)
{
	static const struct display_options options = {.width = 640, .height = 480, .title = "test"};
	struct display *display;

	require(!display_open("terminal", &options, &display, NULL));
	return display;
}

static int show(struct display *display, const struct picture *p, const char *text)
{
	struct frame frame = {.picture = *p};

	snprintf(frame.text, sizeof(frame.text), "%s", text);
	return display_show(display, &frame, NULL);
}

/* Red and green above blue and white, each a quarter. */
static struct picture quarters(int side)
{
	static const uint32_t colours[2][2] = {{0xff0000, 0x00ff00}, {0x0000ff, 0xffffff}};
	struct picture p = {0};

	require(!picture_resize(&p, side, side));
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++)
			memcpy(p.data + 4 * (y * side + x), &colours[2 * y / side][2 * x / side], 4);
	return p;
}

static void show_quarters_twice(void)
{
	struct display *display = display_new();
	struct picture p = quarters(200);

	require(!show(display, &p, ""));
	ring();
	require(!show(display, &p, ""));
	ring();
	for (size_t i = 0; i < 4UL * 200 * 100; i++) /* the upper half turns grey */
		p.data[i] = 100;
	require(!show(display, &p, ""));
	ring();
	_exit(0); /* the screen stays for the emulator to see */
}

static unsigned quarter_of(int x, int y, const unsigned colours[4])
{
	return colours[2 * (y >= 10) + (x >= 10)] + 1;
}

static void cells_have_the_pictures_colours(void **state)
{
	static const unsigned colours[2][4] = {{0x646464, 0x646464, 0x0000ff, 0xffffff}, {241, 241, 21, 231}};

	(void)state;
	for (int depth = 0; depth < 2; depth++) {
		setenv("COLORTERM", depth ? "" : "truecolor", 1);
		struct trial *t = try_out(show_quarters_twice, "", false);
		assert_int_equal(t->status, 0);
		assert_true(t->screen.other_screen && t->screen.cursor_hidden);
		assert_int_equal(t->screen.blocks_in[0], 20 * 10);
		assert_int_equal(t->screen.blocks_in[1], 0);
		assert_int_equal(t->screen.blocks_in[2], 20 * 5);
		for (int y = 0; y < 20; y++)
			for (int x = 0; x < 20; x++) {
				unsigned seen = y % 2 ? t->screen.lower[y / 2][x] : t->screen.upper[y / 2][x];
				assert_int_equal(seen, quarter_of(x, y, colours[depth]));
			}
		trial_free(t);
	}
	setenv("COLORTERM", "truecolor", 1);
}

static void show_wide(void)
{
	struct display *display = display_new();
	struct picture p = {0};

	require(!picture_resize(&p, 400, 80));
	memset(p.data, 255, 4UL * 400 * 80);
	require(!show(display, &p, "köter 91 %\033[31m and a great deal more"));
	_exit(0);
}

static void aspect_is_kept_and_text_is_truncated(void **state)
{
	(void)state;
	struct trial *t = try_out(show_wide, "", false);
	assert_int_equal(t->screen.blocks, 20 * 2); /* 20 × 4 pixels */
	assert_int_equal(t->screen.upper[4][0], 0xffffff + 1);
	assert_int_equal(t->screen.upper[3][0], 0);
	assert_int_equal(t->screen.upper[6][0], 0);
	/* One space before, 19 characters, the escape among them made harmless; ö has two bytes. */
	assert_string_equal(t->screen.text[ROWS - 1], " köter 91 % [31m and");
	trial_free(t);
}

static void show_message(void)
{
	struct display *display;
	struct picture p = quarters(64);

	require(dup2(STDOUT_FILENO, STDERR_FILENO) == STDERR_FILENO);
	display = display_new();
	require(!show(display, &p, "köter 91 %"));
	log_warning("camera gone");
	require(!show(display, &p, "köter 91 %"));
	_exit(0);
}

/* A message that came while pictures are shown stands below them, and nowhere across. */
static void message_stands_below(void **state)
{
	(void)state;
	struct trial *t = try_out(show_message, "", false);
	assert_int_equal(t->status, 0);
	assert_string_equal(t->screen.text[ROWS - 1], " camera gone");
	for (int i = 0; i < ROWS - 1; i++)
		assert_string_equal(t->screen.text[i], "");
	assert_null(strstr(t->output, "twobit: warning"));
	trial_free(t);
}

static void close_after_message(void)
{
	struct display *display;
	struct picture p = quarters(64);

	require(dup2(STDOUT_FILENO, STDERR_FILENO) == STDERR_FILENO);
	display = display_new();
	log_warning("camera gone");
	log_warning("camera back");
	require(!show(display, &p, ""));
	display_close(display);
	log_warning("afterwards");
	_exit(0);
}

static void messages_are_printed_at_the_end(void **state)
{
	(void)state;
	struct trial *t = try_out(close_after_message, "", false);
	assert_int_equal(t->status, 0);
	const char *left = strstr(t->output, "\033[?1049l");
	assert_non_null(left);
	assert_string_equal(left + 8,
		"twobit: warning: camera gone\r\ntwobit: warning: camera back\r\n"
		"twobit: warning: afterwards\r\n");
	trial_free(t);
}

static void show_resized(void)
{
	struct winsize size = {.ws_row = 21, .ws_col = 60};
	struct display *display = display_new();
	struct picture p = quarters(64);

	require(!show(display, &p, ""));
	ring();
	require(!ioctl(STDOUT_FILENO, TIOCSWINSZ, &size));
	require(!show(display, &p, ""));
	_exit(0);
}

static void size_is_followed(void **state)
{
	(void)state;
	struct trial *t = try_out(show_resized, "", false);
	assert_int_equal(t->screen.blocks_in[0], 20 * 10);
	assert_int_equal(t->screen.blocks, 40 * 20);
	assert_int_equal(t->screen.upper[0][9], 0);
	assert_int_equal(t->screen.upper[0][10], 0xff0000 + 1);
	assert_int_equal(t->screen.lower[19][49], 0xffffff + 1);
	trial_free(t);
}

static struct display *shown(void)
{
	struct rlimit none = {0};
	struct display *display = display_new();
	struct picture p = quarters(64);

	setrlimit(RLIMIT_CORE, &none);
	require(!show(display, &p, ""));
	picture_finish(&p);
	return display;
}

static void end_by_close(void)
{
	display_close(shown());
	_exit(0);
}

static void end_by_exit(void)
{
	static struct display *kept; /* reachable: no leak */

	kept = shown();
	exit(kept ? 0 : 1);
}

static void end_by_abort(void)
{
	(void)shown();
	abort();
}

static void end_by_fault(void)
{
	signal(SIGSEGV, SIG_DFL); /* a sanitiser may watch it */
	(void)shown();
	raise(SIGSEGV);
}

static void end_by_term(void)
{
	(void)shown();
	raise(SIGTERM);
}

static int killer; /* the signal that end_by_signal raises */

static void end_by_signal(void)
{
	signal(killer, SIG_DFL); /* a sanitiser may watch it */
	(void)shown();
	raise(killer);
	_exit(0);
}

static void end_unseen(void)
{
	display_close(display_new());
	_exit(0);
}

static void every_end_restores(void **state)
{
	static const struct {
		void (*scene)(void);
		int killed_by;
	} ends[] = {{end_by_close, 0}, {end_by_exit, 0}, {end_by_abort, SIGABRT}, {end_by_fault, SIGSEGV},
		{end_by_term, SIGTERM}, {end_unseen, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct trial *t = try_out(ends[i].scene, "", false);
		assert_restored(t);
		assert_int_equal(WIFSIGNALED(t->status) ? WTERMSIG(t->status) : 0, ends[i].killed_by);
		if (!ends[i].killed_by)
			assert_int_equal(t->status, 0);
		trial_free(t);
	}
}

/* Of each signal that ends a program, as signal(7) lists them. */
static void every_signal_that_kills_restores(void **state)
{
	static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
		SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ, SIGVTALRM,
		SIGPROF, SIGIO, SIGPWR, SIGSYS};

	(void)state;
	for (int i = 0; i < (int)(sizeof(deadly) / sizeof(deadly[0])) + 2; i++) {
		int listed = (int)(sizeof(deadly) / sizeof(deadly[0]));
		killer = i < listed ? deadly[i] : i == listed ? SIGRTMIN : SIGRTMAX;
		struct trial *t = try_out(end_by_signal, "", false);
		assert_restored(t);
		assert_true(WIFSIGNALED(t->status));
		assert_int_equal(WTERMSIG(t->status), killer);
		trial_free(t);
	}
}

static void close_twice_over(void)
{
	struct display *display = display_new(), *second;
	struct sigaction before, after;

	require(display_open("terminal", &(struct display_options){.width = 1, .height = 1}, &second, NULL) <
		0);
	display_close(display);
	sigaction(SIGTERM, NULL, &before);
	display_close(display_new());
	sigaction(SIGTERM, NULL, &after);
	require(before.sa_handler == SIG_DFL && after.sa_handler == SIG_DFL);
	_exit(0);
}

static void one_at_a_time_and_again(void **state)
{
	(void)state;
	struct trial *t = try_out(close_twice_over, "", false);
	assert_int_equal(t->status, 0);
	assert_restored(t);
	trial_free(t);
}

/* Reports each key as a letter, up to the first KEY_QUIT. */
static void type_keys(void)
{
	struct display *display = display_new();
	enum display_key key;

	report('T');
	do {
		while ((key = display_poll_key(display)) == KEY_NONE)
			usleep(2000);
		report((char)('a' + (int)key));
	} while (key != KEY_QUIT);
	display_close(display);
	_exit(0);
}

static void keys_are_read(void **state)
{
	char expected[16] = "T";
	static const enum display_key keys[] = {KEY_PAUSE, KEY_FULLSCREEN, KEY_STATISTICS, KEY_SNAPSHOT,
		KEY_RECORD, KEY_CAPTION, KEY_HELP, KEY_QUIT};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		expected[i + 1] = (char)('a' + (int)keys[i]);
	/* Arrows, F5 and Alt-q mean nothing; Escape alone, at the end, quits. */
	struct trial *t = try_out(type_keys, " \033[Afi\033[15~s\033OBr\033qxo?\033", false);
	assert_int_equal(t->status, 0);
	assert_string_equal(t->report, expected);
	trial_free(t);
	t = try_out(type_keys, "q", false);
	assert_int_equal(t->report[1], 'a' + KEY_QUIT);
	trial_free(t);
}

/* Far more than a terminal takes unread; it must come back, and the key must get through. */
static void show_to_nobody(void)
{
	struct display *display = display_new();
	struct picture p = quarters(64);

	alarm(20);
	for (int i = 0; i < 200; i++) {
		for (size_t j = 0; j < 4UL * 64 * 64; j++)
			p.data[j] = (uint8_t)(rand() >> 8);
		int status = show(display, &p, "");
		require(!status || status == -EAGAIN);
	}
	report('T');
	while (display_poll_key(display) != KEY_QUIT)
		usleep(2000);
	report('q');
	display_close(display);
	_exit(0);
}

static void slow_terminal_lets_keys_through(void **state)
{
	(void)state;
	struct trial *t = try_out(show_to_nobody, "q", true);
	assert_int_equal(t->status, 0);
	assert_string_equal(t->report, "Tq");
	assert_int_equal(t->after.c_lflag, t->before.c_lflag);
	trial_free(t);
}

static void available_asks_for_a_terminal(void **state)
{
	const struct display_driver *const *d = display_drivers();
	int out = dup(STDOUT_FILENO), there, here;
	struct display *display;
	struct error e = {0};

	(void)state;
	while (strcmp((*d)->name, "terminal") != 0)
		d++;
	assert_int_equal(openpty(&there, &here, NULL, NULL, NULL), 0);
	dup2(here, STDOUT_FILENO);
	bool fit = (*d)->available();
	setenv("TERM", "dumb", 1);
	bool dumb = (*d)->available();
	unsetenv("TERM");
	bool unset = (*d)->available();
	setenv("TERM", "xterm", 1);
	dup2(report_pipe[1] = open("/dev/null", O_WRONLY), STDOUT_FILENO);
	bool file = (*d)->available();
	int status =
		display_open("terminal", &(struct display_options){.width = 1, .height = 1}, &display, &e);
	dup2(out, STDOUT_FILENO);
	assert_true(fit);
	assert_false(dumb);
	assert_false(unset);
	assert_false(file);
	assert_true(status < 0);
	assert_non_null(strstr(e.text, "--display none"));
	close(report_pipe[1]);
	close(out);
	close(there);
	close(here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(available_asks_for_a_terminal),
		cmocka_unit_test(cells_have_the_pictures_colours),
		cmocka_unit_test(aspect_is_kept_and_text_is_truncated),
		cmocka_unit_test(message_stands_below),
		cmocka_unit_test(messages_are_printed_at_the_end),
		cmocka_unit_test(size_is_followed),
		cmocka_unit_test(every_end_restores),
		cmocka_unit_test(every_signal_that_kills_restores),
		cmocka_unit_test(one_at_a_time_and_again),
		cmocka_unit_test(keys_are_read),
		cmocka_unit_test(slow_terminal_lets_keys_through),
	};

	setenv("TERM", "xterm", 1);
	setenv("COLORTERM", "truecolor", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
