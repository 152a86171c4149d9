/* SPDX-License-Identifier: MIT */
/* Letters on a machine without fonts. */
#ifndef IMAGE_FONT_H
#define IMAGE_FONT_H

/* If the system has no font, those of the installation (PREFIX/share/twobit/fonts) are used. */
void font_fall_back(void);

#endif
