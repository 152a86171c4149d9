/* SPDX-License-Identifier: MIT */
/*
 * Stands for base/log.c in libtwobit and its modules: a library prints nothing. What goes wrong is a value,
 * or an absent picture.
 */
#include "base/log.h"

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}
