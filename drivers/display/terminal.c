/* SPDX-License-Identifier: MIT */
/*
 * The terminal: the upper half block shows two pixels a character, in 24-bit colour or xterm's 256. Only
 * cells that changed are written. The last row shows the caption as text.
 *
 * A frame is written to a non-blocking descriptor. Output that a slow terminal does not accept soon is kept,
 * and pictures that come meanwhile are not drawn, so that keys are never delayed.
 */
#include "base/error.h"
#include "base/log.h"
#include "display/drivers.h"
#include "display/keyboard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Other screen, no cursor, no wrapping at the right edge. CAN (\030) ends a sequence that was cut short. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\030\033[0m\033[?7h\033[?25h\033[?1049l"

#define CELL_BYTES 64  /* a cell at its longest: move, two colours, the block */
#define TEXT_BYTES 256 /* the caption's text */
#define SHOW_MS 15     /* how long showing a picture waits, while no keys are read */
#define CLOSE_MS 500   /* how long closing waits for a slow terminal */
#define NO_COLOUR 0xff000000U
#define MESSAGE_MS 5000 /* how long a message replaces the text */

struct cell {
	uint32_t upper, lower; /* 0xRRGGBB, or the number of one of the 256 */
};

struct terminal {
	int out;	    /* non-blocking where the system allows */
	int columns, rows;  /* of the terminal; 0: not known yet */
	double pixel_shape; /* width by height of half a cell */
	struct cell *cells; /* [rows][columns] as last written; NO_COLOUR: unknown */
	int width, height;  /* pixels of the picture on the screen */
	char *output;
	size_t used, sent;
	struct cell ink; /* the colours that are set at the end of output */
	bool true_colour;
	char text[TEXT_BYTES];
	bool text_new;
	unsigned messages;     /* seen so far */
	int64_t message_until; /* ms */
};

/* For restoring, also in a signal handler: one terminal at a time. */
static int screen_out = -1;

/* Async-signal-safe. */
static void screen_leave(void)
{
	/* The rest of a picture that a slow terminal has not accepted is discarded; a terminal that is gone
	 * needs nothing. */
	if (write(screen_out, LEAVE, sizeof(LEAVE) - 1) < 0) {
		tcflush(screen_out, TCOFLUSH);
		if (write(screen_out, LEAVE, sizeof(LEAVE) - 1) < 0)
			screen_out = -1;
	}
	log_release();
}

/* Messages on stderr would be written across the picture. */
static bool messages_come_here(void)
{
	struct stat out, messages;

	return isatty(STDERR_FILENO) && !fstat(STDOUT_FILENO, &out) && !fstat(STDERR_FILENO, &messages) &&
	       out.st_rdev == messages.st_rdev;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static bool terminal_available(void)
{
	const char *kind = environment("TERM");

	return isatty(STDOUT_FILENO) && *kind && strcmp(kind, "dumb") != 0;
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* A separate descriptor, so that O_NONBLOCK does not affect the shell's. */
static int output_open(void)
{
	char name[128];

	int fd = ttyname_r(STDOUT_FILENO, name, sizeof(name))
			 ? -1
			 : open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : fd;
}

/* Writes what the terminal accepts now. -EAGAIN: not all of it. */
static int output_flush(struct terminal *t)
{
	while (t->sent < t->used) {
		ssize_t wrote = write(t->out, t->output + t->sent, t->used - t->sent);
		if (wrote < 0 && errno != EINTR)
			return -errno;
		t->sent += wrote > 0 ? (size_t)wrote : 0;
	}
	t->sent = t->used = 0;
	return 0;
}

/* The same with a timeout: a terminal accepts a few thousand bytes at a time, a picture has many more. */
static int output_push(struct terminal *t, int timeout)
{
	struct pollfd writable = {.fd = t->out, .events = POLLOUT};
	int64_t deadline = milliseconds() + timeout, left;
	int status;

	while ((status = output_flush(t)) == -EAGAIN && (left = deadline - milliseconds()) > 0)
		poll(&writable, 1, (int)left);
	return status;
}

static void terminal_close(void *state)
{
	struct terminal *t = state;

	(void)output_push(t, CLOSE_MS);
	if (t->sent < t->used)
		tcflush(t->out, TCOFLUSH); /* else LEAVE could not be written */
	keyboard_close();
	close(t->out);
	free(t->cells);
	free(t->output);
	free(t);
}

static int terminal_open(const struct display_options *options, void **state, struct error *e)
{
	(void)options;
	if (!isatty(STDOUT_FILENO))
		return error_set(e, -ENODEV, "standard output is not a terminal; take --display none");
	if (!terminal_available())
		return error_set(e, -ENODEV,
			"this terminal (TERM=%s) cannot show pictures; take --display none",
			environment("TERM"));
	if (keyboard_active())
		return error_set(e, -ENODEV, "the terminal shows pictures already");
	struct terminal *t = calloc(1, sizeof(*t));
	if (!t)
		return error_set(e, -ENOMEM, "no memory for the terminal");
	t->out = output_open();
	if (t->out < 0) {
		int status = -errno;
		free(t);
		return error_set(e, status, "the terminal cannot be opened: %s", strerror(-status));
	}
	const char *depth = environment("COLORTERM");
	t->true_colour = !strcmp(depth, "truecolor") || !strcmp(depth, "24bit") ||
			 strstr(environment("TERM"), "direct");
	screen_out = t->out;
	keyboard_open(screen_leave);
	if (messages_come_here())
		log_hold();
	*state = t;
	if (write(t->out, ENTER, sizeof(ENTER) - 1) < 0 && errno != EAGAIN) {
		int status = -errno;
		terminal_close(t);
		return error_set(e, status, "the terminal takes no picture: %s", strerror(-status));
	}
	return 0;
}

__attribute__((format(printf, 2, 3))) static void put(struct terminal *t, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	t->used += (size_t)vsprintf(t->output + t->used, format, arguments);
	va_end(arguments);
}

/* Clears the screen and forgets what was on it. */
static void screen_clear(struct terminal *t)
{
	for (size_t i = 0; i < (size_t)t->columns * (size_t)t->rows; i++)
		t->cells[i] = (struct cell){NO_COLOUR, NO_COLOUR};
	t->ink = (struct cell){NO_COLOUR, NO_COLOUR};
	t->text_new = true;
	put(t, "%s", "\033[0m\033[2J");
}

/* Follows the terminal's size. */
static int size_follow(struct terminal *t)
{
	struct winsize size = {0};

	if (ioctl(t->out, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		size = (struct winsize){.ws_col = 80, .ws_row = 24};
	if (size.ws_col == t->columns && size.ws_row == t->rows)
		return 0;
	size_t cells = (size_t)size.ws_col * size.ws_row;
	free(t->cells);
	free(t->output);
	t->cells = calloc(cells, sizeof(*t->cells));
	t->output = malloc(cells * CELL_BYTES + 4 * TEXT_BYTES);
	t->columns = t->rows = 0;
	if (!t->cells || !t->output)
		return -ENOMEM;
	t->columns = size.ws_col;
	t->rows = size.ws_row;
	t->pixel_shape = 1;
	if (size.ws_xpixel && size.ws_ypixel)
		t->pixel_shape = 2.0 * size.ws_xpixel * size.ws_row / ((double)size.ws_ypixel * size.ws_col);
	screen_clear(t);
	return 0;
}

/* As large as fits above the text, with the picture's aspect. */
static void picture_fit(struct terminal *t, const struct picture *picture)
{
	double room_x = t->columns, room_y = 2.0 * (t->rows > 1 ? t->rows - 1 : 1);
	double shape = (double)picture->width / picture->height / t->pixel_shape;
	int width = (int)(shape * room_y < room_x ? shape * room_y : room_x);
	int height = (int)(room_x / shape < room_y ? room_x / shape : room_y);

	width = width < 1 ? 1 : width;
	height = height < 2 ? 2 : height & ~1;
	if (width == t->width && height == t->height)
		return;
	t->width = width;
	t->height = height;
	screen_clear(t);
}

/* The nearest of xterm's cube of 6 × 6 × 6 and its 24 greys. */
static uint32_t palette_nearest(const int *rgb)
{
	int cube[3], grey = (rgb[0] + rgb[1] + rgb[2]) / 3, cube_far = 0, grey_far = 0;
	int step = grey < 8 ? 0 : grey > 238 ? 23 : (grey - 3) / 10;

	for (int i = 0; i < 3; i++) {
		cube[i] = rgb[i] < 48 ? 0 : rgb[i] < 115 ? 1 : (rgb[i] - 35) / 40;
		int off = rgb[i] - (cube[i] ? 55 + 40 * cube[i] : 0), off_grey = rgb[i] - (8 + 10 * step);
		cube_far += off * off;
		grey_far += off_grey * off_grey;
	}
	if (grey_far < cube_far)
		return 232 + (uint32_t)step;
	return (uint32_t)(16 + 36 * cube[0] + 6 * cube[1] + cube[2]);
}

/* The mean of the picture's pixels under pixel (x, y) of the screen. */
static uint32_t pixel_mean(const struct terminal *t, const struct picture *p, int x, int y)
{
	int left = (int)((int64_t)x * p->width / t->width), top = (int)((int64_t)y * p->height / t->height);
	int right = (int)((int64_t)(x + 1) * p->width / t->width);
	int bottom = (int)((int64_t)(y + 1) * p->height / t->height);
	uint64_t sums[3] = {0};

	right += right == left;
	bottom += bottom == top;
	uint64_t area = (uint64_t)(right - left) * (uint64_t)(bottom - top);
	for (int row = top; row < bottom; row++) {
		const uint8_t *pixel = p->data + 4 * ((size_t)row * (size_t)p->width + (size_t)left);
		for (int column = left; column < right; column++, pixel += 4)
			for (int i = 0; i < 3; i++)
				sums[i] += pixel[2 - i];
	}
	int rgb[3];
	for (int i = 0; i < 3; i++)
		rgb[i] = (int)((sums[i] + area / 2) / area);
	if (!t->true_colour)
		return palette_nearest(rgb);
	return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | (uint32_t)rgb[2];
}

static void put_colour(struct terminal *t, int ground, uint32_t c, uint32_t *in_force)
{
	if (*in_force == c)
		return;
	*in_force = c;
	if (t->true_colour)
		put(t, "\033[%d;2;%u;%u;%um", ground, c >> 16, c >> 8 & 255, c & 255);
	else
		put(t, "\033[%d;5;%um", ground, c);
}

static void put_picture(struct terminal *t, const struct picture *picture)
{
	int left = (t->columns - t->width) / 2, top = (t->rows - 1 - t->height / 2) / 2;

	top = top < 0 ? 0 : top;
	for (int y = 0; y < t->height / 2; y++) {
		bool follows = false; /* the cursor is at this cell already */
		for (int x = 0; x < t->width; x++) {
			struct cell *old = &t->cells[(top + y) * t->columns + left + x];
			struct cell now = {
				pixel_mean(t, picture, x, 2 * y), pixel_mean(t, picture, x, 2 * y + 1)};
			bool same = old->upper == now.upper && old->lower == now.lower;

			if (!same && !follows)
				put(t, "\033[%d;%dH", top + y + 1, left + x + 1);
			follows = !same;
			if (same)
				continue;
			*old = now;
			put_colour(t, 38, now.upper, &t->ink.upper);
			put_colour(t, 48, now.lower, &t->ink.lower);
			put(t, "%s", "▀");
		}
	}
}

/* The last row: at most one whole character a column. */
static void put_text(struct terminal *t)
{
	int left = t->columns - 1;

	if (!t->text_new || t->rows < 2)
		return;
	t->text_new = false;
	t->ink = (struct cell){NO_COLOUR, NO_COLOUR};
	put(t, "\033[%d;1H\033[0m\033[K ", t->rows);
	for (const char *p = t->text; *p; p++) {
		bool begins = ((unsigned char)*p & 0xc0) != 0x80;
		if (begins && left-- <= 0)
			break;
		t->output[t->used++] = *p;
	}
}

static void text_set(struct terminal *t, const char *text)
{
	char cleaned[TEXT_BYTES];

	snprintf(cleaned, sizeof(cleaned), "%s", text);
	for (char *p = cleaned; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' '; /* a label must not control the terminal */
	if (!strcmp(cleaned, t->text))
		return;
	memcpy(t->text, cleaned, sizeof(cleaned));
	t->text_new = true;
}

/* A new message replaces the text for a while; all are printed when the screen is restored. */
static void text_choose(struct terminal *t, const char *text)
{
	char message[TEXT_BYTES];
	unsigned count = log_held(message, sizeof(message));

	if (count != t->messages) {
		t->messages = count;
		t->message_until = milliseconds() + MESSAGE_MS;
	}
	text_set(t, milliseconds() < t->message_until ? message : text);
}

static int terminal_show(void *state, struct frame *frame, struct error *e)
{
	const struct picture *picture = &frame->picture;
	struct terminal *t = state;
	int status = output_push(t, SHOW_MS);

	if (status == -EAGAIN)
		return -EAGAIN; /* a later picture is drawn */
	if (!status && size_follow(t))
		return error_set(e, -ENOMEM, "no memory for a terminal of this size");
	if (!status) {
		text_choose(t, frame->text);
		picture_fit(t, picture);
		put_picture(t, picture);
		put_text(t);
		status = output_push(t, SHOW_MS);
	}
	if (status && status != -EAGAIN)
		return error_set(e, status, "the terminal takes no picture: %s", strerror(-status));
	return 0;
}

static enum display_key terminal_poll_key(void *state)
{
	struct terminal *t = state;
	enum display_key key = KEY_NONE;
	int typed;

	(void)output_flush(t); /* show reports an error */
	while (key == KEY_NONE && (typed = keyboard_read()) >= 0) {
		key = display_key_of(typed);
		if (typed == '\f' && t->columns && !t->used)
			t->width = 0; /* Ctrl-L: the next picture is drawn as a whole */
	}
	return key;
}

static struct display_attention terminal_attention(const void *state)
{
	const struct terminal *t = state;

	return (struct display_attention){
		keyboard_descriptor(), t->sent < t->used ? DISPLAY_ATTENTION : INT64_MAX};
}

/* Two picture pixels for one of the screen in each direction: their mean is smooth enough. */
static struct display_capabilities terminal_capabilities(const void *state)
{
	const struct terminal *t = state;

	return (struct display_capabilities){.width = 2 * t->columns, .height = 4 * t->rows};
}

const struct display_driver display_terminal = {
	.name = "terminal",
	.summary = "this terminal, two pixels a character",
	.available = terminal_available,
	.open = terminal_open,
	.close = terminal_close,
	.show = terminal_show,
	.poll_key = terminal_poll_key,
	.attention = terminal_attention,
	.capabilities = terminal_capabilities,
};
