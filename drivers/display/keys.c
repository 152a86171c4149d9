/* SPDX-License-Identifier: MIT */
#include "display/drivers.h"

enum display_key display_key_of(int character)
{
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
	case '?':
		return KEY_HELP;
	default:
		return KEY_NONE;
	}
}
