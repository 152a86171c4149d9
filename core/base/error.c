/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *e, int code, const char *format, ...)
{
	if (code > 0)
		code = -code;
	if (e) {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(e->text, sizeof(e->text), format, arguments);
		va_end(arguments);
		e->code = code;
	}
	return code;
}
