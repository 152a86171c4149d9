/* SPDX-License-Identifier: MIT */
/* INT, TERM and HUP for commands that print their results so far before they stop. */
#ifndef APP_CLI_INTERRUPTION_H
#define APP_CLI_INTERRUPTION_H

#include <stdbool.h>

/* From now on the first signal only sets the flag. A second INT or TERM kills; a second HUP does not. */
void interruption_catch(void);

/* Whether a signal came. May be called by any thread. */
bool interruption_came(void);

#endif
