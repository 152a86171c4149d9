/* SPDX-License-Identifier: MIT */
/*
 * A terminal as far as pictures in characters need one. A sequence that it does not know fails the test. Only
 * test_terminal uses it, so it stands beside that test.
 */
#ifndef UNIT_TERMINAL_EMULATOR_H
#define UNIT_TERMINAL_EMULATOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LARGEST 64
#define PHASES 8 /* a child ends a phase by ringing the bell */

struct emulator {
	unsigned upper[LARGEST][LARGEST], lower[LARGEST][LARGEST]; /* colour + 1; 0: never written */
	char text[LARGEST][256];
	unsigned fore, back; /* colour + 1 */
	int row, column, clears;
	bool other_screen, cursor_hidden, no_wrap;
	int phases, blocks, blocks_in[PHASES];
};

static void emulate_mode(struct emulator *m, int mode, bool set)
{
	switch (mode) {
	case 1049:
		m->other_screen = set;
		break;
	case 25:
		m->cursor_hidden = !set;
		break;
	case 7:
		m->no_wrap = !set;
		break;
	default:
		fail_msg("unknown mode %d", mode);
	}
}

static void emulate_colours(struct emulator *m, const int *n, int count)
{
	if (count == 1 && n[0] == 0) {
		m->fore = m->back = 0;
		return;
	}
	assert_true(n[0] == 38 || n[0] == 48);
	unsigned *ground = n[0] == 38 ? &m->fore : &m->back;
	if (count == 3 && n[1] == 5) {
		assert_in_range(n[2], 16, 255);
		*ground = (unsigned)n[2] + 1;
		return;
	}
	assert_int_equal(count, 5);
	assert_int_equal(n[1], 2);
	for (int i = 2; i < 5; i++)
		assert_in_range(n[i], 0, 255);
	*ground = ((unsigned)n[2] << 16 | (unsigned)n[3] << 8 | (unsigned)n[4]) + 1;
}

/* One control sequence from behind "ESC ["; returns what follows it. */
static const char *emulate_sequence(struct emulator *m, const char *p)
{
	bool private = *p == '?';
	int n[8] = {0}, count = 0;

	p += private;
	do {
		char *end;
		assert_true(count < 8);
		n[count++] = (int)strtol(p, &end, 10);
		p = end;
	} while (*p == ';' && p++);
	if (private) {
		assert_true(*p == 'h' || *p == 'l');
		emulate_mode(m, n[0], *p == 'h');
	} else if (*p == 'H') {
		m->row = n[0] - 1;
		m->column = n[1] - 1;
		assert_in_range(m->row, 0, LARGEST - 1);
		assert_in_range(m->column, 0, LARGEST - 1);
	} else if (*p == 'm') {
		emulate_colours(m, n, count);
	} else if (*p == 'J') {
		assert_int_equal(n[0], 2);
		memset(m->upper, 0, sizeof(m->upper));
		memset(m->lower, 0, sizeof(m->lower));
		memset(m->text, 0, sizeof(m->text));
		m->clears++;
	} else if (*p == 'K') {
		memset(m->text[m->row], 0, sizeof(m->text[m->row]));
	} else {
		fail_msg("unknown sequence, it ends in %d", *p);
	}
	return p + 1;
}

static void emulate(struct emulator *m, const char *p)
{
	while (*p) {
		if (!strncmp(p, "\033[", 2)) {
			p = emulate_sequence(m, p + 2);
		} else if (!strncmp(p, "▀", 3)) {
			assert_in_range(m->column, 0, LARGEST - 1);
			m->upper[m->row][m->column] = m->fore;
			m->lower[m->row][m->column++] = m->back;
			m->blocks++;
			p += 3;
		} else if (*p == '\a') {
			assert_true(m->phases < PHASES);
			m->blocks_in[m->phases++] = m->blocks;
			m->blocks = 0;
			p++;
		} else if (*p == '\030' || (!m->other_screen && (*p == '\r' || *p == '\n'))) {
			p++;
		} else {
			assert_true((unsigned char)*p >= ' ');
			strncat(m->text[m->row], p++, 1);
		}
	}
}

#endif
