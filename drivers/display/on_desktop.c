/* SPDX-License-Identifier: MIT */
#include "display/drivers.h"

#include <stddef.h>
#include <stdlib.h>

bool display_on_desktop(void)
{
	static const char *const variables[] = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *value = getenv(variables[i]);
		if (value && *value)
			return true;
	}
	return false;
}
