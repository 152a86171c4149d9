/* SPDX-License-Identifier: MIT */
/* What was learned, for people and as JSON. */
#ifndef APP_TEACH_REPORT_H
#define APP_TEACH_REPORT_H

#include "teach/lesson.h"

/* folder: where the network was saved; name: by which --network finds it. */
void teach_report_print(const struct lesson *lesson, const struct ridge *ridge, const char *folder,
	const char *name, bool json);

#endif
