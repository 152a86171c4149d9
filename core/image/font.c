/* SPDX-License-Identifier: MIT */
#include "image/font.h"

#include "base/installation.h"

#include <fontconfig/fontconfig.h>
#include <limits.h>
#include <stddef.h>

void font_fall_back(void)
{
	const FcFontSet *fonts = FcConfigGetFonts(NULL, FcSetSystem);
	char folder[PATH_MAX];

	if ((!fonts || fonts->nfont == 0) && !installation_find("fonts", folder, sizeof(folder)))
		FcConfigAppFontAddDir(NULL, (const FcChar8 *)folder);
}
