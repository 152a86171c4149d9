/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 4, 0))) static int fill(
	struct error *e, const char *wrong, int code, const char *format, va_list arguments)
{
	if (code > 0)
		code = -code;
	if (e) {
		vsnprintf(e->text, sizeof(e->text), format, arguments);
		e->code = code;
		e->wrong = wrong;
	}
	return code;
}

int error_set(struct error *e, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	code = fill(e, NULL, code, format, arguments);
	va_end(arguments);
	return code;
}

int error_refuse(struct error *e, const char *wrong, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	code = fill(e, wrong, code, format, arguments);
	va_end(arguments);
	return code;
}

bool error_is_of_machine(int code)
{
	return code == -ENOMEM || code == -EAGAIN || code == -EMFILE || code == -ENFILE || code == -EIO;
}
