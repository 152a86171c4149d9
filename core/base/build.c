/* SPDX-License-Identifier: MIT */
#include "base/build.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	bool built;
} features[] = {
	{"sdl", TWOBIT_HAVE_SDL},
	{"drm", TWOBIT_HAVE_DRM},
	{"video", TWOBIT_HAVE_VIDEO},
	{"systemd", TWOBIT_HAVE_SYSTEMD},
	{"v4lconvert", TWOBIT_HAVE_V4LCONVERT},
	{"webp", TWOBIT_HAVE_WEBP},
	{"heif", TWOBIT_HAVE_HEIF},
	{"serve", TWOBIT_HAVE_SERVE},
	{"mqtt", TWOBIT_HAVE_MQTT},
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

/* Appends the features that are built, or those that are not, and returns their number. */
static size_t add_names(char *out, size_t size, bool built, const char *before)
{
	size_t count = 0;

	for (size_t i = 0; i < FEATURES; i++) {
		size_t used = strlen(out);
		if (features[i].built == built)
			snprintf(out + used, size - used, "%s%s", count++ ? " " : before, features[i].name);
	}
	return count;
}

bool build_features(char *out, size_t size)
{
	snprintf(out, size, "%s", "");
	if (!add_names(out, size, true, ""))
		snprintf(out, size, "none");
	return add_names(out, size, false, "; without ") == 0;
}

int build_check_video(struct error *e)
{
	if (TWOBIT_HAVE_VIDEO)
		return 0;
	return error_set(e, -ENOSYS, "this build has no video; configure it with -DTWOBIT_VIDEO=ON");
}
