/* SPDX-License-Identifier: MIT */
#include "display/drivers.h"

enum display_key display_key_of(int character)
{
	if (character >= '1' && character <= '9')
		return (enum display_key)(KEY_1 + character - '1');
	switch (character) {
	case 'q':
	case '\033':
		return KEY_QUIT;
	case ' ':
		return KEY_PAUSE;
	case 'f':
		return KEY_FULLSCREEN;
	case 'i':
		return KEY_STATISTICS;
	case 's':
		return KEY_SNAPSHOT;
	case 'r':
		return KEY_RECORD;
	case 'o':
		return KEY_CAPTION;
	case 'h':
	case '?':
		return KEY_HELP;
	case 'b':
		return KEY_BACKGROUND;
	case 'u':
		return KEY_UNDO;
	default:
		return KEY_NONE;
	}
}
