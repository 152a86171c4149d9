/* SPDX-License-Identifier: MIT */
/* INT, TERM and HUP for commands that print what they have when they are to stop. */
#ifndef APP_CLI_INTERRUPTION_H
#define APP_CLI_INTERRUPTION_H

#include <stdbool.h>

/* From now on the first signal is only noted; a second one kills, but HUP. */
void interruption_catch(void);

/* Whether one came. Any thread. */
bool interruption_came(void);

#endif
