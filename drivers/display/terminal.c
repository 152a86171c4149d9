/* SPDX-License-Identifier: MIT */
/*
 * The terminal: two pixels a character by the upper half block, in 24-bit colour or the 256 of xterm. Only
 * cells that changed are written. The last row is for the caption's words, which no half block could spell.
 */
#include "base/error.h"
#include "display/drivers.h"

#include <errno.h>
#include <libyuv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

/* A cell at its longest: move, two colours, the block. */
#define CELL_BYTES 64

/* Other programs write to the same terminal; what they left is painted over this often, in frames. */
#define REPAINT 64

struct cell {
	uint8_t upper[4], lower[4]; /* B, G, R, used */
};

struct terminal {
	struct picture small; /* what fits */
	struct cell *cells;   /* [rows][columns] as written last */
	int columns, rows;
	char *output;
	size_t used;
	bool true_colour;
	char words[3 * CELL_BYTES];
	int frames;
};

/* For the crash handler, which knows nothing else. */
static struct termios keyboard;
static volatile sig_atomic_t keyboard_changed, screen_changed;
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void restore(void)
{
	if (screen_changed && write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1) >= 0)
		screen_changed = 0;
	if (keyboard_changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &keyboard);
	keyboard_changed = 0;
}

static void crashed(int number)
{
	restore();
	raise(number); /* SA_RESETHAND: the default action now */
}

static void watch_crashes(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
}

static const char *environment(const char *name)
{
	const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody sets the environment */

	return value ? value : "";
}

static bool terminal_available(void)
{
	const char *kind = environment("TERM");

	return isatty(STDOUT_FILENO) && kind[0] && strcmp(kind, "dumb") != 0;
}

static int terminal_open(const struct display_options *options, void **state, struct error *e)
{
	struct terminal *t;
	struct termios raw;

	(void)options;
	if (!isatty(STDOUT_FILENO))
		return error_set(e, -ENODEV, "standard output is no terminal; try --display none");
	t = calloc(1, sizeof(*t));
	if (!t)
		return error_set(e, -ENOMEM, "out of memory");
	t->true_colour =
		strstr(environment("COLORTERM"), "truecolor") || strstr(environment("COLORTERM"), "24bit");
	watch_crashes(crashed);
	if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &keyboard) == 0) {
		raw = keyboard;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* ISIG stays: Ctrl-C interrupts as ever */
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		keyboard_changed = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	screen_changed = write(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1) >= 0;
	*state = t;
	return 0;
}

static void terminal_close(void *state)
{
	struct terminal *t = state;

	restore();
	watch_crashes(SIG_DFL);
	picture_finish(&t->small);
	free(t->cells);
	free(t->output);
	free(t);
}

/* Follows the terminal's size; a new one starts from an empty screen. */
static int follow_size(struct terminal *t)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		size = (struct winsize){.ws_col = 80, .ws_row = 24};
	if (size.ws_col != t->columns || size.ws_row != t->rows) {
		size_t cells = (size_t)size.ws_col * size.ws_row;
		free(t->cells);
		free(t->output);
		t->cells = calloc(cells, sizeof(*t->cells));
		t->output = malloc((cells + 8) * CELL_BYTES);
		t->columns = t->cells && t->output ? size.ws_col : 0;
		t->rows = size.ws_row;
		t->frames = 0;
		if (!t->columns)
			return -ENOMEM;
	}
	if (t->frames++ % REPAINT == 0) {
		memset(t->cells, 0, (size_t)t->columns * (size_t)t->rows * sizeof(*t->cells));
		t->used += (size_t)sprintf(t->output + t->used, "\033[0m\033[2J");
	}
	return 0;
}

/* xterm's cube of 6 × 6 × 6 colours, whose steps are 0, 95, 135 … 255. */
static int cube(const uint8_t *c)
{
	int step[3];

	for (int i = 0; i < 3; i++)
		step[i] = c[i] < 48 ? 0 : c[i] < 115 ? 1 : (c[i] - 35) / 40;
	return 16 + 36 * step[2] + 6 * step[1] + step[0];
}

static void put_colour(struct terminal *t, int ground, const uint8_t *c)
{
	char *at = t->output + t->used;

	if (t->true_colour)
		t->used += (size_t)sprintf(at, "\033[%d;2;%d;%d;%dm", ground, c[2], c[1], c[0]);
	else
		t->used += (size_t)sprintf(at, "\033[%d;5;%dm", ground, cube(c));
}

/* Pixels that look alike at the terminal's depth need no second writing. */
static void coarse(const struct terminal *t, const uint8_t *pixel, uint8_t *out)
{
	int mask = t->true_colour ? 0xFC : 0xF8;

	for (int i = 0; i < 3; i++)
		out[i] = (uint8_t)(pixel[i] & mask);
	out[3] = 1;
}

static void put_cells(struct terminal *t, int left, int top)
{
	static const uint8_t black[4] = {0};
	struct cell inks = {0};

	for (int y = 0; y < t->small.height; y += 2) {
		int row = top + y / 2, follows = -1;
		for (int x = 0; x < t->small.width; x++) {
			const uint8_t *pixel =
				t->small.data + ((size_t)y * (size_t)t->small.width + (size_t)x) * 4;
			bool last = y + 1 == t->small.height;
			struct cell cell;
			coarse(t, pixel, cell.upper);
			coarse(t, last ? black : pixel + (size_t)t->small.width * 4, cell.lower);
			struct cell *old = &t->cells[row * t->columns + left + x];
			if (memcmp(old, &cell, sizeof(cell)) == 0)
				continue;
			*old = cell;
			if (follows != x)
				t->used += (size_t)sprintf(
					t->output + t->used, "\033[%d;%dH", row + 1, left + x + 1);
			if (memcmp(inks.upper, cell.upper, 4) != 0)
				put_colour(t, 38, cell.upper);
			if (memcmp(inks.lower, cell.lower, 4) != 0)
				put_colour(t, 48, cell.lower);
			inks = cell;
			t->used += (size_t)sprintf(t->output + t->used, "▀");
			follows = x + 1;
		}
	}
}

static int write_all(struct terminal *t, struct error *e)
{
	for (size_t done = 0; done < t->used;) {
		ssize_t wrote = write(STDOUT_FILENO, t->output + done, t->used - done);
		if (wrote < 0 && errno != EINTR)
			return error_set(
				e, -errno, "the terminal does not take the picture: %s", strerror(errno));
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

static int terminal_show(void *state, const struct picture *picture, struct error *e)
{
	struct terminal *t = state;
	int height, width;

	t->used = 0;
	if (follow_size(t))
		return error_set(e, -ENOMEM, "out of memory");
	height = (t->rows - 1) * 2;
	width = (int)((int64_t)height * picture->width / picture->height);
	if (width > t->columns) {
		width = t->columns;
		height = (int)((int64_t)width * picture->height / picture->width);
	}
	if (width < 1 || height < 1 || picture_resize(&t->small, width, height))
		return 0; /* no room for a picture now; the terminal may grow */
	ARGBScale(picture->data, picture->width * 4, picture->width, picture->height, t->small.data,
		width * 4, width, height, kFilterBox);
	put_cells(t, (t->columns - width) / 2, (t->rows - 1 - (height + 1) / 2) / 2);
	t->used += (size_t)sprintf(
		t->output + t->used, "\033[%d;1H\033[0m\033[K %.*s", t->rows, t->columns - 2, t->words);
	return write_all(t, e);
}

static void terminal_say(void *state, const char *line)
{
	struct terminal *t = state;

	snprintf(t->words, sizeof(t->words), "%s", line);
}

static enum display_key key_meaning(char character)
{
	switch (character) {
	case 'q':
	case '\033':
		return KEY_QUIT;
	case ' ':
		return KEY_PAUSE;
	case 'i':
		return KEY_STATISTICS;
	case 's':
		return KEY_SNAPSHOT;
	case 'r':
		return KEY_RECORD;
	case 'o':
		return KEY_CAPTION;
	case '?':
		return KEY_HELP;
	default:
		return KEY_NONE;
	}
}

/* Escape alone is a key; with more behind it, it begins an arrow or a function key, which mean nothing here.
 */
static enum display_key terminal_poll_key(void *state)
{
	char keys[16];
	ssize_t count;

	(void)state;
	if (!keyboard_changed)
		return KEY_NONE;
	count = read(STDIN_FILENO, keys, sizeof(keys));
	if (count < 1 || (keys[0] == '\033' && count > 1))
		return KEY_NONE;
	return key_meaning(keys[0]);
}

const struct display_driver display_terminal = {
	.name = "terminal",
	.summary = "this terminal, two pixels a character",
	.available = terminal_available,
	.open = terminal_open,
	.close = terminal_close,
	.show = terminal_show,
	.poll_key = terminal_poll_key,
	.say = terminal_say,
};
