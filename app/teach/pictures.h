/* SPDX-License-Identifier: MIT */
/* Teaching from a folder that has a subfolder of pictures for each class. */
#ifndef APP_TEACH_PICTURES_H
#define APP_TEACH_PICTURES_H

#include "teach/lesson.h"

/*
 * Adds all pictures of FOLDER/CLASS. Pictures that cannot be read are reported and left out. INT or TERM ends
 * it early: -ECANCELED. -ENOENT, -EINVAL … with a message.
 */
int teach_pictures(struct lesson *lesson, const char *folder, bool progress, struct error *e);

#endif
